"""The rows of the report, each measured by one function."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import peer
import psutil
import serving
import telling
from measuring import Row, percentile, take_pairs

from interlock.core.bootstrap import build_app
from interlock.core.model.approvals import Approval, ApprovalStatus, Kind, Verb
from interlock.core.model.inbox_filters import InboxFilter, Risk, Sort
from interlock.core.model.threads import Thread
from interlock.core.services import sifting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import approvals, engine, threads
from interlock.core.types import ApprovalId, CheckpointId, RunId, ThreadId

RUNS = 400
PAIRS = 5
HOLDS = 300
PENDING = 10_000
LOOKS = 30
BATCH = 1000


def throughput_sqlite(folder: Path) -> list[Row]:
    """Supervised against bare, on SQLite."""
    return [_throughput(folder, None, str(folder), "SQLite", bar=None)]


def throughput_postgres(folder: Path, make_database: Callable[[], str]) -> list[Row]:
    """Supervised against bare, on Postgres."""
    return [_throughput(folder, make_database(), make_database(), "Postgres", bar=0.75)]


def _throughput(
    folder: Path, database: str | None, other: str, name: str, *, bar: float | None
) -> Row:
    with (
        serving.running(folder / "ours", database=database) as side,
        telling.running("bare.py", other) as bare,
    ):
        pairs = take_pairs(lambda: side.rate_of_ten(RUNS), lambda: bare(str(RUNS)), pairs=PAIRS)
    return Row(
        f"supervised throughput, 10 async nodes, 20 in flight, {name}",
        pairs.describe("runs/s"),
        f">= {bar} of bare LangGraph" if bar else "(the bar is on Postgres)",
        pairs.ratio >= bar if bar else None,
    )


def hold(folder: Path) -> list[Row]:
    """Launch to card and decision to done, against `langgraph dev`."""
    (folder / "peer").mkdir()
    ours: list[tuple[float, float]] = []
    other: list[tuple[float, float]] = []
    with serving.running(folder / "ours") as side, peer.running(folder / "peer") as url:
        side.rates_of_hold(20), peer.measure_hold(url, 20)
        for _ in range(3):
            ours.append(side.rates_of_hold(HOLDS))
            other.append(peer.measure_hold(url, HOLDS))
    rows: list[Row] = []
    for place, figure in enumerate(
        ("start to interrupt, 20 in flight", "resume to done, 20 in flight")
    ):
        ratios = [a[place] / b[place] for a, b in zip(ours, other, strict=True)]
        mine, theirs = (statistics.median(x[place] for x in side_) for side_ in (ours, other))
        ratio = statistics.median(ratios)
        measured = f"{mine:.1f} against {theirs:.1f} /s: {ratio:.2f}"
        rows.append(Row(figure, measured, ">= 2 times langgraph dev", ratio >= 2))
    return rows


def inbox(folder: Path) -> list[Row]:
    """All that the inbox reads, with filters and words, with 10 000 pending cards and with 100."""
    times: dict[int, float] = {}
    for pending in (100, PENDING):
        app = build_app(Settings(data_dir=folder / str(pending)))
        fill(app, pending)
        wanted = (
            InboxFilter(),
            InboxFilter(workflow="rare"),
            InboxFilter(workflow="common", node="review", kind=Kind.CONFIRM, risk=Risk.NONE),
            InboxFilter(text="refund 42"),
        )
        times[pending] = max(_median_ms(lambda app=app, w=w: _sift(app, w)) for w in wanted)
        app.engine.dispose()
    measured = f"{times[PENDING]:.1f} ms ({times[100]:.1f} ms with 100)"
    return [
        Row(
            "inbox with 10 000 pending: first page and a filter",
            measured,
            "<= 50 ms, constant",
            times[PENDING] <= 50,
        )
    ]


def _sift(app: App, wanted: InboxFilter) -> None:
    """As the page does it: rows, counts, what is new and what there is to choose from."""
    sifting.sift(
        app,
        wanted,
        shelves={status: (status,) for status in ApprovalStatus},
        seen_until=datetime.now(UTC),
        sort=Sort.RISK,
        limit=25,
    )


def _median_ms(look: Callable[[], object]) -> float:
    spent: list[float] = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        look()
        spent.append((time.perf_counter() - begun) * 1000)
    return statistics.median(spent)


def fill(app: App, count: int, *, first: int = 0) -> None:
    """Put pending cards into the database, up to so many from the first on, each on a thread of its own."""
    begun = datetime.now(UTC) - timedelta(days=1)
    for start in range(first, count, BATCH):
        with engine.write(app.engine) as conn:
            for number in range(start, min(start + BATCH, count)):
                asked_at = begun + timedelta(seconds=number)
                workflow = "rare" if number % 100 == 0 else "common"
                thread_id = ThreadId(f"thread-{number:06}")
                thread = Thread(
                    thread_id=thread_id,
                    workflow=workflow,
                    head_checkpoint_id=None,
                    last_run_id=None,
                    created_at=asked_at,
                    updated_at=asked_at,
                )
                threads.insert(conn, thread)
                approvals.insert(conn, _card(number, thread_id, workflow, asked_at), f"q{number}")


def _card(number: int, thread_id: ThreadId, workflow: str, asked_at: datetime) -> Approval:
    return Approval(
        approval_id=ApprovalId(f"card-{number:06}"),
        interrupt_id=f"q{number}",
        thread_id=thread_id,
        run_id=RunId(f"run-{number:06}"),
        workflow=workflow,
        node="review",
        namespace="review:1",
        checkpoint_id=CheckpointId("c"),
        kind=Kind.CONFIRM,
        title=f"Refund {number} EUR?",
        payload={"question": f"Refund {number} EUR?", "facts": ["x" * 100] * 5},
        allowed=(Verb.APPROVE, Verb.REJECT),
        schema=None,
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=asked_at,
    )


def memory(folder: Path, *, runs: int) -> list[Row]:
    """The worker's resident memory after the first tenth of the runs and at their end."""
    with serving.running(folder / "ours") as side:
        process = psutil.Process(side.process.pid)
        sizes: list[float] = []
        for _ in range(10):
            side.rate_of_ten(min(runs // 10, BATCH))
            sizes.append(process.memory_info().rss / 1e6)
    growth = sizes[-1] - sizes[0]
    measured = f"{sizes[0]:.0f} -> {sizes[-1]:.0f} MB"
    return [
        Row(
            f"worker memory over {runs} runs",
            measured,
            "flat (within 10 %)",
            growth <= sizes[0] * 0.1,
        )
    ]


def show_decision_times(spent_ms: list[float]) -> Row:
    """The row of decisions made in a browser."""
    p50 = percentile(spent_ms, 0.5)
    measured = f"p50 {p50:.0f} ms, p95 {percentile(spent_ms, 0.95):.0f} ms (n = {len(spent_ms)})"
    figure = "decision in the browser to the next node started"
    return Row(figure, measured, "p50 <= 100 ms", p50 <= 100)


def cores() -> str:
    """What the machine has, for the head of the report."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before"
