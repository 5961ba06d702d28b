"""Keys of the time machine: a thread's tree, its points, a staged change."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.dashboard.keys.making import digest, join


def history_threads(ids: Iterable[str]) -> str:
    """The list of exactly these threads in this order."""
    return f"history-threads-{digest(ids)}"


def history_find(what: str) -> str:
    """A field above the list of threads: `words` or `workflow`."""
    return join("history-find", what)


def history_tree(thread_id: str) -> str:
    """The drawing of a thread's tree."""
    return join("history-tree", thread_id)


def history_table(ids: Iterable[str]) -> str:
    """The table of exactly these points in this order."""
    return f"history-table-{digest(ids)}"


def history_filter(what: str) -> str:
    """A filter of a thread's points: `node`, `source`, `run`, `from`, `to` or `decisions`."""
    return join("history-filter", what)


def history_go(what: str) -> str:
    """A button beside the tree: `older`, `newest`, `left`, `right`, `fold`, `moved`, `before`, `after`."""
    return join("history-go", what)


def history_part(what: str, thread_id: str, checkpoint_id: str) -> str:
    """A part of one point: `state`, `beneath`, `ran`, `second`, `diff`."""
    return join(f"history-{what}", thread_id, checkpoint_id)


def history_verb(verb: str, checkpoint_id: str) -> str:
    """The button that stages a change at a point."""
    return join("history-verb", verb, checkpoint_id)


def staged_part(what: str, staged_id: str) -> str:
    """A part of a staged change: `reason`, `apply`, `discard`, `node`, `fields`, `json`, `thread` …"""
    return join(f"staged-{what}", staged_id)


def staged_field(staged_id: str, path: str) -> str:
    """One field of the state that a staged change edits."""
    return join("staged-field", staged_id, path)


def staged_mode(staged_id: str, path: str) -> str:
    """Whether that field is replaced or appended to."""
    return join("staged-mode", staged_id, path)
