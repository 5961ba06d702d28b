"""Deleting threads for good, on both databases: which go, that nothing is left, that nothing else is."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from sqlalchemy import text

from interlock.core.errors import Conflict, InvalidInput, NotFound, NoWorker
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import Savers, open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.model.history import Fork, WhatIf, WhatIfSide, WhatIfStatus
from interlock.core.model.pruning import WHY, Hold, Retention
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import OPEN, RunKind, RunStatus
from interlock.core.model.spans import EPOCH, Tier
from interlock.core.model.threads import Origin
from interlock.core.queue.local import LocalQueue
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.services import figuring, forgetting, pruning, running
from interlock.core.services.context import App
from interlock.core.services.placing import index_checkpoints
from interlock.core.settings import Settings
from interlock.core.store import (
    audit,
    checkpoints,
    decisions,
    forks,
    nodes,
    rollups,
    runs,
    schema,
    snapshots,
    threads,
    what_ifs,
)
from interlock.core.store import engine as engines
from interlock.core.worker.indexing import read_entries
from interlock.core.worker.pruning import answer_prune

OLD = Retention(older_than=timedelta(days=1))


@pytest.fixture
def app(engine, database_url, frozen, tmp_path) -> App:
    given = {"database": database_url} if database_url.startswith("postgres") else {}
    settings = Settings(data_dir=tmp_path / "data", **given)
    return App(settings=settings, engine=engine, queue=LocalQueue(), clock=frozen)


@pytest.fixture
async def savers(app) -> AsyncIterator[Savers]:
    async with open_savers(app.settings) as opened:
        yield opened


class State(TypedDict):
    text: str
    parts: list[Any]


def _build() -> Any:
    inner = StateGraph(State).add_node("ask", lambda s: {"parts": [interrupt("really?")]})
    team = inner.add_edge(START, "ask").compile()
    graph = StateGraph(State).add_node("plan", lambda s: {"parts": [1, 2]}).add_node("team", team)
    return graph.add_edge(START, "plan").add_edge("plan", "team").compile()


async def fill(app: App, savers: Savers, make: Any, name: str, **changes: Any) -> None:
    """A thread with checkpoints in two namespaces, a run, a decided card, a state, figures."""
    bare = _build()
    saver = savers.for_run(serializer_for(bare, None))
    graph = prepare(bare, checkpointer=saver, store=None, name="x")
    config = {"configurable": {"thread_id": name}}
    await graph.ainvoke({"text": "in", "parts": [0]}, config, durability="sync")
    entries = await read_entries(savers, graph, name, after=None, head=None, step_nodes={})
    run = {
        "status": RunStatus.DONE,
        "started_at": make.at(0),
        "ended_at": make.at(2),
    } | changes
    with engines.write(app.engine) as conn:
        thread = make.thread(name, last_run_id=f"run of {name}", updated_at=make.at(2))
        threads.insert(conn, thread)
        make.put_run(conn, f"run of {name}", thread_id=name, **run)
        index_checkpoints(conn, name, entries)
        head = entries[-1].checkpoint_id
        snapshots.put(conn, make.snapshot(thread_id=name, checkpoint_id=head))
        card = make.put_approval(conn, f"card of {name}", thread_id=name, status="decided")
        decisions.insert(conn, make.decision(card.approval_id, run_id=f"run of {name}"))
        node = make.node_run(run_id=f"run of {name}", thread_id=name, ended_at=make.at(1))
        nodes.upsert_many(conn, [node])


@pytest.fixture
async def kept(app, savers, make) -> App:
    """Two threads alike, done long ago and counted."""
    for name in ("t1", "t2"):
        await fill(app, savers, make, name)
    pass_time(app)
    return app


def pass_time(app: App) -> None:
    app.clock.advance(seconds=2 * 86_400)
    while figuring.roll(app):
        pass


def ids(found: pruning.Pruning) -> list[str]:
    return [line.thread.thread_id for line in found.threads]


def stays(found: pruning.Pruning) -> dict[str, str]:
    return {kept.thread_id: kept.why for kept in found.kept}


def hand_out(app: App, retention: Retention) -> list[str]:
    lines = pruning.plan(app, retention).threads
    return pruning.hand_out(app, retention, lines, actor="ann", reason="old")


async def work(app: App, savers: Any) -> None:
    """Do what is due, as a worker does."""

    async def call(function: Any, *args: Any) -> Any:
        return function(*args)

    tools: Any = SimpleNamespace(app=app, call=call, workshop=SimpleNamespace(savers=savers))
    with engines.write(app.engine) as conn:
        jobs = app.queue.claim(conn, worker_id="w", limit=20, now=app.clock.now())
    for job in jobs:
        await answer_prune(tools, job)


def count_rows(app: App, thread_id: str) -> dict[str, int]:
    """How many rows each table has that belong to a thread, those of LangGraph included."""
    found: dict[str, int] = {}
    query = "SELECT count(*) FROM {} WHERE thread_id = '{}'"
    with engines.read(app.engine) as conn:
        own = [t.name for t in schema.metadata.sorted_tables if "thread_id" in t.columns]
        theirs = ["checkpoints", "checkpoint_blobs", "checkpoint_writes"]
        for table in own + (theirs if conn.dialect.name == "postgresql" else []):
            found[table] = conn.execute(text(query.format(table, thread_id))).scalar_one()
        words = text(f"SELECT count(*) FROM search_texts WHERE object_id LIKE '%of {thread_id}'")
        found["search_texts"] = conn.execute(words).scalar_one()
        for table in ("run_events", "decisions"):
            where = f"SELECT count(*) FROM {table} WHERE run_id = 'run of {thread_id}'"
            found[table] = conn.execute(text(where)).scalar_one()
    if app.settings.is_embedded:
        with closing(sqlite3.connect(app.settings.checkpoints_path)) as file:
            for table in ("checkpoints", "writes"):
                found[table] = file.execute(query.format(table, thread_id)).fetchone()[0]
    return {name: count for name, count in found.items() if count}


def read_figures(app: App) -> Any:
    with engines.read(app.engine) as conn:
        found = rollups.fetch(conn, Tier.MINUTE, EPOCH, app.clock.now())
        return found.runs, found.nodes


async def test_all_that_is_kept_of_a_thread_goes_and_nothing_of_another(kept, savers, make):
    before = {name: count_rows(kept, name) for name in ("t1", "t2")}
    assert {"checkpoints", "checkpoints_index", "snapshots", "runs"} < set(before["t1"])
    figures = read_figures(kept)
    hand_out(kept, Retention(thread_ids=("t1",)))

    await work(kept, savers)

    assert count_rows(kept, "t1") == {}
    assert count_rows(kept, "t2") == before["t2"]
    assert read_figures(kept) == figures
    with engines.read(kept.engine) as conn:
        (last,) = audit.fetch_many(conn, limit=1)
        assert audit.verify(conn) is None
    assert (last.action, last.object, last.actor, last.reason) == (
        *("prune", "thread:t1"),
        *("ann", "old"),
    )
    assert last.before["points"] == 3

    # Nor do they change where their minutes are made anew.
    with engines.write(kept.engine) as conn:
        rollups.mark_due(conn, [make.at(1)])

    while figuring.roll(kept):
        pass
    assert read_figures(kept) == figures
    figuring.rebuild(kept)
    assert read_figures(kept) == figures


async def test_threads_go_by_age_number_status_and_workflow(app, savers, make):
    for number, status in enumerate((RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED)):
        with engines.write(app.engine) as conn:
            moved = make.at(number)
            thread = make.thread(f"t{number}", last_run_id=f"r{number}", updated_at=moved)
            threads.insert(conn, thread)
            make.put_run(conn, f"r{number}", thread_id=f"t{number}", status=status)
    app.clock.advance(seconds=1.5)
    with engines.write(app.engine) as conn:
        rollups.mark_until(conn, make.at(60))

    def going(**given: Any) -> list[str]:
        return ids(pruning.plan(app, Retention(**given)))

    assert going(older_than=timedelta(0)) == ["t0", "t1"]
    assert going(older_than=timedelta(seconds=1)) == ["t0"]
    assert going(most=1) == ["t0", "t1"]
    assert going(most=2, older_than=timedelta(seconds=1)) == ["t0"]
    assert going(most=0, statuses=(RunStatus.FAILED,)) == ["t1"]
    assert going(most=0, workflow="another") == []
    assert going(thread_ids=("t2",)) == ["t2"]
    with pytest.raises(InvalidInput):
        pruning.plan(app, Retention())
    with pytest.raises(NotFound):
        pruning.plan(app, Retention(thread_ids=("t9",)))
    with pytest.raises(NoWorker):
        pruning.prune(app, Retention(most=0), actor="ann")


async def test_a_thread_that_somebody_waits_for_stays_and_says_why(app, make):
    with engines.write(app.engine) as conn:
        for name, status in (
            ("asks", RunStatus.DONE),
            ("runs", RunStatus.RUNNING),
            ("held", RunStatus.PAUSED),
            ("foreign", RunStatus.DONE),
            ("fresh", RunStatus.DONE),
            ("late", RunStatus.DONE),
            ("done", RunStatus.DONE),
        ):
            origin = Origin.ATTACHED if name == "foreign" else Origin.OWN
            threads.insert(conn, make.thread(name, last_run_id=name, origin=origin))
            at = make.at({"fresh": 100, "late": -120}.get(name, 0))
            make.put_run(conn, name, thread_id=name, status=status, created_at=at)
        make.put_approval(conn, "a1", thread_id="asks")
        rollups.mark_until(conn, make.at(60))
        rollups.mark_due(conn, [make.at(-120)])
    app.clock.advance(seconds=86_400)

    found = pruning.plan(app, Retention(most=0))

    assert ids(found) == ["done"]
    assert stays(found) == {
        "asks": WHY[Hold.WAITS],
        "runs": WHY[Hold.OPEN],
        "held": WHY[Hold.HELD],
        "foreign": WHY[Hold.FOREIGN],
        "fresh": WHY[Hold.COUNTED],
        "late": WHY[Hold.COUNTED],
    }
    hand_out(app, Retention(most=0))
    assert stays(pruning.plan(app, Retention(most=0)))["done"] == WHY[Hold.BUSY]


async def test_a_thread_of_which_a_copy_is_tried_stays_until_that_ends_or_is_given_up(app, make):
    with engines.write(app.engine) as conn:
        threads.insert(conn, make.thread("t1", last_run_id="r1"))
        make.put_run(conn, "r1", status=RunStatus.DONE)
        rollups.mark_until(conn, make.at(60))
        side = WhatIfSide(
            what_if_id="w1",
            side="a",
            intent={},
            stand_ins={},
            status=WhatIfStatus.RUNNING,
            job_id="j1",
        )
        tried = WhatIf(
            what_if_id="w1",
            thread_id="t1",
            workflow="refunds",
            checkpoint_id="c1",
            approval_id=None,
            version=None,
            status=WhatIfStatus.OPEN,
            created_at=make.at(0),
            created_by="ann",
            sides=(side,),
        )
        what_ifs.insert(conn, tried)
        job = NewJob(job_id="j1", kind=JobKind.WHAT_IF, payload={})
        app.queue.enqueue(conn, job, now=make.at(0))
    app.clock.advance(seconds=86_400)
    assert stays(pruning.plan(app, Retention(most=0))) == {"t1": WHY[Hold.TRIED]}
    with engines.write(app.engine) as conn:  # as a claim does with what killed its worker
        app.queue.claim(conn, worker_id="w", limit=1, now=app.clock.now())
        app.queue.finish(conn, "j1", failed=True, result="The worker ended.")
    found = pruning.plan(app, Retention(most=0))
    assert (ids(found), stays(found)) == (["t1"], {})


async def test_a_thread_that_moves_or_asks_before_its_turn_stays(kept, savers, make):
    asked = hand_out(kept, OLD)
    with engines.write(kept.engine) as conn:
        threads.touch(conn, "t1", now=make.at(5))
        make.put_approval(conn, "a9", thread_id="t2", interrupt_id="i9")
    before = count_rows(kept, "t1")

    await work(kept, savers)

    assert count_rows(kept, "t1") == before
    with engines.read(kept.engine) as conn:
        told = [kept.queue.fetch_result(conn, job_id) for job_id in asked]
    assert told == [("done", WHY[Hold.MOVED]), ("done", WHY[Hold.WAITS])]


class Killed(BaseException):
    pass


@pytest.mark.parametrize("has_deleted", [False, True])
async def test_a_worker_killed_half_way_leaves_a_thread_that_pruning_again_ends(
    kept, savers, make, has_deleted
):
    class Mortal:
        async def delete_thread(self, thread_id: str) -> None:
            if has_deleted:
                await savers.delete_thread(thread_id)
            raise Killed

    named = Retention(thread_ids=("t1",))
    (job_id,) = hand_out(kept, named)
    with pytest.raises(Killed):
        await work(kept, Mortal())
    with engines.write(kept.engine) as conn:
        conn.execute(text("UPDATE runs SET status = 'failed' WHERE run_id = 'run of t1'"))
    with pytest.raises(Conflict, match="can be read only"):
        running.retry(kept, "run of t1", actor="bob")
    with engines.write(kept.engine) as conn:  # as a claim does with what killed its worker
        kept.queue.finish(conn, job_id, failed=True, result="The worker ended.")
        assert checkpoints.newest_id(conn, "t1") is not None

    hand_out(kept, named)
    await work(kept, savers)

    assert count_rows(kept, "t1") == {}


async def test_what_the_settings_say_goes_by_itself(kept, savers):
    assert pruning.retain(kept) == 0
    settings = kept.settings.model_copy(update={"retention_days": 1, "attach": "other.db"})
    attached = replace(kept, settings=settings)
    assert pruning.retain(attached) == 0
    assert set(stays(pruning.plan(attached, OLD)).values()) == {WHY[Hold.FOREIGN]}
    app = replace(kept, settings=kept.settings.model_copy(update={"retention_days": 1}))

    assert pruning.retain(app) == 2
    assert pruning.retain(app) == 0  # they are on their way
    await work(app, savers)

    assert count_rows(app, "t1") == count_rows(app, "t2") == {}
    with engines.read(app.engine) as conn:
        assert {e.actor for e in audit.fetch_many(conn, limit=2)} == {pruning.BY_SETTINGS}


async def test_a_thread_stays_until_its_copy_is_made(app, make):
    with engines.write(app.engine) as conn:
        threads.insert(conn, make.thread("t1", last_run_id="r1"))
        make.put_run(conn, "r1", status=RunStatus.DONE)
        make.put_run(conn, "r2", thread_id="t2", kind=RunKind.COPY)
        rollups.mark_until(conn, make.at(60))
        fork = Fork(
            fork_id="f1",
            thread_id="t2",
            run_id="r2",
            verb=RewindVerb.COPY,
            target_id="c1",
            left_id=None,
            from_thread_id="t1",
            actor="ann",
            reason="try",
            created_at=make.at(0),
        )
        forks.insert(conn, fork)
    only = Retention(thread_ids=("t1",))
    assert stays(pruning.plan(app, only)) == {"t1": WHY[Hold.BUSY]}
    with engines.write(app.engine) as conn:
        runs.move(conn, "r2", from_=OPEN, to=RunStatus.DONE)
    assert ids(pruning.plan(app, only)) == ["t1"]


def put_what_if(app, make, what_if_id, status, *, days, workflow="refunds"):
    side = WhatIfSide(
        what_if_id=what_if_id, side="a", intent={}, stand_ins={}, status=WhatIfStatus.DONE
    )
    tried = WhatIf(
        what_if_id=what_if_id,
        thread_id="t1",
        workflow=workflow,
        checkpoint_id="c1",
        approval_id=None,
        version=None,
        status=status,
        created_at=app.clock.now() - timedelta(days=days),
        created_by="ann",
        sides=(side,),
    )
    with engines.write(app.engine) as conn:
        if threads.fetch(conn, "t1") is None:
            make.put_run(conn, "r1")
        what_ifs.insert(conn, tried)


def test_closed_what_ifs_go_after_a_week_a_few_at_a_time(app, make, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    for n in range(3):
        put_what_if(app, make, f"old {n}", WhatIfStatus.DISCARDED, days=9 - n)
    put_what_if(app, make, "kept", WhatIfStatus.KEPT, days=8)
    put_what_if(app, make, "open", WhatIfStatus.OPEN, days=30)
    put_what_if(app, make, "young", WhatIfStatus.KEPT, days=6)

    monkeypatch.setattr(pruning, "IN_PASSING", 3)
    assert pruning.retain(app) == 0  # of threads; no setting says that any goes
    with engines.read(app.engine) as conn:
        left = [each.what_if_id for each in what_ifs.fetch_for_thread(conn, "t1", limit=9)]
        sides = conn.execute(text("SELECT what_if_id FROM what_if_sides")).scalars().all()
        entries = audit.fetch_many(conn, object_="what-ifs", limit=9)
    assert sorted(sides) == sorted(left) == ["old 2", "open", "young"]
    assert [(e.actor, e.before["count"]) for e in entries] == [("retention", 1), ("retention", 2)]

    dated = Retention(older_than=timedelta(days=1), statuses=(RunStatus.DONE,))
    assert pruning.plan(app, dated).what_if_count == 2
    assert pruning.plan(app, replace(dated, workflow="others")).what_if_count == 0
    assert pruning.plan(app, Retention(thread_ids=("t1",))).what_if_count == 0
    named = replace(dated, workflow="refunds")
    assert pruning.prune(app, named, actor="ann", reason="tidy").what_if_count == 2
    with engines.read(app.engine) as conn:
        (entry, *_) = audit.fetch_many(conn, object_="what-ifs", limit=9)
        assert [w.what_if_id for w in what_ifs.fetch_for_thread(conn, "t1", limit=9)] == ["open"]
    assert (entry.actor, entry.reason) == ("ann", "tidy")


def test_what_is_open_is_not_deleted(app, make):
    put_what_if(app, make, "open", WhatIfStatus.OPEN, days=9)
    with engines.write(app.engine) as conn:
        assert what_ifs.delete_closed(conn, ["open"]) == 0
    assert forgetting.forget_what_ifs(app, Retention(thread_ids=("t1",)), actor="ann") == 0
