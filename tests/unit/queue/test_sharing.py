from __future__ import annotations

from interlock.core.queue.port import SERVES_ALL, Serves
from interlock.core.queue.sharing import Waiting, choose


def wait(*names, priority=0, is_run=True):
    """Waiting jobs such as `a1 a2 b1`: the workflow's letter, the older first."""
    return [
        Waiting(workflow=name[0], priority=priority, age=age, ref=name, is_run=is_run)
        for age, name in enumerate(names)
    ]


def take(waiting, *, running=None, serves=SERVES_ALL, limit=10):
    chosen = choose(waiting, running=running or {}, serves=serves, limit=limit)
    return " ".join(each.ref for each in chosen)


def test_one_workflow_is_taken_from_in_order():
    assert take(wait("a1", "a2", "a3"), limit=2) == "a1 a2"


def test_nothing_is_taken_of_nothing():
    assert take([]) == ""


def test_a_long_line_does_not_keep_a_short_one_out():
    assert take(wait("a1", "a2", "a3", "a4", "b1"), limit=3) == "a1 b1 a2"


def test_the_higher_priority_comes_first_whatever_runs():
    waiting = wait("b1") + wait("a1", priority=1)
    assert take(waiting, running={"a": 100}) == "a1 b1"


def test_who_has_fewer_runs_comes_first():
    assert take(wait("a1", "a2", "b1", "b2"), running={"a": 3, "b": 2}) == "b1 a1 b2 a2"


def test_a_share_of_two_has_twice_the_room():
    serves = Serves(shares={"a": 2})
    waiting = wait("a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4")
    assert take(waiting, serves=serves, limit=6) == "a1 b1 a2 a3 b2 a4"


def test_tenants_share_before_their_workflows_do():
    serves = Serves(tenants={"a": "north", "b": "north", "c": "south"})
    assert take(wait("a1", "a2", "b1", "b2", "c1", "c2"), serves=serves, limit=4) == "a1 c1 b1 c2"


def test_runs_of_a_tenants_other_workflows_count():
    serves = Serves(tenants={"a": "north", "b": "north"})
    assert take(wait("a1", "c1"), serves=serves, running={"b": 1}) == "c1 a1"


def test_what_is_no_run_comes_in_its_turn_and_counts_towards_no_share():
    waiting = [
        Waiting(workflow="a", priority=0, age=0, ref="a0"),
        Waiting(workflow="a", priority=0, age=1, ref="prune", is_run=False),
        Waiting(workflow="a", priority=0, age=2, ref="a2"),
        Waiting(workflow="b", priority=0, age=3, ref="b3"),
        Waiting(workflow="a", priority=0, age=4, ref="import", is_run=False),
        Waiting(workflow="a", priority=1, age=5, ref="urgent", is_run=False),
    ]
    assert take(waiting, running={"a": 7}) == "urgent b3 a0 prune a2 import"


def test_a_younger_chore_takes_no_place_that_a_run_waits_for():
    waiting = wait("a1", "a2") + [
        Waiting(workflow="", priority=0, age=age, ref=f"chore{age}", is_run=False)
        for age in (5, 6, 7)
    ]
    assert take(waiting, running={"a": 1}, limit=2) == "a1 a2"


def test_of_equal_claims_the_oldest_comes_first():
    assert take(wait("b1", "a1")) == "b1 a1"
