"""Following a database that another application fills: its threads found, and what it does there seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import serving
import telling
from measuring import Row

from interlock.core.bootstrap import build_app
from interlock.core.model.history import AttachedSource
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.services import attaching, sifting
from interlock.core.services.context import App
from interlock.core.settings import Settings

T = TypeVar("T")

THREADS = 3_000
ANSWERED = 30
BAR_MS = 1_000.0
WAIT_S = 300.0
LOOK_S = 0.05


def measure(folder: Path, make_database: Callable[[], str]) -> Iterator[Row]:
    """Both databases; ours is of the same kind."""
    folder.joinpath("sqlite").mkdir()
    yield from _measure(folder / "sqlite", None, str(folder / "sqlite" / "outside.db"), "SQLite")
    yield from _measure(folder / "postgres", make_database(), make_database(), "Postgres")


def _measure(folder: Path, database: str | None, outside: str, name: str) -> Iterator[Row]:
    with telling.running("outsider.py", outside) as tell:
        tell(f"0 {THREADS}")
        settings = Settings(data_dir=folder / "ours", database=database, attach=outside)
        begun = time.monotonic()
        variables = {"INTERLOCK_ATTACH": outside}
        with serving.running(folder / "ours", database=database, variables=variables):
            app = build_app(settings)
            first = _wait_for(lambda: _source_of(app, THREADS))
            _wait_for(lambda: sifting.count(app, InboxFilter()) == THREADS)
            ready_s = time.monotonic() - begun
            quiet = _wait_for(lambda: _later_than(app, first))
            tell(f"answer 0 {ANSWERED}")
            answered = time.monotonic()
            _wait_for(lambda: sifting.count(app, InboxFilter()) == THREADS - ANSWERED)
            seen_s = time.monotonic() - answered
            app.engine.dispose()
    yield Row(
        f"attach: {THREADS} threads looked at, nothing new, {name}",
        f"{quiet.took_ms:.0f} ms",
        f"<= {BAR_MS:g} ms",
        quiet.took_ms <= BAR_MS,
    )
    yield Row(
        f"attach: all of them found, each with its card, {name}",
        f"{first.took_ms / 1000:.1f} s ({ready_s:.1f} s from the worker's start)",
        "(none is stated)",
        None,
    )
    yield Row(
        f"attach: {ANSWERED} answered there, their cards closed here, {name}",
        f"{seen_s:.1f} s after the last",
        "(none is stated)",
        None,
    )


def _source_of(app: App, count: int) -> AttachedSource | None:
    found = attaching.find_source(app)
    return found if found is not None and found.thread_count == count else None


def _later_than(app: App, first: AttachedSource) -> AttachedSource | None:
    """A look at which nothing was new; the worker notes one in half a minute."""
    found = attaching.find_source(app)
    return found if found is not None and found.looked_at > first.looked_at else None


def _wait_for(look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(LOOK_S)
    raise TimeoutError("The other application's threads were not followed.")
