"""
What user code prints and logs, told apart by run.

A context variable says whose code is running; asyncio and LangGraph carry it into tasks and threads.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_LINE = 4_000  # characters of one printed line or log record kept with the run

Sink = Callable[[str, str], None]  # stream or logger name, text

_sink: ContextVar[Sink | None] = ContextVar("interlock_sink", default=None)


@contextmanager
def captured(sink: Sink) -> Iterator[None]:
    """Send what the code inside prints and logs to `sink`, as well as where it went before."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


def install() -> None:
    """Put the ears on stdout, stderr and the root logger of this process, once."""
    if not isinstance(sys.stdout, _Tee):
        sys.stdout = _Tee("stdout", sys.stdout)
        sys.stderr = _Tee("stderr", sys.stderr)
        logging.getLogger().addHandler(_RunHandler())


class _Tee(io.TextIOBase):
    """A stream that also hands whole lines to the sink of the run whose code writes."""

    def __init__(self, name: str, inner: io.TextIOBase | object) -> None:
        super().__init__()
        self._name = name
        self._inner = inner
        self._partial: ContextVar[str] = ContextVar(f"interlock_{name}", default="")

    def write(self, text: str) -> int:
        """Pass on, and keep what was printed by a run's code."""
        sink = _sink.get()
        if sink is not None:
            *lines, rest = (self._partial.get() + text).split("\n")
            self._partial.set(rest[:MAX_LINE])
            for line in lines:
                if line.strip():
                    sink(self._name, line[:MAX_LINE])
        written: int = self._inner.write(text)  # type: ignore[union-attr]
        return written

    def flush(self) -> None:
        """Flush the real stream."""
        self._inner.flush()  # type: ignore[union-attr]

    def fileno(self) -> int:
        """The real stream's descriptor, for code that starts processes."""
        number: int = self._inner.fileno()  # type: ignore[union-attr]
        return number

    def isatty(self) -> bool:
        """Whether a person reads the real stream."""
        return bool(self._inner.isatty())  # type: ignore[union-attr]

    def writable(self) -> bool:
        """It is."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The real stream's encoding."""
        return str(getattr(self._inner, "encoding", "utf-8"))


class _RunHandler(logging.Handler):
    """Hands log records of a run's code to its sink."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record; our own loggers speak of the run, not for it."""
        sink = _sink.get()
        if sink is None or record.name.startswith("interlock."):
            return
        try:
            text = f"{record.levelname}: {record.getMessage()}"
        except Exception:  # noqa: BLE001  user code's format string may not fit its arguments
            text = f"{record.levelname}: {record.msg!r}"
        sink(record.name, text[:MAX_LINE])
