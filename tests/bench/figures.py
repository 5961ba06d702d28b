"""
All that the metrics page asks of the services for one drawing, over a million node runs in seven days.

The verdict is by what the reading itself takes, the least processor time of its looks (SQLite works in
this process): the median by the clock says also what else the machine did.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from measuring import Row, percentile
from sqlalchemy import insert

from interlock.core.bootstrap import build_app
from interlock.core.clock import FrozenClock
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.workflows import Workflow
from interlock.core.services import figuring, metrics, observing, presence, sifting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine
from interlock.core.store.schema import node_runs, threads
from interlock.core.store.schema import runs as run_table

RUNS = 100_000
NODES = 10  # of each run
WORKFLOWS = 5
DAYS = 7
LOOKS = 20
MAX_CARDS = 500  # as the page
BATCH = 500
NOW = datetime(
    2026, 1, 12, 15, 42, 20, tzinfo=UTC
)  # amid an hour: minutes, hours and days are read


def read(folder: Path) -> list[Row]:
    """Each window of the page; the bar is for seven days."""
    app = build_app(Settings(data_dir=folder))
    app = App(settings=app.settings, engine=app.engine, queue=app.queue, clock=FrozenClock(NOW))
    begun = time.perf_counter()
    _publish(app)
    fill(app)
    filled = time.perf_counter()
    while figuring.roll(app):
        pass
    rolled = time.perf_counter()
    made = f"{filled - begun:.0f} s to fill, {rolled - filled:.0f} s to roll up"
    rows = [
        _row(app, "7 d", timedelta(days=7), f"; {made}", bar_ms=150),
        *(_row(app, name, length) for name, length in _OTHERS.items()),
    ]
    app.engine.dispose()
    return rows


_OTHERS = {
    "24 h": timedelta(days=1),
    "1 h": timedelta(hours=1),
    "5 min": timedelta(minutes=5),
}


def _row(
    app: App, name: str, length: timedelta, more: str = "", *, bar_ms: float | None = None
) -> Row:
    spent: list[float] = []
    worked: list[float] = []
    count = 0
    for _ in range(LOOKS):
        begun, worked_before = time.perf_counter(), time.process_time()
        count = _draw_once(app, length)
        spent.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - worked_before) * 1000)
    median = percentile(spent, 0.5)
    return Row(
        f"metrics page, {name}, {count} node runs: all it reads",
        f"p50 {median:.0f} ms, p95 {percentile(spent, 0.95):.0f}, least {min(spent):.0f},"
        f" processor {min(worked):.0f}{more}",
        f"<= {bar_ms:g} ms" if bar_ms else "(the bar is on 7 d)",
        None if bar_ms is None else median <= bar_ms,
    )


def _draw_once(app: App, length: timedelta) -> int:
    """What the page asks for one drawing; how many node runs its figures are of."""
    names = [workflow.name for workflow in observing.list_workflow_names(app)]
    found = metrics.read(app, metrics.last(app, length))
    sifting.list_rows(app, InboxFilter(workflow=names[0]), limit=MAX_CARDS)
    observing.get_workflow(app, names[0])
    return sum(node.runs for node in found.nodes)


def _publish(app: App) -> None:
    """Workflows as a worker tells them, for the names and the graph."""
    paths = tuple(f"node-{n}" for n in range(NODES))
    nodes = [{"id": path, "label": path, "kind": "node"} for path in paths]
    edges = [
        {"source": one, "target": next_, "label": "", "conditional": False}
        for one, next_ in pairwise(paths)
    ]
    workflows = [
        Workflow(
            name=f"flow-{n}",
            description="",
            nodes=paths,
            graph={"nodes": nodes, "edges": edges},
            input_schema=None,
            context_schema=None,
            state_schema=None,
            channels=(),
            error=None,
            published_at=NOW,
        )
        for n in range(WORKFLOWS)
    ]
    presence.publish(app, workflows)


def fill(app: App, *, runs: int = RUNS, end: datetime = NOW) -> None:
    """Put so many runs into the database, over the seven days before `end`."""
    source = random.Random(7)
    begun, apart = end - timedelta(days=DAYS), timedelta(days=DAYS) / runs
    for first in range(0, runs, BATCH):
        made = [_run(source, begun + apart * n, n) for n in range(first, first + BATCH)]
        with engine.write(app.engine) as conn:
            conn.execute(insert(threads), [thread for thread, _, _ in made])
            conn.execute(insert(run_table), [run for _, run, _ in made])
            conn.execute(insert(node_runs), [node for _, _, nodes in made for node in nodes])


def _run(
    source: random.Random, at: datetime, number: int
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    workflow, run_id, thread_id = f"flow-{number % WORKFLOWS}", f"r{number}", f"t{number}"
    nodes = list(_nodes(source, at, workflow, run_id, thread_id))
    has_failed = nodes[-1]["status"] == "error"
    ended_at = nodes[-1]["ended_at"]
    thread = {
        "thread_id": thread_id,
        "workflow": workflow,
        "created_at": at,
        "updated_at": ended_at,
    }
    run = {
        "run_id": run_id,
        "thread_id": thread_id,
        "workflow": workflow,
        "kind": "start",
        "status": "failed" if has_failed else "done",
        "options": {},
        "created_at": at,
        "created_by": f"user-{number % 40}",
        "started_at": at,
        "ended_at": ended_at,
        "error_type": "TimeoutError" if has_failed else None,
    }
    return thread, run, nodes


def _nodes(
    source: random.Random, at: datetime, workflow: str, run_id: str, thread_id: str
) -> Iterator[dict[str, Any]]:
    for place in range(NODES):
        took_ms = source.lognormvariate(3 + place / 3, 0.8)
        started_at, at = at, at + timedelta(milliseconds=took_ms)
        is_last = place == NODES - 1
        status = "error" if is_last and source.random() < 0.02 else "ok"
        yield {
            "run_id": run_id,
            "delivery": 1,
            "task_id": f"{run_id}-{place}",
            "attempt": 1,
            "thread_id": thread_id,
            "workflow": workflow,
            "node": f"node-{place}",
            "path": f"node-{place}",
            "namespace": f"node-{place}:1",
            "step": place,
            "status": status,
            "started_at": started_at,
            "ended_at": at,
            "duration_ms": took_ms,
            "error_type": "TimeoutError" if status == "error" else None,
            "error_message": "no answer" if status == "error" else None,
            "is_final": True,
            "tokens_in": 100,
            "tokens_out": 20,
        }
