from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.model.branching import grow
from interlock.core.model.folding import (
    MAX_OPEN_COUNT,
    MIN_FOLD_COUNT,
    Layout,
    Mark,
    Telling,
    crop,
    lay_out,
)

from .checkpoint_rows import line, point, row, trees


@settings(max_examples=40)
@given(trees(), st.data())
def test_every_point_is_drawn_once_and_what_tells_something_is_never_folded(rows, data):
    tree = grow(rows)
    some = st.sets(st.sampled_from(list(tree.entries)), max_size=4) if rows else st.just(set())
    telling = Telling(decisions=data.draw(some), failures=data.draw(some), chosen=data.draw(some))
    layout = lay_out(tree, telling)
    elements = [e for r in layout.rows for e in r.elements]
    assert sum(e.count for e in elements) == len(rows)
    assert sorted(e.column for e in elements) == list(range(layout.columns_count))
    shown = {e.first_id: e for e in elements if not e.is_fold}
    kept = telling.decisions | telling.failures | telling.chosen | set(tree.forks)
    assert kept <= set(shown)
    assert all(tree.is_end(p) <= (p in shown) for p in tree.entries)
    assert all(not e.marks and e.count >= MIN_FOLD_COUNT for e in elements if e.is_fold)
    for number, r in enumerate(layout.rows):
        assert r.is_current is (number == 0)
        columns = [e.column for e in r.elements]
        assert columns == sorted(columns)
        assert r.from_column is None or r.from_column < columns[0]
        assert (r.from_id is None) is (r.from_column is None)


@settings(max_examples=30)
@given(trees())
def test_opening_every_fold_shows_every_point(rows):
    tree = grow(rows)
    spans = {e.span for r in lay_out(tree).rows for e in r.elements if e.is_fold}
    layout = lay_out(tree, unfolded=spans | {(point("no"), point("longer"))})
    assert {e.first_id for r in layout.rows for e in r.elements} == set(tree.entries)


def test_the_current_way_is_the_first_row_with_the_points_it_shares():
    layout = lay_out(grow(line("a b c d; b e f")))
    current, left = layout.rows
    assert [e.first_id for e in current.elements] == ["a", "b", "e", "f"]
    assert (current.branch, current.from_id) == (1, None)
    assert [e.first_id for e in left.elements] == ["c", "d"]
    assert (left.branch, left.from_id, left.from_column) == (0, "b", 1)
    assert [e.column for e in current.elements] == [0, 1, 4, 5]


def test_marks_say_why_a_point_stands_for_itself():
    rows = line(
        "a b c d e; b f",
        a={"source": "input"},
        c={"source": "update"},
        f={"source": "fork"},
        e={"source": "something new"},
    )
    telling = Telling(decisions={"b"}, failures={"d"}, chosen={"d"})
    marks = {e.first_id: e.marks for r in lay_out(grow(rows), telling).rows for e in r.elements}
    assert marks == {
        "a": {Mark.START},
        "b": {Mark.FORK, Mark.DECISION},
        "c": {Mark.EDIT},
        "d": {Mark.FAILURE, Mark.CHOSEN},
        "e": {Mark.START, Mark.END},
        "f": {Mark.START, Mark.COPY, Mark.END, Mark.HEAD},
    }


def test_a_thousand_plain_steps_are_three_elements_that_open_step_by_step():
    rows = [row(f"{n:04}", f"{n - 1:04}" if n else None, step=n, at_s=n) for n in range(1000)]
    tree = grow(rows)
    first, fold, last = lay_out(tree).rows[0].elements
    assert (first.count, fold.count, last.count) == (1, 998, 1)
    assert (fold.first_step, fold.last_step) == (1, 998)
    assert (fold.ended_at - fold.started_at).total_seconds() == 997
    opened = lay_out(tree, unfolded=[fold.span])
    assert opened.columns_count <= MAX_OPEN_COUNT + 2
    inner = opened.rows[0].elements[1]
    again = lay_out(tree, unfolded=[fold.span, inner.span])
    assert again.rows[0].elements[1].first_id == "0001"
    assert not again.rows[0].elements[1].is_fold


def test_a_beginning_that_is_not_known_is_told_and_nothing_is_drawn_before_it():
    (only,) = lay_out(grow([row("c", "b"), row("d", "c")])).rows
    assert (only.is_cut, only.from_id, only.from_column) == (True, None, None)


def test_a_part_of_a_layout_has_the_rows_that_are_there():
    layout = lay_out(grow(line("a b c d; b e f")))
    part = crop(layout, first=4, count=5)
    assert [[e.first_id for e in r.elements] for r in part.rows] == [["e", "f"]]
    assert (part.first_column, part.columns_count) == (4, 6)


def test_a_thread_without_checkpoints_has_no_rows():
    assert lay_out(grow([])) == Layout(rows=(), columns_count=0)
