"""The local model's words in the newsroom: the editor's, the writer's and the reviewer's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.core.gallery.speech import Parts, Writer


def _assign(parts: Parts) -> str:
    """The desk that has not done its part yet, in the order of a newspaper."""
    if parts.get("findings", "0") == "0" and "researcher" not in parts.get("visited", ""):
        return "researcher"
    if parts.get("drafts", "0") == "0":
        return "writer"
    if parts.get("review") not in {"accepted", "given up"}:
        return "reviewer"
    return "publish" if "picture_desk" in parts.get("visited", "") else "picture_desk"


ASIDE = "Nobody we asked expects it to be settled soon."


def _compose(parts: Parts) -> str:
    subject, readers = parts.get("subject", "News"), parts.get("readers", "readers")
    found = re.findall(r"^- (.+)$", parts.get("findings", ""), re.MULTILINE)
    body = " ".join(each for each in found if "nothing" not in each) or "Little is known so far."
    opening = f"{subject} is what {readers} talk about this week."
    if "sources" in parts.get("remark", ""):
        sources = sorted(set(re.findall(r"\(([^)]+)\)", body)))
        opening = f"{opening} What follows rests on: {', '.join(sources) or 'hearsay'}."
    return f"{subject}\n\n{opening}\n\n{body}\n\n{ASIDE}"


def _proofread(parts: Parts) -> str:
    if "rests on" not in parts.get("article", ""):
        return "REVISE: say at the beginning which sources it rests on."
    return "ACCEPT: it says what it knows, and from whom."


REPLIES: Mapping[str, Writer] = {
    "assign": _assign,
    "compose": _compose,
    "proofread": _proofread,
}
