"""
Signs of life of a child process, looked for in a thread of its own.

A look that hangs or fails must not hold up the supervisor.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable

INTERVAL_S = 2.0
HTTP_TIMEOUT_S = 5.0
MAX_STEP_S = 10.0  # a machine that slept, or a stopped parent, is not a child's silence

Look = Callable[[int], bool | None]
"""Given a process id: True a sign of life, False none, None cannot be told (then nothing is held
against the child: an unreachable database is not its silence)."""


class Probe:
    """Looks every `interval_s`; silent after looks have seen nothing for `silent_s`."""

    def __init__(self, look: Look, *, silent_s: float, interval_s: float = INTERVAL_S) -> None:
        self._look = look
        self._interval_s = interval_s
        self._allowed_s = silent_s
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._pid: int | None = None
        self._silent_s = 0.0
        self._has_answered = False
        self._thread = threading.Thread(target=self._run, name="interlock-probe", daemon=True)
        self._thread.start()

    @property
    def has_answered(self) -> bool:
        """Whether the watched process has given a sign of life."""
        with self._lock:
            return self._has_answered

    @property
    def is_silent(self) -> bool:
        """Whether it did once, and has not for too long."""
        with self._lock:
            return self._has_answered and self._silent_s >= self._allowed_s

    def watch(self, pid: int | None) -> None:
        """Turn to another process; None looks at nothing."""
        with self._lock:
            self._pid, self._silent_s, self._has_answered = pid, 0.0, False

    def close(self) -> None:
        """Stop looking."""
        self._wake.set()

    def _run(self) -> None:
        looked_at = time.monotonic()
        while not self._wake.wait(self._interval_s):
            with self._lock:
                pid = self._pid
            if pid is None:
                continue
            seen = self._look(pid)
            before, looked_at = looked_at, time.monotonic()
            passed_s = min(looked_at - before, MAX_STEP_S)
            with self._lock:
                if pid == self._pid and seen is not None:  # it may have been replaced meanwhile
                    self._silent_s = 0.0 if seen else self._silent_s + passed_s
                    self._has_answered = self._has_answered or seen


def fetch(host: str, port: int, path: str, *, timeout_s: float = HTTP_TIMEOUT_S) -> tuple[int, str]:
    """GET a page of our own web process; (0, reason) if nobody answers."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(100_000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as exc:
        return 0, str(exc)
    finally:
        connection.close()


def local_host(host: str) -> str:
    """The address under which this machine reaches what listens on `host`."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
