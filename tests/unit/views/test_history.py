from __future__ import annotations

from datetime import UTC, datetime, timedelta

from interlock.core.model.branching import grow
from interlock.core.model.folding import lay_out
from interlock.core.model.history import ForkLine, Point
from interlock.core.model.rewinding import PastDecision, RewindVerb
from interlock.core.types import ApprovalId, CheckpointId, RunId, ThreadId
from interlock.dashboard.palette import Tone
from interlock.dashboard.views.history import (
    COLUMNS_COUNT,
    Glyph,
    Sight,
    TreeView,
    build,
    find_first_column,
    say_fork,
    tell,
)

T0 = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOW = T0 + timedelta(hours=1)
FORK = ForkLine(
    fork_id="f1",
    thread_id=ThreadId("t"),
    run_id=RunId("r2"),
    verb=RewindVerb.RERUN,
    target_id=CheckpointId("b"),
    left_id=CheckpointId("e"),
    actor="ann",
    reason="wrong amount",
    created_at=T0 + timedelta(minutes=56),
)
DECISION = PastDecision(
    approval_id=ApprovalId("a1"),
    checkpoint_id=CheckpointId("b"),
    node="ask",
    title="Refund 620 EUR?",
    verb="approve",
    actor="ann",
    decided_at=T0,
)


def _point(name: str, parent: str | None, step: int, **changes) -> Point:
    given = {"source": "loop", "next": ("work",), "ran": ("work",), **changes}
    return Point(
        thread_id=ThreadId("t"),
        checkpoint_id=CheckpointId(name),
        parent_id=None if parent is None else CheckpointId(parent),
        step=step,
        run_id=RunId("r1"),
        created_at=T0 + timedelta(seconds=step),
        size_bytes=1,
        branch=0,
        **given,
    )


def _points() -> list[Point]:
    return [
        _point("a", None, -1, source="input", next=("__start__",), ran=()),
        _point("b", "a", 0, ran=("__start__",), asked_count=1, decided_count=1),
        _point("c", "b", 1),
        _point("d", "c", 2),
        _point("e", "d", 3, next=()),
        _point("f", "b", 1, source="fork", ran=(), fork=FORK, asked_count=1),
    ]


def _build(points: list[Point], *, failures=(), chosen=(), unfolded=()) -> TreeView:
    ids = {p.checkpoint_id: p for p in points}
    telling = tell(points, failures=failures, chosen=chosen)
    layout = lay_out(grow(points), telling, unfolded=unfolded)
    return build(layout, ids, {CheckpointId("b"): [DECISION]}, now=NOW)


def test_the_current_branch_is_on_top_and_the_other_says_where_it_leaves():
    view = _build(_points())
    current, left = view.lanes
    assert (current.is_current, left.is_current) == (True, False)
    assert [k.checkpoint_id for k in current.knots] == ["a", "b", "f"]
    assert (left.from_column, current.from_column) == (1, None)
    assert current.told == "Run again by ann, 4 min ago: wrong amount"
    assert view.alt == (
        "2 branches. Branch 1, current: Start, Approved by ann, Waiting. Branch 0: work, work, End."
    )


def test_a_decision_is_a_diamond_with_who_and_what():
    knot = _build(_points()).lanes[0].knots[1]
    assert (knot.glyph, knot.label) == (Glyph.DIAMOND, "Approved by ann")
    assert knot.lines == (
        "Step 0, 2026-11-22 12:00:00 UTC",
        "Ran: the input",
        "Next: work",
        "Approved by ann: Refund 620 EUR?",
    )


def test_only_what_waits_for_a_human_is_warm():
    view = _build(_points(), failures=[CheckpointId("d")], chosen=[CheckpointId("c")])
    tones = {k.checkpoint_id: k.look.tone for lane in view.lanes for k in lane.knots}
    assert [name for name, tone in tones.items() if tone is Tone.WAITING] == ["f"]
    assert tones["d"] is Tone.FAILED
    chosen = [k.checkpoint_id for lane in view.lanes for k in lane.knots if k.is_chosen]
    assert chosen == ["c"]
    assert [k.checkpoint_id for lane in view.lanes for k in lane.knots if k.is_head] == ["f"]


def test_a_fold_says_how_many_steps_it_holds():
    points = [_point(f"{n:03}", f"{n - 1:03}" if n else None, n) for n in range(60)]
    fold = _build(points).lanes[0].knots[1]
    assert (fold.checkpoint_id, fold.glyph, fold.label) == (None, Glyph.FOLD, "58 steps")
    assert fold.lines == (
        "Steps 1 to 58",
        "2026-11-22 12:00:01 UTC to 2026-11-22 12:00:58 UTC",
    )
    assert len(_build(points, unfolded=[fold.span]).lanes[0].knots) > 20


def test_an_end_that_still_has_something_due_is_none():
    (lane,) = _build([_point("a", None, 0), _point("b", "a", 1)]).lanes
    assert lane.knots[-1].look.word == "Stands here"
    points = [_point("a", None, 0), _point("c", "a", 1), _point("d", "a", 1)]
    assert _build(points).lanes[1].knots[-1].look.word == "Left here"


