from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.model.branching import grow

from .checkpoint_rows import line, odd_rows, point, row, trees


@settings(max_examples=40)
@given(trees(), st.randoms(use_true_random=False))
def test_the_tree_is_what_the_rows_say_in_whatever_order_they_come(rows, order: random.Random):
    tree = grow(rows)
    mixed = list(rows)
    order.shuffle(mixed)
    assert grow(mixed) == tree
    assert list(tree.entries) == sorted(r.checkpoint_id for r in rows)
    assert {p: tree.parents[p] for p in tree.entries} == {
        r.checkpoint_id: r.parent_id for r in rows
    }
    assert tree.missing == tree.broken == ()
    if rows:
        assert tree.head_id == max(r.checkpoint_id for r in rows)
        assert tree.path[0] == rows[0].checkpoint_id
        assert all(tree.parents[b] == a for a, b in pairwise(tree.path))


@settings(max_examples=40)
@given(trees())
def test_every_point_is_on_one_branch_and_the_first_child_goes_on_with_its_parents(rows):
    tree = grow(rows)
    assert sorted(p for b in tree.branches for p in b.ids) == list(tree.entries)
    assert len({b.number for b in tree.branches}) == len(tree.branches)
    for parent, children in tree.children.items():
        of = tree.branch_of
        assert of[children[0]] == of[parent]
        assert all(of[later] != of[parent] for later in children[1:])
    assert sum(len(children) - 1 for children in tree.children.values()) == max(
        0, len(tree.branches) - 1
    )
    assert [b.is_current for b in tree.branches] == [n == 0 for n in range(len(tree.branches))]
    assert set(tree.forks) == {p for p, c in tree.children.items() if len(c) > 1}


@settings(max_examples=40)
@given(trees(), st.data())
def test_a_page_of_the_newest_points_has_the_branches_of_the_whole(rows, data):
    of = grow(rows).branch_of
    rows = [replace(r, branch=of[r.checkpoint_id]) for r in rows]
    page = rows[data.draw(st.integers(0, len(rows))) :]
    tree = grow(page)
    assert tree.branch_of == {r.checkpoint_id: r.branch for r in page}
    assert tree.missing == tuple(
        sorted({r.parent_id for r in page if r.parent_id and r.parent_id not in tree.entries})
    )


@settings(max_examples=40)
@given(odd_rows())
def test_odd_rows_make_a_tree_all_the_same(rows):
    tree = grow(rows)
    assert sorted(p for b in tree.branches for p in b.ids) == list(tree.entries)
    assert set(tree.entries) == {r.checkpoint_id for r in rows}
    for each in tree.entries:
        assert tree.path_to(each)[-1] == each
        way = tree.path_after(each)
        assert each not in way
        assert (not way) == tree.is_end(each) or tree.is_on_path(each)


def test_a_fork_leaves_a_branch_which_stays_and_the_fork_is_current():
    tree = grow(line("a b c d; b e f"))
    current, left = tree.branches
    assert (current.ids, current.from_id, current.is_current) == (("e", "f"), "b", True)
    assert (left.ids, left.from_id, left.is_current) == (("a", "b", "c", "d"), None, False)
    assert tree.path == ("a", "b", "e", "f")
    assert tree.forks == ("b",)
    assert (tree.branch_of["c"], tree.branch_of["e"]) == (0, 1)


def test_the_way_after_a_point_off_the_path_is_the_one_that_went_on_last():
    tree = grow(line("a b c; b d g; d e; a h"))
    assert tree.path_after(point("a")) == ("h",)
    assert tree.path_after(point("b")) == ("d", "g")
    assert tree.path_after(point("c")) == ()
    assert tree.path_after(point("nowhere")) == tree.path_to(point("nowhere")) == ()
    assert tree.is_end(point("c")) and not tree.is_end(point("b"))
    assert not tree.is_end(point("nowhere"))


def test_a_thread_without_checkpoints_has_no_head():
    tree = grow([])
    assert (tree.head_id, tree.path, tree.branches) == (None, (), ())


def test_a_beginning_that_is_not_known_is_told():
    tree = grow([row("c", "b", branch=3), row("d", "c", branch=3)])
    (branch,) = tree.branches
    assert (branch.number, branch.from_id, branch.is_cut) == (3, "b", True)
    assert tree.missing == ("b",)


def test_branches_whose_number_is_taken_get_a_free_one():
    tree = grow([row("a"), row("b", "a"), row("c", "a"), row("d", "a", branch=5), row("e", "a")])
    assert tree.branch_of == {"a": 0, "b": 0, "c": 6, "d": 5, "e": 7}


def test_a_circle_of_parents_is_cut_open_at_its_oldest_and_told():
    tree = grow([row("a", "e"), row("c", "e"), row("d", "c"), row("e", "d"), row("f", "f")])
    assert tree.broken == ("c", "f")
    assert tree.path_to(point("a")) == ("c", "d", "e", "a")


def test_of_two_rows_with_one_id_the_first_counts():
    assert grow([row("a", step=1), row("a", step=2)]).entries[point("a")].step == 1
