from __future__ import annotations

from interlock.core.model.branching import grow
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.retracing import count_nodes, find_runs_after

from .checkpoint_rows import line, point
from .thread_records import attempt

# Points stand at the second of their letter: a = 97 s.
_FORKED = line(
    "a b c d; b e f",
    a={"source": "input"},
    c={"run": "r1"},
    d={"run": "r1"},
    e={"source": "fork", "run": "r2"},
    f={"run": "r2"},
)


def _paths(tree, at, runs):
    return [run.path for run in find_runs_after(tree, point(at), runs)]


def test_what_ran_after_a_point_is_what_made_the_points_after_it():
    tree = grow(_FORKED)
    runs = [
        attempt("start", 0, at_s=97),
        attempt("ask", 1, at_s=98),
        attempt("left", 2, at_s=99),
        attempt("ask", 2, run="r2", at_s=101),
        attempt("pay", 3, run="r2", task="pay", at_s=102),
    ]
    assert _paths(tree, "a", runs) == ["start", "ask", "pay"]
    assert _paths(tree, "e", runs) == ["ask", "pay"]
    assert _paths(tree, "f", runs) == ["pay"]
    assert _paths(tree, "c", runs) == ["left"]
    assert _paths(tree, "nowhere", runs) == []


def test_what_ran_at_an_end_that_was_left_is_not_what_ran_after_the_thread_went_elsewhere():
    tree = grow(line("a b c; a d"))
    runs = [attempt("work", 2, at_s=99.5), attempt("work", 2, task="later", at_s=100.5)]
    assert [r.task_id for r in find_runs_after(tree, point("c"), runs)] == ["work-2"]


def test_a_step_whose_questions_were_answered_one_by_one_counts_whole():
    tree = grow(line("a b", b={"run": "r3"}))
    runs = [
        attempt("ask", 0, task="old", at_s=90),
        attempt("ask", 0, task="x", run="r2", at_s=97.4),
        attempt("ask", 0, task="y", run="r3", at_s=97.8),
    ]
    assert [r.task_id for r in find_runs_after(tree, point("a"), runs)] == ["x", "y"]


def test_all_tries_of_a_task_count_whichever_run_made_them_and_what_is_within_it():
    tree = grow(line("a b", b={"run": "r2"}))
    runs = [
        attempt("outer", 0, task="t1", status=NodeStatus.INTERRUPTED, at_s=1),
        attempt("outer", 0, task="t1", run="r2", at_s=5),
        attempt("outer/inner", 7, within="t1", at_s=2),
        attempt("outer/inner", 0, within="another", at_s=3),
    ]
    found = find_runs_after(tree, point("a"), runs)
    assert [(r.path, r.run_id) for r in found] == [
        ("outer", "r1"),
        ("outer", "r2"),
        ("outer/inner", "r1"),
    ]


def test_tasks_and_tries_are_told_apart_and_waiting_and_served_ones_did_not_run():
    runs = [
        attempt("pay", 1, at_s=2, status=NodeStatus.ERROR),
        attempt("pay", 1, at_s=3, number=2),
        attempt("pay", 4, at_s=9),
        attempt("ask", 2, at_s=5, status=NodeStatus.INTERRUPTED),
        attempt("quote", 3, at_s=7, status=NodeStatus.CACHED),
        attempt("quote", 5, at_s=8, status=NodeStatus.SHORT_CIRCUITED),
    ]
    pay, ask, quote = count_nodes(runs[::-1], {"pay": True, "quote": False})
    assert (pay.path, pay.run_count, pay.begun_count, pay.times) == ("pay", 2, 3, 2)
    assert (ask.run_count, ask.begun_count, ask.waiting_count, ask.times) == (0, 1, 1, 1)
    assert (quote.run_count, quote.begun_count, quote.served_count) == (0, 0, 2)
    assert [n.has_side_effects for n in (pay, ask, quote)] == [True, None, False]
    assert pay.first_at == runs[0].started_at
