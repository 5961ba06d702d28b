"""
Where the heads come from: one number a topic that rises with every change to it.

Asked by one thread of the process, however many screens are open (DESIGN.md section 1).
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from interlock.core.services import observing
from interlock.core.services.context import App
from interlock.core.types import RunId

RUN_PREFIX = "run:"
WORKERS = "workers"  # 1 while a worker is alive, else 0: nothing is written when one falls silent
_LIVENESS_EVERY_S = 5.0
_REREAD_EVERY_S = (
    5.0  # in case a change was missed, such as a database file put in place of another
)

_TOPIC = re.compile(r"inbox|runs|workflows|workers|run:[A-Za-z0-9._:-]{1,200}")


def is_topic(name: object) -> bool:
    """Whether a screen may ask for this topic."""
    return isinstance(name, str) and _TOPIC.fullmatch(name) is not None


def run_ids(topics: Collection[str]) -> frozenset[str]:
    """The runs among the topics."""
    return frozenset(
        name.removeprefix(RUN_PREFIX) for name in topics if name.startswith(RUN_PREFIX)
    )


class HeadSource(Protocol):
    """What the broadcaster asks, always from the same thread."""

    def may_have_changed(self) -> bool:
        """Whether reading is worth it; cheap, asked many times a second."""

    def read(self, runs: Collection[str]) -> dict[str, int]:
        """The heads of all shared topics and of these runs."""

    def close(self) -> None:
        """Let go of what is held."""


class ServiceHeads:
    """The heads as the services report them; the database itself says on Postgres when to look."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._alive = 0
        self._asked_at = float("-inf")

    def may_have_changed(self) -> bool:
        """Always: a query is the only way to know."""
        return True

    def read(self, runs: Collection[str]) -> dict[str, int]:
        """
        The heads of all shared topics and of these runs.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        heads = dict(observing.heads(self._app))
        for run_id in runs:
            heads[RUN_PREFIX + run_id] = observing.run_head(self._app, RunId(run_id))
        heads[WORKERS] = self._read_liveness()
        return heads

    def close(self) -> None:
        """Nothing is held."""

    def _read_liveness(self) -> int:
        if time.monotonic() - self._asked_at >= _LIVENESS_EVERY_S:
            self._alive = int(bool(observing.list_workers(self._app)))
            self._asked_at = time.monotonic()
        return self._alive


class SqliteHeads(ServiceHeads):
    """The same on SQLite, read only after the file changed: `PRAGMA data_version` costs microseconds."""

    def __init__(self, app: App, path: Path) -> None:
        super().__init__(app)
        # Its own connection: the number changes only with what other connections commit.
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        self._version = -1
        self._read_at = float("-inf")

    def may_have_changed(self) -> bool:
        """Whether another connection committed since the last reading."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        is_due = time.monotonic() - self._read_at >= _REREAD_EVERY_S
        if version == self._version and not is_due:
            return False
        self._version = (
            version  # taken before the reading: what is committed during it counts again
        )
        self._read_at = time.monotonic()
        return True

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def open_source(app: App) -> HeadSource:
    """The cheapest source for the application's database."""
    path = app.engine.url.database
    if app.engine.dialect.name == "sqlite" and path:
        return SqliteHeads(app, Path(path))
    return ServiceHeads(app)


def poll_s(app: App) -> float:
    """Seconds between two looks: often where a look is nearly free."""
    return 0.06 if app.engine.dialect.name == "sqlite" else 0.25
