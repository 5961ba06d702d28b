"""
The file behind the checkpoints: made for its owner alone, and missed when it is gone.

SQLite goes on with a file that was removed or replaced under it, and what it writes is lost with the
process. So each write and each question looks whether the path still leads to the file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import aiosqlite

from interlock.core import private
from interlock.core.errors import StoreUnavailable

TRIES, PAUSE_S = 100, 0.02  # a connection enters the mode within milliseconds


def make_private(path: Path) -> None:
    """
    Make the file and its folder for their owner alone; what is there stays as it is.

    Raises:
        StoreUnavailable: It cannot be made.
    """
    try:
        private.make_folder(path.parent)
        private.make_file(path)
    except OSError as exc:
        raise StoreUnavailable(
            f"The checkpoint database {path} cannot be made: {exc.strerror}."
        ) from exc


async def enter_wal(conn: aiosqlite.Connection) -> None:
    """Let readers and a writer use the file side by side."""
    for _ in range(TRIES):
        try:
            await conn.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            await asyncio.sleep(
                PAUSE_S
            )  # another connection enters it: the busy timeout ignores that
        else:
            return
    await conn.execute("PRAGMA journal_mode = WAL")


class CheckpointFile:
    """The file as it was when it was opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened = self._identify()

    def check(self) -> None:
        """
        Look whether it is still there.

        Raises:
            StoreUnavailable: It was removed, or another is in its place.
        """
        if self._identify() != self._opened:
            raise StoreUnavailable(
                f"The checkpoint database {self._path} was replaced by another file.",
                hint="Restart Interlock; what is written to the old one would be lost.",
            )

    def _identify(self) -> tuple[int, int]:
        return private.identify(self._path, name="checkpoint database")
