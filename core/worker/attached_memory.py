"""What a worker remembers of the threads of another application between two looks."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from interlock.core.graphs.attached_rows import FoundHead
from interlock.core.types import CheckpointId, ThreadId

AGAIN_S = 2.0  # the other application is at work on a thread: look at it anew after this


@dataclass(frozen=True)
class Seen:
    """A thread as it was kept last."""

    head: CheckpointId
    print: str


class Memory:
    """The threads that were taken in, those that move, and those that cannot be run here."""

    def __init__(self) -> None:
        self._seen: dict[ThreadId, Seen] = {}
        self._moving: dict[ThreadId, float] = {}  # when to look again, time.monotonic()
        self._unknown: set[ThreadId] = set()

    @property
    def thread_count(self) -> int:
        """How many threads were taken in."""
        return len(self._seen)

    @property
    def unknown_count(self) -> int:
        """How many of them cannot be run here."""
        return len(self._unknown)

    @property
    def is_any_due(self) -> bool:
        """Whether a thread that moved is to be looked at again, although nothing was stored."""
        now = time.monotonic()
        return any(at <= now for at in self._moving.values())

    def is_new(self, head: FoundHead) -> bool:
        """Whether a thread is not known as it stands, or is to be looked at again."""
        seen = self._seen.get(head.thread_id)
        if seen is None or (seen.head, seen.print) != (head.checkpoint_id, head.print):
            return True
        return self._moving.get(head.thread_id, float("inf")) <= time.monotonic()

    def find(self, thread_id: ThreadId) -> Seen | None:
        """A thread as it was kept last."""
        return self._seen.get(thread_id)

    def find_gone(
        self, before: Collection[ThreadId], there: Collection[ThreadId]
    ) -> list[ThreadId]:
        """The threads that were taken in, or known before, and are no longer there."""
        return sorted((self._seen.keys() | set(before)) - set(there))

    def remember(
        self, head: FoundHead, *, is_moving: bool = False, is_unknown: bool | None = None
    ) -> None:
        """Note a thread as it stands; `is_unknown` None: nothing new is known of that."""
        self._seen[head.thread_id] = Seen(head.checkpoint_id, head.print)
        if is_moving:
            self._moving[head.thread_id] = time.monotonic() + AGAIN_S
        else:
            self._moving.pop(head.thread_id, None)
        if is_unknown:
            self._unknown.add(head.thread_id)
        elif is_unknown is False:
            self._unknown.discard(head.thread_id)

    def forget(self, thread_ids: Iterable[ThreadId]) -> None:
        """These threads are no longer there."""
        for thread_id in thread_ids:
            self._seen.pop(thread_id, None)
            self._moving.pop(thread_id, None)
            self._unknown.discard(thread_id)
