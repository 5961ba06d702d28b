"""What is told of a change before anybody makes it, from the tables of both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.errors import Conflict, NotFound
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.rewind_checks import Refusal
from interlock.core.model.rewinding import Intention, RewindVerb
from interlock.core.model.runs import RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import staging
from interlock.core.services.context import App
from interlock.core.services.placing import index_checkpoints
from interlock.core.settings import Settings
from interlock.core.store import decisions, nodes, runs, snapshots, threads, workflows
from interlock.core.store import engine as engines
from tests.published import published


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    return App(
        settings=Settings(data_dir=tmp_path), engine=engine, queue=LocalQueue(), clock=frozen
    )


@pytest.fixture
def thread(app, make) -> App:
    """A thread that looked up, asked, was answered, charged, and waits for a second answer."""
    steps = [("__start__",), ("team",), ("review",), ("charge",), ("confirm",)]
    entries = [
        make.checkpoint(
            f"c{n}",
            parent_id=f"c{n - 1}" if n else None,
            source="loop" if n else "input",
            next=due,
            step=n - 1,
            created_at=make.at(n),
        )
        for n, due in enumerate(steps)
    ]
    ran = [
        make.node_run(
            path,
            path=path,
            namespace=f"{path}:{path}",
            step=step,
            status=NodeStatus.OK,
            started_at=make.at(step + 0.5),
        )
        for path, step in (("team", 1), ("review", 2), ("charge", 3))
    ]
    card = published(
        "refunds",
        nodes=("team", "team/look", "review", "charge", "confirm"),
        graph={"nodes": [{"id": "team", "kind": "subgraph"}, {"id": "review", "kind": "node"}]},
        at=make.at(0),
        policy={"default": {"side_effects": True}, "node": {"review": {"side_effects": False}}},
    )
    with engines.write(app.engine) as conn:
        workflows.replace_all(conn, [card])
        make.put_run(conn, "r1", status=RunStatus.WAITING)
        index_checkpoints(conn, "t1", entries)
        nodes.upsert_many(conn, ran)
        make.put_approval(conn, "a1", checkpoint_id="c2", status=ApprovalStatus.DECIDED)
        decisions.insert(conn, make.decision("a1"))
        make.put_approval(conn, "a2", interrupt_id="i2", checkpoint_id="c4", node="confirm")
        threads.touch(conn, "t1", head_checkpoint_id="c4", last_run_id="r1", now=make.at(9))
    return app


def intend(checkpoint_id: str, verb=RewindVerb.RERUN, **given) -> Intention:
    return Intention(verb=verb, checkpoint_id=checkpoint_id, **given)


def test_a_staged_change_tells_what_runs_what_is_asked_again_and_what_is_left(thread):
    staged = staging.stage(thread, "t1", intend("c2", expected_head_id="c4"))
    assert (staged.problems, staged.head_id) == ((), "c4")
    assert staged.preview.certain == ("review",)
    assert staged.preview.will_rerun == (
        {"node": "review", "times": 1, "side_effects": False},
        {"node": "charge", "times": 1, "side_effects": True},
    )
    assert [d.approval_id for d in staged.preview.asked_again] == ["a1"]
    assert [card.approval_id for card in staged.preview.superseded] == ["a2"]
    assert (staged.preview.left_head_id, staged.preview.difference) == ("c4", None)
    assert any("charge" in warning for warning in staged.warnings)
    assert staged.certain
    assert staged.consequences


def test_a_point_before_a_subgraph_restarts_it(thread):
    preview = staging.stage(thread, "t1", intend("c1")).preview
    assert preview.restarts == ("team",)
    effects = [(node.path, node.has_side_effects) for node in preview.last_time]
    assert effects == [("team", None), ("review", False), ("charge", True)]


def test_what_stands_against_a_change_is_told(thread, make):
    with engines.write(thread.engine) as conn:
        runs.insert(conn, make.run("r2", status=RunStatus.RUNNING, created_at=make.at(60)))
    staged = staging.stage(thread, "t1", intend("c2", expected_head_id="c3"))
    found = [problem.refusal for problem in staged.problems]
    assert found == [Refusal.RUN_IN_FLIGHT, Refusal.HEAD_MOVED]
    assert isinstance(staged.problems[0].as_error(), Conflict)
    gone = staging.stage(thread, "t1", intend("gone"), with_difference=True)
    assert [problem.refusal for problem in gone.problems] == [Refusal.POINT_UNKNOWN]
    with pytest.raises(NotFound):
        staging.stage(thread, "nope", intend("c1"))


def test_a_thread_whose_graph_is_not_known_can_only_be_copied(thread):
    with engines.write(thread.engine) as conn:
        conn.exec_driver_sql("UPDATE threads SET trouble = 'No graph has these channels.'")
    found = staging.stage(thread, "t1", intend("c2")).problems
    assert [problem.refusal for problem in found] == [Refusal.GRAPH_UNKNOWN]
    assert staging.stage(thread, "t1", intend("c2", RewindVerb.COPY)).problems == ()
    with engines.write(thread.engine) as conn:
        conn.exec_driver_sql("UPDATE threads SET trouble = NULL, workflow = 'gone'")
    found = staging.stage(thread, "t1", intend("c2")).problems
    assert [problem.refusal for problem in found] == [Refusal.GRAPH_UNKNOWN]


def test_the_difference_is_told_where_the_states_can_be_read(thread, make):
    told = staging.stage(thread, "t1", intend("c2"), with_difference=True)
    assert told.preview.difference is None  # there is no worker
    with engines.write(thread.engine) as conn:
        first = make.snapshot(checkpoint_id="c2", values={"amount": 700})
        snapshots.put(conn, first)
        snapshots.put(conn, replace(first, checkpoint_id="c4", values={"amount": 5}))
    told = staging.stage(thread, "t1", intend("c2"), with_difference=True)
    (entry,) = told.preview.difference.entries
    assert (entry.before, entry.after) == (5, 700)


def test_a_refused_decision_is_none(thread):
    with engines.write(thread.engine) as conn:
        (taken,) = decisions.fetch_for_thread(conn, "t1", limit=5)
        decisions.mark_refused(conn, taken.decision_id, "no such order")
    assert staging.stage(thread, "t1", intend("c2")).preview.asked_again == ()