def test_a_point_of_which_nothing_more_is_known_is_drawn_all_the_same():
    points = [_point("b", "a", 0), _point("c", "b", 1, next=())]
    view = build(lay_out(grow(points)), {}, {}, now=NOW)
    assert view.lanes[0].told == "Older points are not drawn"
    assert [k.label for k in view.lanes[0].knots] == ["Start", "End"]


def test_many_nodes_are_counted_and_what_hides_is_named():
    many = tuple(f"n{n}" for n in range(9))
    points = [_point("a", None, 0), _point("b", "a", 1, ran=many, next=("a\u202eb",))]
    lines = _build([*points, _point("c", "b", 2, next=())]).lanes[0].knots[1].lines
    assert lines[1:3] == ("Ran: n0, n1, n2, n3, n4, n5, 3 more", "Next: a⟨U+202E⟩b")


def test_a_fork_without_a_reason_says_who_and_when():
    changed = ForkLine(**vars(FORK) | {"reason": "", "verb": RewindVerb.EDIT})
    assert say_fork(changed, NOW) == "State edited by ann, 4 min ago"


def test_a_thread_without_checkpoints_says_so():
    assert build(lay_out(grow([])), {}, {}, now=NOW).alt == "This thread has no checkpoints yet."


def test_a_fork_is_named_by_what_somebody_did():
    points = [_point("a", None, 0), _point("x", "a", 1, source="fork", fork=FORK)]
    assert _build([*points, _point("y", "x", 2, next=())]).lanes[0].knots[1].label == "Run again"


def test_what_does_not_fit_is_dim_and_a_fold_counts_what_does():
    points = [_point(f"{n:03}", f"{n - 1:03}" if n else None, n) for n in range(60)]
    layout = lay_out(grow(points))
    known = {p.checkpoint_id: p for p in points}
    sight = Sight(matched=[CheckpointId("004"), CheckpointId("059")])
    knots = build(layout, known, {}, sight=sight, now=NOW).lanes[0].knots
    assert [(k.label, k.is_dim) for k in knots[:2]] == [("Start", True), ("58 steps, 1 fit", False)]
    none = build(layout, known, {}, sight=Sight(matched=[]), now=NOW).lanes[0].knots
    assert (none[1].label, none[1].is_dim) == ("58 steps", True)


def test_the_second_point_is_told_from_the_chosen_one():
    points = _points()
    chosen = [CheckpointId("c"), CheckpointId("d")]
    layout = lay_out(grow(points), tell(points, chosen=chosen))
    view = build(
        layout,
        {p.checkpoint_id: p for p in points},
        {},
        sight=Sight(second=CheckpointId("d")),
        now=NOW,
    )
    knots = {k.checkpoint_id: k for lane in view.lanes for k in lane.knots}
    assert (knots["c"].is_chosen, knots["c"].is_second) == (True, False)
    assert (knots["d"].is_chosen, knots["d"].is_second) == (False, True)


def test_a_tree_too_wide_for_one_drawing_is_drawn_in_parts():
    points = [_point(f"{n:04}", f"{n - 1:04}" if n else None, n) for n in range(900)]
    everything = [p.checkpoint_id for p in points]
    layout = lay_out(grow(points), tell(points, failures=everything))
    known = {p.checkpoint_id: p for p in points}
    assert find_first_column(layout) == 900 - COLUMNS_COUNT
    assert find_first_column(layout, 5000) == 900 - COLUMNS_COUNT
    assert find_first_column(layout, 20) == 20
    chosen = lay_out(grow(points), tell(points, failures=everything, chosen=[CheckpointId("0400")]))
    assert find_first_column(chosen) == 400 - COLUMNS_COUNT // 2
    view = build(layout, known, {}, first_column=100, now=NOW)
    assert (view.columns_count, view.all_count) == (COLUMNS_COUNT, 900)
    assert view.lanes[0].begins_before
    assert view.lanes[0].knots[0].checkpoint_id == "0100"


def test_what_was_asked_on_a_branch_that_was_left_was_not_decided():
    points = [_point("a", None, 0), _point("c", "a", 1, asked_count=1), _point("d", "a", 1)]
    asked = _build(points).lanes[1].knots[-1]
    assert (asked.glyph, asked.label, asked.look.tone) == (Glyph.DIAMOND, "Asked", Tone.QUIET)


def test_what_older_points_led_to_is_no_start():
    points = [_point("x", "w", 1), _point("y", "x", 2, next=())]
    assert _build(points).lanes[0].knots[0].label == "work"


def test_the_last_point_of_an_older_page_is_neither_head_nor_end():
    points = [_point("a", None, 0), _point("x", "a", 1)]
    layout, known = lay_out(grow(points)), {p.checkpoint_id: p for p in points}
    last = build(layout, known, {}, sight=Sight(is_newest=False), now=NOW).lanes[0].knots[-1]
    assert (last.is_head, last.label) == (False, "work")
