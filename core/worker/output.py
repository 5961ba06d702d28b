"""
What user code prints and logs, told apart by run, and made harmless to the terminal (law 9).

A context variable says whose code is running; asyncio and LangGraph carry it into tasks and threads.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from interlock.core.worker.lines import MAX_LINE, Line, inert

OWN, USERS_OWN = "interlock.", "interlock.core.gallery."  # the gallery is a project like any other

Sink = Callable[[str, str], None]  # stream or logger name, text


class _Ear:
    """Hears one run: puts what is printed in pieces together to lines."""

    def __init__(self, sink: Sink) -> None:
        self.tell = sink
        self._lines: dict[tuple[str, object], Line] = {}

    def hear(self, stream: str, text: str) -> str:
        """
        Tell the lines that are complete; nodes side by side do not mix.

        Returns:
            What the terminal shall show of it: the text at once, unless its line is drawn over.
        """
        key = (stream, _speaker())
        line = self._lines.setdefault(key, Line())
        was_drawn_over = line.is_drawn_over
        told = list(line.feed(text))
        for each in told:
            self.tell(stream, each)
        if line.is_empty:
            del self._lines[key]
        if was_drawn_over or "\r" in text.replace("\r\n", "\n"):
            return "".join(f"{each}\n" for each in told)
        return inert(text.replace("\r\n", "\n"))

    def close(self) -> None:
        """Tell what was left without an end of line."""
        lines, self._lines = self._lines, {}
        for (stream, _), line in lines.items():
            for each in line.end():
                self.tell(stream, each)


_ear: ContextVar[_Ear | None] = ContextVar("interlock_ear", default=None)
_NOBODY = _Ear(lambda _stream, _text: None)  # for code that runs outside of any run


@contextmanager
def captured(sink: Sink) -> Iterator[None]:
    """Send what the code inside prints and logs to `sink`, as well as where it went before."""
    ear = _Ear(sink)
    token = _ear.set(ear)
    try:
        yield
    finally:
        _ear.reset(token)
        ear.close()


def _speaker() -> object:
    """What runs this code: a task of the loop, or a thread."""
    try:
        return asyncio.current_task() or threading.get_ident()
    except RuntimeError:  # no loop runs in this thread
        return threading.get_ident()


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

    def write(self, text: str) -> int:
        """Pass on what a terminal does not obey, and keep what was printed by a run's code."""
        ear = _ear.get() or _NOBODY
        self._inner.write(ear.hear(self._name, text))  # type: ignore[union-attr]
        return len(text)

    def flush(self) -> None:
        """Flush the real stream."""
        self._inner.flush()  # type: ignore[union-attr]

    def fileno(self) -> int:
        """The real stream's descriptor, for code that starts processes."""
        number: int = self._inner.fileno()  # type: ignore[union-attr]
        return number

    def isatty(self) -> bool:
        """Not one that obeys: colours and cursor moves would come out as escapes."""
        return False

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
        ear = _ear.get()
        if ear is None or (record.name.startswith(OWN) and not record.name.startswith(USERS_OWN)):
            return
        try:
            text = f"{record.levelname}: {record.getMessage()}"
        except Exception:  # noqa: BLE001  user code's format string may not fit its arguments
            text = f"{record.levelname}: {record.msg!r}"
        ear.tell(record.name, inert(text)[:MAX_LINE])
