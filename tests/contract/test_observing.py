"""What a screen asks for costs a number of statements that does not grow with what is there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event

from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import observing, sifting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import decisions, nodes, workers
from interlock.core.store.engine import write
from interlock.core.types import WorkerId


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    """An App on each kind of database."""
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


@contextmanager
def counted(app):
    """The statements that the block sends."""
    sent = []

    def note(_conn, _cursor, statement, *_):
        sent.append(statement)

    event.listen(app.engine, "before_cursor_execute", note)
    yield sent
    event.remove(app.engine, "before_cursor_execute", note)


def tell_story(app, make, *, length):
    """A thread of runs that each went on from the one before, with a decided card and two nodes."""
    with write(app.engine) as conn:
        for n in range(length):
            run = make.put_run(
                conn,
                f"r{n}",
                status=RunStatus.CONTINUED if n < length - 1 else RunStatus.DONE,
                kind=RunKind.RESUME if n else RunKind.START,
                previous_run_id=f"r{n - 1}" if n else None,
                created_at=make.at(n),
            )
            make.put_approval(conn, f"a{n}", run_id=run.run_id, asked_at=make.at(n))
            decisions.insert(conn, make.decision(f"a{n}", run_id="x", decided_at=make.at(n)))
            given = {"run_id": run.run_id, "started_at": make.at(n)}
            nodes.upsert_many(conn, [make.node_run(f"{n}-{k}", **given) for k in range(2)])


def test_a_runs_page_costs_as_many_statements_for_a_long_story_as_for_a_short_one(app, make):
    tell_story(app, make, length=2)
    with counted(app) as few:
        short = observing.run_detail(app, "r1")
    with write(app.engine) as conn:
        for n in range(2, 40):
            make.put_approval(conn, f"b{n}")
            decisions.insert(conn, make.decision(f"b{n}", decided_at=make.at(n)))
            make.put_run(
                conn,
                f"r{n}",
                previous_run_id=f"r{n - 1}",
                status=RunStatus.DONE,
                created_at=make.at(n),
            )
            nodes.upsert_many(conn, [make.node_run(f"{n}", run_id=f"r{n}", started_at=make.at(n))])
    with counted(app) as many:
        long = observing.run_detail(app, "r39")
    assert len(short.story_nodes) == 4
    assert len(long.decisions) == 40
    assert [run.run_id for run in long.story] == [f"r{n}" for n in range(34, 40)]
    assert len(many) == len(few) <= 12


def test_a_runs_page_has_the_nodes_of_its_story_and_its_own_apart(app, make):
    tell_story(app, make, length=9)
    found = observing.run_detail(app, "r4")
    assert [run.run_id for run in found.story] == ["r3", "r4", "r5", "r6", "r7", "r8"]
    assert [node.task_id for node in found.nodes] == ["4-0", "4-1"]
    assert [node.task_id for node in found.story_nodes] == [
        f"{n}-{k}" for n in range(3, 9) for k in range(2)
    ]
    assert [d.approval_id for d in found.decisions] == [f"a{n}" for n in range(9)]


def test_recent_inputs_are_the_newest_that_differ(app, make):
    with write(app.engine) as conn:
        for n, given in enumerate([1, 2, 2, 3, None, {"a": 1}]):
            kind = RunKind.RESUME if n == 3 else RunKind.START
            make.put_run(
                conn,
                f"r{n}",
                kind=kind,
                input=given,
                status=RunStatus.DONE,
                created_at=make.at(n),
            )
    assert observing.list_recent_inputs(app, "refunds") == [{"a": 1}, 2, 1]
    assert observing.list_recent_inputs(app, "refunds", limit=2) == [{"a": 1}, 2]


def test_the_overview_says_since_when_the_queue_stands_and_what_could_move_it(app, make):
    now = app.clock.now()
    worker = Worker(
        worker_id=WorkerId("w1"),
        host="h",
        pid=1,
        status=WorkerStatus.READY,
        concurrency=20,
        project="p",
        started_at=now,
        heartbeat_at=now,
    )
    empty = observing.overview(app)
    assert (empty.oldest_due_at, empty.slots) == (None, 0)
    with write(app.engine) as conn:
        workers.beat(conn, worker)
        workers.beat(conn, replace(worker, worker_id=WorkerId("w2"), heartbeat_at=make.at(-3600)))
        make.put_run(conn, "r1", created_at=make.at(-60))
        make.put_run(conn, "r2", thread_id="t2")
    seen = observing.overview(app)
    assert (make.at(-60), 20) == (seen.oldest_due_at, seen.slots)


def test_what_runs_now_is_counted_by_node_whatever_older_runs_left_behind(app, make):
    with write(app.engine) as conn:
        for name, status in (("now", RunStatus.RUNNING), ("then", RunStatus.DONE)):
            make.put_run(conn, name, status=status)
            at_work = {"run_id": name, "status": NodeStatus.RUNNING, "duration_ms": None}
            nodes.upsert_many(conn, [make.node_run(f"{name}-{k}", **at_work) for k in range(2)])
            ended = {"run_id": name, "status": NodeStatus.OK}
            nodes.upsert_many(conn, [make.node_run(f"{name}-ok", **ended)])
    run = observing.get_run(app, "now")
    path = make.node_run("any").path
    assert observing.count_running_nodes(app, run.workflow) == {path: 2}
    assert observing.count_running_nodes(app, "elsewhere") == {}


def test_rows_of_the_inbox_leave_what_is_asked_in_the_database(app, make):
    big = {"text": "x" * 100_000}
    with write(app.engine) as conn:
        make.put_approval(conn, "a1", payload=big, schema=big)
        make.put_approval(conn, "a2", status="decided")
    with counted(app) as sent:
        [row] = sifting.list_rows(app, InboxFilter())
    assert row.title == "Refund 700?"
    assert not any("approvals.payload" in s or "approvals.schema" in s for s in sent)
    assert observing.list_inbox(app)[0].payload == big


def test_the_heads_of_many_runs_cost_one_statement_and_are_those_of_each(app, make):
    with write(app.engine) as conn:
        for number, status in enumerate((RunStatus.RUNNING, RunStatus.WAITING, RunStatus.DONE)):
            make.put_run(conn, f"r{number}", thread_id=f"t{number}", status=status)
    ids = ["r0", "r1", "r2", "gone"]

    with counted(app) as sent:
        found = observing.run_heads(app, ids)

    assert len([s for s in sent if s.startswith("SELECT")]) == 1
    assert found == {run_id: observing.run_head(app, run_id) for run_id in ids}
    assert observing.run_heads(app, []) == {}
    assert [observing.is_open(app, run_id) for run_id in ids] == [True, False, False, False]
