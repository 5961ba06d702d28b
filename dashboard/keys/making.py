"""How keys are made: of ids, safe as a CSS class, different things never the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_JOINT = "--"  # between the parts of a key, and in no part itself ("__" is Streamlit's own)
_HASH_CHARS = 10


def selector(key: str) -> str:
    """The CSS selector under which the element with this key is found."""
    return f".st-key-{key}"


def safe(part: str) -> str:
    """A name of any shape as part of a key; different names stay different."""
    is_unsafe = not part or _UNSAFE.search(part) or any(joint in part for joint in (_JOINT, "__"))
    if not is_unsafe and part.strip("-_") == part:
        return part
    return f"x{digest([part])}"


def digest(parts: Iterable[str]) -> str:
    """A short name for a list, the same for the same list alone."""
    text = "\x1f".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARS]


def join(what: str, *parts: str) -> str:
    """A key of a thing and whatever tells it from others of its kind."""
    return _JOINT.join([what, *(safe(part) for part in parts)])


def of_card(what: str, approval_id: str, version: int) -> str:
    """A key that belongs to one version of a card."""
    # With the version: a draft or a button of an older question never acts on the newer one.
    return join(what, approval_id, f"v{version}")
