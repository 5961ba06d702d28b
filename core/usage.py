"""What a process of this machine uses: processor time and memory, as Linux tells of any process."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_MIN_SPAN_S = 0.5  # a share of a shorter span is noise
_AFTER_NAME = 2  # fields of /proc/<pid>/stat that stand before its state: the number and the name
_UTIME, _STIME, _START = 13 - _AFTER_NAME, 14 - _AFTER_NAME, 21 - _AFTER_NAME


@dataclass(frozen=True)
class Usage:
    """
    One process as it stands: `cpu_ratio` is of one core, since the last look or since its start.

    `memory_bytes` is what it holds of the machine's memory.
    """

    cpu_ratio: float
    memory_bytes: int


class Meter:
    """Remembers what it saw of each process, to tell what was used since."""

    def __init__(self, proc: Path = _PROC) -> None:
        self._proc = proc
        self._lock = threading.Lock()
        self._seen: dict[int, tuple[float, float, Usage | None]] = {}  # at, processor seconds, told

    def read(self, pid: int) -> Usage | None:
        """What a process uses; None where that cannot be told."""
        try:
            fields = (self._proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
            pages = int((self._proc / str(pid) / "statm").read_text().split()[1])
            uptime_s = float((self._proc / "uptime").read_text().split()[0])
            tick = os.sysconf("SC_CLK_TCK")
            cpu_s = (int(fields[_UTIME]) + int(fields[_STIME])) / tick
            age_s = uptime_s - int(fields[_START]) / tick
            memory = pages * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, IndexError):
            return None
        return self._told(pid, cpu_s, age_s, memory)

    def _told(self, pid: int, cpu_s: float, age_s: float, memory: int) -> Usage:
        now = time.monotonic()
        with self._lock:
            at, before_s, last = self._seen.get(pid, (now - max(age_s, 1.0), 0.0, None))
            if last is not None and now - at < _MIN_SPAN_S:
                return Usage(last.cpu_ratio, memory)
            used_s = max(0.0, cpu_s - before_s)
            usage = Usage(used_s / (now - at), memory)
            self._seen[pid] = (now, cpu_s, usage)
            return usage
