from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary, Decision, Kind, Verb
from interlock.core.model.branching import grow
from interlock.core.model.history import BranchSpan, ForkLine, Point, PointFilter
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import FailureLine, RunKind, RunStatus, RunSummary
from interlock.core.model.threads import Origin, Thread
from interlock.core.services.history import PointDetail
from interlock.core.types import ApprovalId, CheckpointId, RunId, ThreadId
from interlock.dashboard.views import history_filters, points
from interlock.dashboard.views.history_filters import EVERY

T0 = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOW = T0 + timedelta(minutes=5)
POINT = Point(
    thread_id=ThreadId("t"),
    checkpoint_id=CheckpointId("b"),
    parent_id=CheckpointId("a"),
    step=4,
    source="loop",
    next=("review", "review"),
    run_id=RunId("r1"),
    created_at=T0,
    size_bytes=1234,
    branch=1,
    ran=("draft",),
    asked_count=1,
)
CARD = ApprovalSummary(
    approval_id=ApprovalId("a1"),
    interrupt_id="i1",
    thread_id=ThreadId("t"),
    run_id=RunId("r1"),
    workflow="w",
    node="review",
    namespace="",
    checkpoint_id=CheckpointId("b"),
    kind=Kind.VALUE,
    title="Refund\u202e?",
    allowed=(Verb.APPROVE,),
    risk="",
    status=ApprovalStatus.DECIDED,
    version=1,
    asked_at=T0,
)
DECISION = Decision(
    decision_id="d1",
    approval_id=ApprovalId("a1"),
    version=1,
    actor="ann",
    verb=Verb.APPROVE,
    answer=True,
    reason="",
    decided_at=T0,
    seconds_to_decide=3.0,
    run_id=RunId("r2"),
)
FORK = ForkLine(
    fork_id="f",
    thread_id=ThreadId("t"),
    run_id=RunId("r1"),
    verb=RewindVerb.SKIP,
    target_id=CheckpointId("a"),
    left_id=None,
    actor="bo",
    reason="",
    created_at=T0,
)


def _run(name: str, **changes) -> RunSummary:
    given = {"status": RunStatus.DONE, "error": None, "end_checkpoint_id": CheckpointId("b")}
    return RunSummary(
        run_id=RunId(name),
        thread_id=ThreadId("t"),
        workflow="w",
        kind=RunKind.START,
        priority=0,
        created_at=T0,
        created_by="ann",
        **(given | changes),
    )


def test_a_point_says_what_led_to_it_what_follows_and_what_was_decided_here():
    detail = PointDetail(point=POINT, cards=(CARD,), decisions=(DECISION,), nodes=())
    view = points.build(detail, head_id=CheckpointId("b"), now=NOW)
    assert view.headline == "Step 4 on branch 1, a step, the head"
    assert view.exact == "2026-11-22 12:00:00 UTC, checkpoint b"
    assert dict(view.facts) == {
        "Ran to get here": "draft",
        "Comes next": "review",
        "Stored": "5 min ago, 1.2 kB",
    }
    assert (view.fork, view.steps) == ("", ())
    assert [card.title for card in view.cards] == ["Refund⟨U+202E⟩?"]
    assert view.cards[0].link.params == {"approval_id": "a1"}
    assert [row.headline for row in view.decisions] == ["Approved by ann 5 min ago"]
    assert view.run is not None
    assert view.run.params == {"run_id": "r1"}
    assert view.what_if.params == {"thread": "t", "at": "b"}


def test_an_end_says_so_and_a_point_of_no_run_leads_to_none():
    point = replace(POINT, next=(), run_id=None, fork=FORK, source="odd\u202e")
    detail = PointDetail(point=point, cards=(), decisions=(), nodes=())
    view = points.build(detail, head_id=CheckpointId("z"), now=NOW)
    assert view.headline == "Step 4 on branch 1, odd⟨U+202E⟩"
    assert dict(view.facts)["Comes next"] == "nothing: an end"
    assert view.fork == "Node skipped by bo, 5 min ago"
    assert view.run is None


def test_the_table_says_of_each_point_what_the_tree_draws():
    taken = points.find_decisions([DECISION], [CARD])
    decided = replace(POINT, decided_count=1, fork=FORK)
    other = replace(POINT, checkpoint_id=CheckpointId("c"), source="input")
    plain = replace(POINT, checkpoint_id=CheckpointId("d"), asked_count=0)
    rows = points.build_table([decided, other, plain], taken, now=NOW)
    assert [row.decision for row in rows] == ["Approved by ann", "1 asked", ""]
    assert [row.source for row in rows] == ["a step", "an input", "a step"]
    assert (rows[0].fork, rows[1].fork) == ("Node skipped by bo, 5 min ago", "")


