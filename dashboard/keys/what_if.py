"""Keys of a what-if: its two answers, what stands in, its result."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def what_if_side(what: str, place: str, side: str) -> str:
    """A part of one side: `verb` or `answer`; `place` is the card or the point that is tried."""
    return join(f"what-if-{what}", place, side)


def what_if_node(what: str, place: str, side: str, path: str) -> str:
    """What is said of a node: `how` or `value`; `side` is "both" where it is said once."""
    return join(f"what-if-node-{what}", place, side, path)


def what_if_part(what: str, what_if_id: str) -> str:
    """A part of a what-if: `start`, `reason`, `keep-a`, `keep-b`, `discard`, `diff`, `way`, `live`."""
    return join(f"what-if-{what}", what_if_id)
