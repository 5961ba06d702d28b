"""The tier of caches in a worker's own memory: encoded entries, the longest unused ones let go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.caches import Entry, Place

_OVERHEAD_BYTES = 500  # of an entry, beside its value


@dataclass(frozen=True)
class _Held:
    entry: Entry
    clears: int
    size_bytes: int


class MemoryTier:
    """At most so many bytes, and of a place so many entries; from any thread."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, str], _Held] = OrderedDict()
        self._order: dict[Place, OrderedDict[tuple[str, str], None]] = {}
        self._size_bytes = 0
        self._clears = 0

    def get(self, entry_id: tuple[str, str], *, now: datetime) -> Entry | None:
        """An entry that may be used."""
        with self._lock:
            held = self._held.get(entry_id)
            if held is None:
                return None
            if held.entry.has_expired(now):
                self._drop(entry_id)
                return None
            self._held.move_to_end(entry_id)
            self._order[held.entry.place].move_to_end(entry_id)
            return held.entry

    def put(self, entry: Entry, *, clears: int, max_entries: int) -> None:
        """Hold an entry that was there at the clearing with this number, and let go of what is too much."""
        size = len(entry.value) + _OVERHEAD_BYTES
        with self._lock:
            if clears < self._clears or size > self._max_bytes:
                return
            self._drop(entry.id)
            self._held[entry.id] = _Held(entry, clears, size)
            order = self._order.setdefault(entry.place, OrderedDict())
            order[entry.id] = None
            self._size_bytes += size
            while len(order) > max_entries:
                self._drop(next(iter(order)))
            while self._size_bytes > self._max_bytes:
                self._drop(next(iter(self._held)))

    def forget(self, *, before: int) -> None:
        """Let go of all that was there before the clearing with this number; nothing older comes in."""
        with self._lock:
            self._clears = before
            for entry_id in [i for i, held in self._held.items() if held.clears < before]:
                self._drop(entry_id)

    def __len__(self) -> int:
        return len(self._held)

    def _drop(self, entry_id: tuple[str, str]) -> None:
        held = self._held.pop(entry_id, None)
        if held is None:
            return
        self._size_bytes -= held.size_bytes
        order = self._order[held.entry.place]
        order.pop(entry_id, None)
        if not order:
            del self._order[held.entry.place]
