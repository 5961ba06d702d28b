"""
Logging of a process: structlog and the standard library through one pipe, to stderr and a file.

Secrets are masked and long values cut before anything is written. Nothing is configured on import.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import weakref
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from interlock.core import private
from interlock.core.masking import MASK, mask_text, names_hidden
from interlock.core.settings import Settings

MAX_VALUE_CHARS = 2_000
MAX_TRACE_CHARS = 20_000  # a stack is what a log is read for
WORD_CHARS = 64
MAX_FILE_BYTES = 10_000_000
KEPT_FILES = 5
_MAX_DEPTH = 6

_SECRET_KEY = re.compile(
    r"passw(or)?d|token|secret|api[_-]?key|authorization|cookie", re.IGNORECASE
)
_TRACES = frozenset({"exception", "stack"})
_CHATTY = ("aiosqlite", "alembic", "asyncio", "httpcore", "httpx", "urllib3", "watchfiles")


_find_place: Callable[[], Mapping[str, str]] = dict


def configure(settings: Settings, *, process: str, stream: TextIO | None = None) -> Path | None:
    """
    Send everything this process logs to `stream` (stderr) and `<data_dir>/logs/<process>.log`.

    May be called again; the last call holds.

    Returns:
        The log file; None where the folder cannot be written, which is logged.
    """
    out = stream or sys.stderr
    first = _first_processors(process)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *first,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    console = _Console(out)
    plain = _formatter(settings, first, colors=False)
    console.setFormatter(_formatter(settings, first, colors=True) if out.isatty() else plain)
    handlers: list[logging.Handler] = [console]
    path, problem = _log_file(settings.data_dir, process)
    if path is not None:
        file = _File(path, maxBytes=MAX_FILE_BYTES, backupCount=KEPT_FILES, delay=True)
        file.setFormatter(plain)
        handlers.append(file)
    _install(handlers, settings.log_level.upper())
    if problem:
        logging.getLogger(__name__).warning("Logging to stderr only: %s", problem)
    return path


def locate(find: Callable[[], Mapping[str, str]]) -> None:
    """Add to each line what `find` says of the code that logs it: the node, in a worker."""
    global _find_place
    _find_place = find


def adopt(*names: str) -> None:
    """Make libraries that log by handlers of their own (and their children) log through ours."""
    for name in [n for n in logging.root.manager.loggerDict if n.split(".")[0] in names]:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def mask_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Hide the values of keys that name secrets, at any depth; cut what is long (a processor)."""
    for key, value in list(event.items()):
        limit = MAX_TRACE_CHARS if key in _TRACES else MAX_VALUE_CHARS
        event[key] = _clean(key, value, limit=limit, depth=0)
    return event


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Makes a record's line once: two handlers want it, and one of them twice, to see whether it fits."""

    _last: tuple[Callable[[], logging.LogRecord | None], str] = (lambda: None, "")

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record; it is not kept alive for that, as it may hold a whole traceback."""
        find, line = self._last
        if find() is not record:
            line = super().format(record)
            self._last = (weakref.ref(record), line)
        return line


class _Console(logging.StreamHandler[TextIO]):
    """Ours, so that a second `configure` can replace it."""


class _File(RotatingFileHandler):
    """Ours, so that a second `configure` can replace it. Its files are the owner's alone."""

    _has_failed = False

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=private.open_file)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  # logging's
        """Say once that a full disk keeps the log from being written, not with every line."""
        if not self._has_failed:
            self._has_failed = True
            sys.stderr.write(f"{self.baseFilename} cannot be written: {sys.exc_info()[1]}\n")


def _first_processors(process: str) -> list[Processor]:
    def add_process(
        _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event.setdefault("process", process)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        _add_place,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        add_process,
        mask_secrets,
    ]


def _add_place(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, value in _find_place().items():
        event.setdefault(key, value)
    return event


def _formatter(
    settings: Settings, first: Sequence[Processor], *, colors: bool
) -> structlog.stdlib.ProcessorFormatter:
    last: Processor
    if settings.log_format == "json":
        last = structlog.processors.JSONRenderer(default=repr)
    else:
        last = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
    escape: list[Processor] = [] if settings.log_format == "json" else [_escape_controls]
    return _Formatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _drop_formatted, *first],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *escape, last],
    )


def _drop_formatted(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """What another handler's formatter has left on the record is no field of the caller's."""
    event.pop("message", None)
    event.pop("asctime", None)
    return event


def _escape_controls(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep an agent's text from forging lines or steering the terminal (law 9)."""
    for key, value in event.items():
        if key in _TRACES:
            event[key] = "\n".join(_printable(line) for line in str(value).splitlines())
        elif isinstance(value, str):
            event[key] = _printable(value)
    return event


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _clean(key: str, value: Any, *, limit: int, depth: int) -> Any:
    if value is not None and names_hidden(key):
        return MASK
    if value is None or isinstance(value, (bool, int, float)):
        return value  # `tokens=812` is a count, not a secret
    if _names_secret(key):
        return MASK
    if isinstance(value, str):
        return _mask_word(value) if len(value) <= WORD_CHARS else mask_text(_cut(value, limit))
    if depth >= _MAX_DEPTH:
        return _cut(repr(value), limit)
    if isinstance(value, Mapping):
        return {k: _clean(str(k), v, limit=limit, depth=depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(key, v, limit=limit, depth=depth + 1) for v in value[:100]]
    return value if key.startswith("_") else mask_text(_cut(str(value), limit))


@lru_cache(maxsize=1000)
def _names_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


@lru_cache(maxsize=4000)  # ids and names come again with each line of a run
def _mask_word(text: str) -> str:
    return mask_text(text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"


def _log_file(data_dir: Path, process: str) -> tuple[Path | None, str]:
    path = data_dir / "logs" / f"{process}.log"
    try:
        private.make_folder(data_dir)
        private.make_folder(path.parent)
        os.close(private.open_file(path, os.O_APPEND | os.O_WRONLY))
        return path, ""
    except OSError as exc:
        return None, f"{path} cannot be written ({exc.strerror})."


def _install(handlers: Sequence[logging.Handler], level: str) -> None:
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, (_Console, _File))]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)
