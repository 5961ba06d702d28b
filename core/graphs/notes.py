"""
What policies have to say of an attempt while it runs, for whoever records it.

A policy knows the task it stands around, the record of its attempt is made elsewhere; here they meet.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock.core.model.nodes import STAND_IN, NodeStatus


@dataclass(frozen=True, kw_only=True)
class Note:
    """
    About one attempt of one task.

    `status` replaces what its end looks like: an attempt that a breaker refused ends in an error and
    is short-circuited; one that a cache or a fallback served ends well. `permanent`
    are names of error classes that the policy counts among its permanent ones. The others are as on
    `NodeRun`.
    """

    status: NodeStatus | None = None
    error_kind: str | None = None
    retry_wait_ms: float | None = None
    origin: str | None = None
    permanent: tuple[str, ...] = ()


class Notes:
    """The notes of one run, by task id; from any thread."""

    def __init__(
        self,
        warn: Callable[[str, str], None] = lambda _text, _path: None,
        cost_of: Callable[[str], float] = lambda _task_id: 0.0,
    ) -> None:
        """
        Args:
            warn: Takes a sentence for the run's log and the path of the node it is about.
            cost_of: What the model calls of a task, by its id, cost so far.
        """
        self.warn = warn
        self.cost_of = cost_of
        self._lock = threading.Lock()
        self._notes: dict[str, Note] = {}
        self._hits: dict[str, deque[str]] = {}
        self._is_degraded = False
        self._to_fall_back: set[str] = set()
        self._cache_events: list[tuple[str, str]] = []

    def tell(self, task_id: str, **changes: Any) -> None:
        """Add to the note of a task's present attempt, or of its next one: keywords of `Note`."""
        with self._lock:
            self._notes[task_id] = replace(self._notes.get(task_id, Note()), **changes)

    def tell_stand_in(self, task_id: str, label: str) -> None:
        """Another model answered a call in the present attempt; a fallback that did so stays one."""
        with self._lock:
            note = self._notes.get(task_id, Note())
            self._notes[task_id] = replace(note, origin=note.origin or f"{STAND_IN}{label}")

    def origin_of(self, task_id: str) -> str | None:
        """What is known of the origin of a task's next attempt."""
        with self._lock:
            note = self._notes.get(task_id)
            return note.origin if note is not None else None

    def take(self, task_id: str) -> Note | None:
        """The note of the attempt that just ended; the next one begins without."""
        with self._lock:
            return self._notes.pop(task_id, None)

    def tell_hit(self, node: str, origin: str) -> None:
        """A cache served a task of this node, from this tier; LangGraph does not say which task."""
        with self._lock:
            self._hits.setdefault(node, deque()).append(origin)

    def take_hit(self, node: str) -> str | None:
        """The tier of the oldest hit of a node that was not taken yet."""
        with self._lock:
            hits = self._hits.get(node)
            return hits.popleft() if hits else None

    def order_fallback(self, task_ids: Collection[str]) -> None:
        """For these tasks the fallback serves, and they are not tried."""
        with self._lock:
            self._to_fall_back.update(task_ids)

    def take_fallback(self, task_id: str) -> bool:
        """Whether that was decided of a task; asked once."""
        with self._lock:
            is_ordered = task_id in self._to_fall_back
            self._to_fall_back.discard(task_id)
            return is_ordered

    def tell_cache_event(self, event: str, path: str) -> None:
        """A node said that something happened by which caches are cleared."""
        with self._lock:
            self._cache_events.append((event, path))

    @property
    def has_cache_events(self) -> bool:
        """Whether there are caches to be cleared before the graph goes on."""
        return bool(self._cache_events)

    def take_cache_events(self) -> list[tuple[str, str]]:
        """The events that were told since, each once, with the path of the graph in which it was told."""
        with self._lock:
            told, self._cache_events = self._cache_events, []
        return list({event: (event, path) for event, path in told}.values())

    def mark_degraded(self) -> None:
        """Something served in a node's place: the run's result is less than it could have been."""
        self._is_degraded = True

    @property
    def is_degraded(self) -> bool:
        """Whether something served in a node's place."""
        return self._is_degraded


def find_cache_event(written: object) -> str | None:
    """The event that a node told by its stream writer: `{"interlock": {"cache_event": "prices"}}`."""
    ours = written.get("interlock") if isinstance(written, Mapping) else None
    event = ours.get("cache_event") if isinstance(ours, Mapping) else None
    return event if isinstance(event, str) else None
