"""Lists by pages: a bounded number of items, and an opaque cursor to the next of the same list."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query
from starlette.responses import Response

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.types import Json
from interlock.dashboard.http.api.answers import answer

MAX_LIMIT = 200
MAX_CURSOR_CHARS = 2000

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many items.")]
Cursor = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR_CHARS, description="`next` of the page before; same filters."),
]

T = TypeVar("T")


def page(
    found: Sequence[T],
    *,
    limit: int,
    which: Sequence[Json],
    place: Callable[[T], list[Json]],
    show: Callable[[T], Json],
) -> Response:
    """
    Answer a page.

    Args:
        found: One more than fit, where there are more.
        limit: How many fit.
        which: What names this list: its kind and filters.
        place: Where an item stands in it.
        show: Its document.
    """
    items = found[:limit]
    cursor = write_cursor(which, place(items[-1])) if len(found) > limit else None
    return answer({"items": [show(item) for item in items], "next": cursor})


def read_cursor(cursor: str | None, *, which: Sequence[Json], size: int = 1) -> list[str] | None:
    """
    The place that a cursor of this list stands for.

    Raises:
        InvalidInput: It is none of this list.
    """
    if cursor is None:
        return None
    try:
        told = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        told = None
    is_ours = (
        isinstance(told, list)
        and len(told) == size + 1
        and all(isinstance(part, str) for part in told)
        and told[0] == _name(which)
    )
    if not is_ours:
        raise InvalidInput(
            "The cursor does not belong to this list.",
            problems=[FieldProblem("cursor", "is not `next` of a page with the same filters")],
            hint="Begin again without it.",
        )
    return list(told[1:])


def write_cursor(which: Sequence[Json], place: Sequence[Json]) -> str:
    """The cursor for what comes after a place of this list."""
    return base64.urlsafe_b64encode(json.dumps([_name(which), *place]).encode()).decode()


def _name(which: Sequence[Json]) -> str:
    return hashlib.sha256(json.dumps(which, default=str).encode()).hexdigest()[:16]
