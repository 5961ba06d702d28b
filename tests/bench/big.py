"""
What every page asks of the services in a big database, on SQLite and on Postgres, and what grows with it.

It is filled to a tenth, to a half and to the whole (100 000 runs, 1 000 000 node runs, 10 000 pending cards);
each time the same is asked. The growth is what the second half doubled: rows and bytes do, times should not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import figures
import rows
from measuring import Row, percentile
from permits import build_upgraded
from sqlalchemy import Table, func, insert, literal, select, text

from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.run_lists import RunFilter
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadFilter
from interlock.core.services import (
    alerting,
    auditing,
    browsing,
    caching,
    figuring,
    launching,
    metrics,
    observing,
    sifting,
    surveying,
    threads_listing,
    tripping,
)
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings
from interlock.core.store import engine
from interlock.core.store.schema import approvals, node_runs, search_texts, threads
from interlock.core.store.schema import runs as run_table

RUNS = int(os.environ.get("INTERLOCK_BENCH_RUNS", "100000"))
CARDS = RUNS // 10
LOOKS = 15
BARS_MS = {"Inbox": 50.0, "Inbox, by words": 150.0, "Metrics, 7 d": 150.0}
BAR_MS = 150.0  # of every other page
GROWS = ("threads", "runs", "node_runs", "approvals", "search_texts")


def measure(folder: Path, make_database: Callable[[], str]) -> Iterator[Row]:
    """Both databases, one after the other."""
    for name, database in (("SQLite", None), ("PostgreSQL", make_database())):
        app = build_upgraded(Settings(data_dir=folder / name, database=database))
        try:
            yield from _measure(app, name)
        finally:
            app.engine.dispose()


def _measure(app: App, name: str) -> Iterator[Row]:
    end = datetime.now(UTC)
    begun = time.perf_counter()
    figures._publish(app)
    figures.fill(app, runs=RUNS // 10, end=end)
    _let_find(app)
    rows.fill(app, CARDS // 2)
    _copy(app, range(1, 5))
    half = Look(app)
    filled_half = time.perf_counter() - begun
    begun = time.perf_counter()
    _copy(app, range(5, 10))
    rows.fill(app, CARDS, first=CARDS // 2)
    filled = filled_half + time.perf_counter() - begun
    whole = Look(app)
    for page, spent in whole.times.items():
        bar = BARS_MS.get(page, BAR_MS)
        median = percentile(spent, 0.5)
        yield Row(
            f"{page}, {name}, {RUNS} runs, {RUNS * figures.NODES} node runs, {CARDS} cards",
            f"p50 {median:.1f} ms, p95 {percentile(spent, 0.95):.1f}, least {min(spent):.1f},"
            f" processor here {whole.worked[page]:.1f}"
            f" (half of it: {percentile(half.times[page], 0.5):.1f})",
            f"<= {bar:g} ms",
            median <= bar,
        )
    yield from _growth(name, half, whole, filled)


class Look:
    """What there was, and how long each page took, in milliseconds."""

    def __init__(self, app: App) -> None:
        while figuring.roll(app):
            pass
        _gather_statistics(app)
        self.rows = _count(app)
        self.bytes = sum(surveying.survey(app).bytes_by_name.values())
        self.times: dict[str, list[float]] = {}
        self.worked: dict[str, float] = {}  # the least processor time of this process
        for page, ask in _pages(app).items():
            self.times[page], self.worked[page] = _time(ask)


def _growth(name: str, half: Look, whole: Look, filled_s: float) -> Iterator[Row]:
    def tell(what: str, before: float, after: float, unit: str = "") -> Row:
        ratio = after / before if before else 0.0
        measured = f"{before:.6g} -> {after:.6g}{unit}: {ratio:.2f} times"
        return Row(f"growth, {name}, twice the work: {what}", measured, "", None)

    for table in GROWS:
        yield tell(f"rows of {table}", half.rows[table], whole.rows[table])
    yield tell("bytes", half.bytes / 1e6, whole.bytes / 1e6, f" MB (filled in {filled_s:.0f} s)")
    for page, spent in whole.times.items():
        yield tell(f"least time of {page}", min(half.times[page]), min(spent), " ms")


def _pages(app: App) -> Mapping[str, Callable[[], object]]:
    """All that each page asks for one drawing, by the page."""
    run_id = f"r{RUNS // 20}"
    week = timedelta(days=7)

    def list_runs(wanted: RunFilter) -> None:
        browsing.list_runs(app, wanted, limit=101)
        browsing.count_runs(app, wanted)

    def launch() -> None:
        request = Launch(workflow="flow-0", input={})
        launching.launch(app, request, actor="bench")

    return {
        "foot of every page": lambda: observing.overview(app),
        "Overview": lambda: (
            metrics.read(app, metrics.last(app, timedelta(hours=1))),
            sifting.list_rows(app, InboxFilter(), limit=5),
            observing.list_changes(app),
            tripping.list_breakers(app),
        ),
        "Inbox": lambda: rows._sift(app, InboxFilter()),
        "Inbox, one workflow": lambda: rows._sift(app, InboxFilter(workflow="rare")),
        "Inbox, by words": lambda: rows._sift(app, InboxFilter(text="refund 42")),
        "Runs": lambda: list_runs(RunFilter()),
        "Runs, failed": lambda: (
            list_runs(RunFilter(statuses=(RunStatus.FAILED,))),
            browsing.group_failed(app, RunFilter()),
        ),
        "Runs, by an id": lambda: list_runs(RunFilter(words=run_id)),
        "Runs, by a word that a fifth has": lambda: list_runs(RunFilter(words="flow-1")),
        "Run": lambda: observing.run_detail(app, run_id),
        "History, threads": lambda: threads_listing.list_threads(
            app, ThreadFilter(), limit=51, before=None
        ),
        "Metrics, 7 d": lambda: figures._draw_once(app, week),
        "Metrics, 1 h": lambda: figures._draw_once(app, timedelta(hours=1)),
        "Breakers": lambda: tripping.read_board(app, since=app.clock.now() - week),
        "Caches": lambda: caching.list_caches(app, window=week),
        "Alerts": lambda: alerting.list_alerts(app),
        "System": lambda: surveying.survey(app),
        "Audit": lambda: auditing.list_names(app),
        "a launch": launch,
    }


def _time(ask: Callable[[], object]) -> tuple[list[float], float]:
    ask()
    spent, worked = [], []
    for _ in range(LOOKS):
        begun, worked_before = time.perf_counter(), time.process_time()
        ask()
        spent.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - worked_before) * 1000)
    return spent, min(worked)


def _let_find(app: App) -> None:
    """Words of the runs, as launching them would have put."""
    with engine.write(app.engine) as conn:
        words = run_table.c.run_id + " " + run_table.c.thread_id + " " + run_table.c.workflow
        found = select(literal("run"), run_table.c.run_id, words)
        conn.execute(insert(search_texts).from_select(["about", "object_id", "words"], found))


def _copy(app: App, numbers: range) -> None:
    """So many times what was filled first, by the database itself: the same with other ids."""
    for number in numbers:
        with engine.write(app.engine) as conn:
            for table, ids in (
                (threads, {"thread_id"}),
                (run_table, {"run_id", "thread_id"}),
                (node_runs, {"run_id", "thread_id", "task_id"}),
            ):
                _copy_table(conn, table, ids, f"-{number}")
            _copy_table(
                conn, search_texts, {"object_id"}, f"-{number}", leave_out={"text_id"}, about="run"
            )


def _copy_table(
    conn: Any,
    table: Table,
    ids: set[str],
    suffix: str,
    *,
    leave_out: Collection[str] = (),
    about: str = "",
) -> None:
    columns = [column for column in table.columns if column.name not in leave_out]
    given = [column + suffix if column.name in ids else column for column in columns]
    key = table.c.object_id if about else table.c.thread_id
    firsts = select(*given).where(~key.like("%-%"))
    if about:
        firsts = firsts.where(table.c.about == about)
    conn.execute(insert(table).from_select([column.name for column in columns], firsts))


def _gather_statistics(app: App) -> None:
    """As the server does by itself some minutes later."""
    if app.engine.dialect.name == "postgresql":
        with app.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("VACUUM ANALYZE"))


def _count(app: App) -> dict[str, int]:
    tables = {t.name: t for t in (threads, run_table, node_runs, approvals, search_texts)}
    with engine.read(app.engine) as conn:
        return {
            name: conn.execute(select(func.count()).select_from(tables[name])).scalar_one()
            for name in GROWS
        }
