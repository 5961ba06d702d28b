"""
The file behind a SQLite engine: made for its owner alone, and missed when it is gone.

SQLite goes on with a file that was removed or replaced under it, and what it writes is lost with the
last process that has it open. So each transaction looks whether the path still leads to its file.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, exc
from sqlalchemy.pool import ConnectionPoolEntry

from interlock.core import private

_FILE = "interlock_file"


class SqliteFile:
    """Watches over one file for the connections of one engine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._was_there = False

    def listen(self, engine: Engine) -> None:
        """Look at every connection that the engine makes or hands out."""
        event.listen(engine, "do_connect", self._before_connecting)
        event.listen(engine, "connect", self._after_connecting)
        event.listen(engine, "checkout", self._before_use)

    def _before_connecting(self, *_: Any) -> None:
        """Make the file the first time; later on SQLite would silently begin an empty one."""
        if self._was_there:
            self._identify()
        else:
            with suppress(OSError):  # SQLite says why it cannot be there
                private.make_file(self._path)

    def _after_connecting(self, _connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[_FILE] = self._identify()
        self._was_there = True

    def _before_use(self, _connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        if entry.info.get(_FILE) != self._identify():
            raise exc.InvalidatePoolError("The file was replaced by another.")

    def _identify(self) -> tuple[int, int]:
        return private.identify(self._path, name="database file")
