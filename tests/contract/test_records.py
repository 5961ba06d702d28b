"""What a worker records as it goes: threads, node runs, events, checkpoints, snapshots."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from interlock.core.errors import Conflict
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import RunStatus
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.model.workflows import Workflow
from interlock.core.store import (
    approvals,
    checkpoints,
    decisions,
    events,
    nodes,
    runs,
    snapshots,
    threads,
    topics,
    workers,
    workflows,
)
from interlock.core.store.engine import read, write


def test_a_thread_is_made_once_and_then_left_alone(engine, make):
    with write(engine) as conn:
        assert threads.insert(conn, make.thread())
        assert not threads.insert(conn, make.thread(workflow="essays"))
        assert make.thread() == threads.fetch(conn, "t1") == threads.lock(conn, "t1")
        assert threads.fetch(conn, "t2") is None


def test_touching_a_thread_changes_what_is_given(engine, make):
    with write(engine) as conn:
        threads.insert(conn, make.thread())
        threads.touch(conn, "t1", head_checkpoint_id="c1", last_run_id="r1", now=make.at(1))
        threads.touch(conn, "t1", head_checkpoint_id="c2", now=make.at(2))
        moved = make.thread(head_checkpoint_id="c2", last_run_id="r1", updated_at=make.at(2))
        assert moved == threads.fetch(conn, "t1")


def test_threads_are_listed_by_what_moved_last(engine, make):
    with write(engine) as conn:
        for n in range(5):
            threads.insert(conn, make.thread(f"t{n}", updated_at=make.at(n // 2)))
        listed = [thread.thread_id for thread in threads.fetch_many(conn, limit=3, offset=1)]
    assert listed == ["t3", "t2", "t1"]


def test_attempts_come_back_in_the_order_they_started(engine, make):
    attempts = [
        make.node_run("a", started_at=make.at(2), error_message="no", duration_ms=1.25),
        make.node_run("c"),
        make.node_run("b", attempt=2),
        make.node_run("b", delivery=2, attempt=1),
    ]
    with write(engine) as conn:
        make.put_run(conn)
        nodes.upsert_many(conn, attempts)
        nodes.upsert_many(conn, [])
        found = nodes.fetch_for_runs(conn, ["r1"])
        assert [attempts[3], attempts[2], attempts[1], attempts[0]] == found
        assert found[:2] == nodes.fetch_for_runs(conn, ["r1"], limit=2)


def test_an_attempt_is_brought_up_to_date_and_never_runs_again(engine, make):
    ended = make.node_run(status=NodeStatus.ERROR, duration_ms=9.0, error_type="ValueError")
    with write(engine) as conn:
        make.put_run(conn)
        nodes.upsert_many(conn, [make.node_run()])
        nodes.upsert_many(conn, [ended])
        nodes.upsert_many(conn, [make.node_run()])
        assert [ended] == nodes.fetch_for_runs(conn, ["r1"])


def test_open_attempts_of_a_run_are_closed_with_their_duration(engine, make):
    with write(engine) as conn:
        make.put_run(conn, "r1")
        make.put_run(conn, "r2")
        ok = make.node_run("done", status=NodeStatus.OK, duration_ms=1.0)
        other = make.node_run("other", run_id="r2")
        late = make.node_run("late", started_at=make.at(99))
        nodes.upsert_many(conn, [ok, make.node_run("open"), late, other])
        count = nodes.close_open(conn, "r1", status=NodeStatus.CANCELLED, ended_at=make.at(1.5))
        found = {
            run.task_id: (run.status, run.duration_ms) for run in nodes.fetch_for_runs(conn, ["r1"])
        }
        assert [other] == nodes.fetch_for_runs(conn, ["r2"])
        assert len(nodes.fetch_for_runs(conn, ["r1", "r2"])) > 1
        assert nodes.fetch_for_runs(conn, []) == []
    assert count == 2
    assert found == {
        "done": (NodeStatus.OK, 1.0),
        "open": (NodeStatus.CANCELLED, 1500.0),
        "late": (NodeStatus.CANCELLED, 0.0),
    }


def test_events_are_replayed_from_any_number_on(engine, make):
    log = [make.event(n, kind="node" if n % 2 else "message") for n in range(1, 8)]
    with write(engine) as conn:
        make.put_run(conn)
        assert events.last_seq(conn, "r1") == 0
        events.insert_many(conn, log)
        events.insert_many(conn, [])
        assert log == events.fetch_for_run(conn, "r1")
        assert log[3:5] == events.fetch_for_run(conn, "r1", after_seq=3, limit=2)
        assert [log[3], log[5]] == events.fetch_for_run(
            conn, "r1", after_seq=3, kinds=["message", "log"]
        )
        assert 7 == events.last_seq(conn, "r1") == topics.run_head(conn, "r1")
        make.put_run(conn, "r2", thread_id="t2", status=RunStatus.DONE)
        assert topics.run_heads(conn, ["r1", "r2", "none"]) == {
            "r1": (RunStatus.QUEUED, 7),
            "r2": (RunStatus.DONE, 0),
        }


def test_an_event_written_twice_is_there_once(engine, make):
    with write(engine) as conn:
        make.put_run(conn)
        events.insert_many(conn, [make.event(1), make.event(2)])
        events.insert_many(conn, [make.event(2, data="other"), make.event(3)])
        assert [make.event(n) for n in (1, 2, 3)] == events.fetch_for_run(conn, "r1")


def test_checkpoints_are_paged_newest_first(engine, make):
    entries = [make.checkpoint(f"c{n}", step=n, parent_id=f"c{n - 1}") for n in range(6)]
    with write(engine) as conn:
        assert checkpoints.newest_id(conn, "t1") is None
        checkpoints.insert_many(conn, entries)
        checkpoints.insert_many(conn, [make.checkpoint("c0", thread_id="t2")])
        checkpoints.insert_many(conn, [])
        assert entries[:2:-1] == checkpoints.fetch_for_thread(conn, "t1", limit=3)
        assert entries[2::-1] == checkpoints.fetch_for_thread(conn, "t1", limit=9, before="c3")
        assert entries[4] == checkpoints.fetch(conn, "t1", "c4")
        assert checkpoints.fetch(conn, "t2", "c4") is None
        assert checkpoints.newest_id(conn, "t1") == "c5"


def test_a_known_checkpoint_stays_and_learns_what_is_next(engine, make):
    with write(engine) as conn:
        checkpoints.insert_many(conn, [make.checkpoint("c1")])
        checkpoints.insert_many(conn, [make.checkpoint("c1", step=9), make.checkpoint("c2")])
        checkpoints.set_next(conn, "t1", "c1", ("a", "b"))
        assert make.checkpoint("c1", next=("a", "b")) == checkpoints.fetch(conn, "t1", "c1")
        assert checkpoints.fetch(conn, "t1", "c2").next == ("charge",)


def test_a_new_branch_gets_the_next_number(engine, make):
    with write(engine) as conn:
        assert checkpoints.next_branch(conn, "t1") == 0
        checkpoints.insert_many(conn, [make.checkpoint("c1"), make.checkpoint("c2", branch=4)])
        assert checkpoints.next_branch(conn, "t1") == 5


def test_a_snapshot_is_replaced(engine, make):
    with write(engine) as conn:
        snapshots.put(conn, make.snapshot())
        assert make.snapshot() == snapshots.fetch(conn, "t1", "c1")
        snapshots.put(conn, make.snapshot(values=None, next=()))
        assert make.snapshot(values=None, next=()) == snapshots.fetch(conn, "t1", "c1")
        assert snapshots.fetch(conn, "t1", "c2") is None


def test_published_workflows_replace_those_before(engine):
    def workflow(name, **changes):
        record = Workflow(
            name=name,
            description="",
            nodes=("review", "team/charge"),
            graph={"nodes": [{"id": "b"}, {"id": "a"}], "edges": []},
            input_schema={"type": "object", "properties": {"z": {}, "a": {}}},
            context_schema=None,
            state_schema={},
            channels=("amount",),
            error=None,
            published_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        return replace(record, **changes)

    with write(engine) as conn:
        workflows.replace_all(conn, [workflow("b"), workflow("a")])
        workflows.replace_all(conn, [workflow("c d"), workflow("b", error="no module")])
        assert [workflow("b", error="no module"), workflow("c d")] == workflows.fetch_all(conn)
        names = [(w.name, w.error) for w in workflows.fetch_names(conn)]
        assert names == [("b", "no module"), ("c d", None)]
        assert workflow("c d") == workflows.fetch(conn, "c d")
        assert workflows.fetch(conn, "a") is None
        workflows.replace_all(conn, [])
        assert workflows.fetch_all(conn) == []


def test_the_tools_of_a_workflow_are_fetched_without_the_rest_of_it(engine):
    tools = {"": {"send": {"properties": {"z": {}, "a": {}}}}, "team/writer": {}}
    held = Workflow(
        name="held",
        description="",
        nodes=(),
        graph={},
        input_schema=None,
        context_schema=None,
        state_schema=None,
        channels=(),
        tools=tools,
        error=None,
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    with write(engine) as conn:
        workflows.replace_all(conn, [held, replace(held, name="bare", tools=None)])
        assert json.dumps(workflows.fetch_tools(conn, "held")) == json.dumps(tools)
        assert workflows.fetch_tools(conn, "bare") is None
        assert workflows.fetch_tools(conn, "gone") is None
        assert workflows.fetch(conn, "held") == held


def test_workers_are_known_by_their_last_sign_of_life(engine, make):
    def worker(name, seconds, **changes):
        record = Worker(
            worker_id=name,
            host="desk",
            pid=4711,
            status=WorkerStatus.STARTING,
            concurrency=20,
            project="langgraph.json",
            started_at=make.at(0),
            heartbeat_at=make.at(seconds),
        )
        return replace(record, **changes)

    latest = worker("w1", 9, status=WorkerStatus.READY, published_at=make.at(8))
    with write(engine) as conn:
        workers.beat(conn, worker("w1", 1))
        workers.beat(conn, worker("w2", 3))
        workers.beat(conn, latest)
        assert [latest] == workers.fetch_alive(conn, since=make.at(4))
        assert [latest, worker("w2", 3)] == workers.fetch_all(conn)
        workers.remove(conn, "w1")
        assert workers.fetch_alive(conn, since=make.at(4)) == []


def test_heads_rise_with_every_change(engine):
    with write(engine) as conn:
        assert topics.fetch_heads(conn) == {}
        topics.bump(conn, "runs", "inbox")
        topics.bump(conn, "runs", "runs")  # once in a transaction, which is seen at once
        topics.bump(conn)
    with write(engine) as conn:
        topics.bump(conn, "runs")
    with read(engine) as conn:
        assert topics.fetch_heads(conn) == {"inbox": 1, "runs": 2}


def test_what_is_rolled_back_was_never_there(engine, make):
    with pytest.raises(ValueError, match="no"), write(engine) as conn:
        make.put_run(conn)
        topics.bump(conn, "runs")
        raise ValueError("no")
    with read(engine) as conn:
        assert runs.fetch(conn, "r1") is None
        assert topics.fetch_heads(conn) == {}


def test_a_deleted_thread_takes_its_runs_and_cards_along(engine, make):
    with write(engine) as conn:
        make.put_run(conn)
        make.put_approval(conn)
        decisions.insert(conn, make.decision("a1"))
        nodes.upsert_many(conn, [make.node_run()])
        events.insert_many(conn, [make.event(1)])
        conn.execute(text("DELETE FROM threads"))
        assert runs.fetch(conn, "r1") is None
        assert nodes.fetch_for_runs(conn, ["r1"]) == []
        assert events.fetch_for_run(conn, "r1") == []
        assert approvals.fetch(conn, "a1") is None
        assert decisions.fetch_for_approval(conn, "a1") == []


def test_events_belong_to_a_run(engine, make):
    with pytest.raises(Conflict, match="not there"), write(engine) as conn:
        events.insert_many(conn, [make.event(1)])


def test_the_newest_events_of_a_run_are_read_backwards(engine, make):
    with write(engine) as conn:
        make.put_run(conn)
        kinds = {2: "log", 4: "log"}
        events.insert_many(conn, [make.event(n, kind=kinds.get(n, "node")) for n in range(1, 6)])

        def newest(**given):
            return [e.seq for e in events.fetch_newest(conn, "r1", **given)]

        assert newest() == [1, 2, 3, 4, 5]
        assert newest(limit=2) == [4, 5]
        assert newest(limit=2, before_seq=4) == [2, 3]
        assert newest(kinds=("log",)) == [2, 4]
        assert newest(kinds=("log",), limit=1) == [4]
        assert events.fetch_newest(conn, "r2") == []
