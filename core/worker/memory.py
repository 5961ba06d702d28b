"""
The memory guard: a worker that needs too much takes no further runs beside those it carries.

One that carries nothing takes a run all the same: what its project's libraries need is there anyway,
and a worker that never takes anything again would help nobody.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

LOOK_S = 1.0  # between two looks
MB = 1_000_000
_STATM = Path("/proc/self/statm")

logger = logging.getLogger(__name__)


def read_bytes() -> int | None:
    """What this process has in memory; None on systems that do not tell so."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


class Memory:
    """Whether this process needs more than it may; from any thread."""

    def __init__(
        self,
        limit_mb: int,
        *,
        read: Callable[[], int | None] = read_bytes,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`limit_mb` 0 is no bound."""
        self._limit_mb = limit_mb
        self._read = read
        self._now = now
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._is_over = False

    def is_over(self) -> bool:
        """Whether it needs too much, as of the last second."""
        if not self._limit_mb:
            return False
        with self._lock:
            if self._now() - self._looked_at >= LOOK_S:
                self._looked_at = self._now()
                self._look()
            return self._is_over

    def _look(self) -> None:
        used = self._read()
        is_over = used is not None and used > self._limit_mb * MB
        if is_over is not self._is_over:
            self._is_over = is_over
            about = {"used_mb": round((used or 0) / MB), "limit_mb": self._limit_mb}
            if is_over:
                logger.warning("worker_over_memory", extra=about)
            else:
                logger.info("worker_within_memory", extra=about)