def test_what_a_graph_refused_and_what_belongs_to_no_card_was_not_decided():
    refused = replace(DECISION, refused="no")
    foreign = replace(DECISION, approval_id=ApprovalId("other"))
    assert points.find_decisions([refused, foreign], [CARD]) == {}


def test_failures_are_where_failed_runs_ended():
    failed = _run("r2", error=FailureLine("E", "x"), end_checkpoint_id=CheckpointId("c"))
    nowhere = _run("r3", error=FailureLine("E", "x"), end_checkpoint_id=None)
    assert points.find_failures([_run("r1"), failed, nowhere]) == {"c"}


@pytest.mark.parametrize(
    ("shown", "total", "is_newest", "said"),
    [
        (1, 1, True, "1 point on 1 branch"),
        (2, 2, True, "2 points on 1 branch"),
        (1, 5, True, "The newest 1 of 5 points on 1 branch"),
        (1, 5, False, "Older: 1 of 5 points on 1 branch"),
    ],
)
def test_how_much_is_drawn_is_said(shown, total, is_newest, said):
    span = BranchSpan(
        branch=0,
        first_id=CheckpointId("a"),
        last_id=CheckpointId("b"),
        parent_id=None,
        point_count=total,
        size_bytes=1,
    )
    assert points.say_extent([POINT] * shown, total, [span], is_newest=is_newest) == said


def test_what_a_filter_found_is_counted():
    assert points.say_filter(PointFilter(), 3) == ""
    assert points.say_filter(PointFilter(node="x"), 1) == "1 point fits"
    assert points.say_filter(PointFilter(node="x"), 0) == "0 points fit"


def test_neighbours_and_the_nodes_to_look_for_come_from_the_tree():
    first = replace(POINT, checkpoint_id=CheckpointId("a"), parent_id=None, next=("draft",))
    tree = grow([first, POINT])
    assert points.neighbours(tree, CheckpointId("a")) == (None, "b")
    assert points.neighbours(tree, CheckpointId("b")) == ("a", None)
    assert points.neighbours(tree, None) == (None, None)
    assert points.list_nodes(tree, ["charge"]) == ("charge", "draft", "review")


def test_filters_are_read_from_the_address_and_nonsense_is_left_out():
    params = {"from": "-1", "to": "1x", "node": "ask", "source": "fork", "run": "r1"}
    wanted = history_filters.read({**params, "decisions": "1"})
    assert wanted == PointFilter(
        step_from=-1,
        node="ask",
        sources=("fork",),
        run_id=RunId("r1"),
        only_decisions=True,
    )
    assert history_filters.read({"from": "", "to": "9" * 10}).is_free


def test_filters_show_what_is_chosen_even_where_it_is_no_choice():
    wanted = PointFilter(step_from=0, step_to=9, node="gone", sources=("update",))
    view = history_filters.build(wanted, ["ask"], ["loop", "odd"], [_run("r1")])
    assert view.values["from"] == "0"
    assert (view.values["to"], view.values["decisions"]) == ("9", "")
    assert view.options["node"] == {EVERY: "all", "ask": "ask", "gone": "gone"}
    assert list(view.options["source"])[-1] == "odd"
    assert view.options["run"] == {EVERY: "all", "r1": "r1 done"}
    assert not view.is_free
    assert history_filters.build(PointFilter(), [], [], []).is_free


def test_a_thread_says_where_it_comes_from_and_why_it_can_only_be_read():
    thread = Thread(
        thread_id=ThreadId("t"),
        workflow="refunds",
        head_checkpoint_id=None,
        last_run_id=None,
        created_at=T0,
        updated_at=T0,
    )
    assert (points.say_thread(thread), points.say_trouble(thread)) == ("refunds · thread t", "")
    assert points.say_no_points(thread).startswith("This thread has no checkpoints yet.")
    simulated = points.say_no_points(replace(thread, origin=Origin.SIMULATED))
    assert simulated.endswith("are on the pages of its runs.")
    copy = replace(thread, origin=Origin.COPY, from_thread_id=ThreadId("a\u202e"))
    assert points.say_thread(copy) == "refunds · thread t · a copy of thread a⟨U+202E⟩"
    foreign = replace(thread, origin=Origin.ATTACHED, trouble="no graph of ours fits")
    assert points.say_thread(foreign) == "refunds · thread t · another application's"
    assert points.say_trouble(foreign) == "It can only be read: no graph of ours fits"
