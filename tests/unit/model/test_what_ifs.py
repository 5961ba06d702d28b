"""What may run on a copy, what stands in for the rest, and how two ways are laid side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.errors import InvalidInput
from interlock.core.model import what_ifs
from interlock.core.model.what_ifs import How, PathStep, StandIn, Treatment

SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}


def test_a_node_runs_only_if_its_policy_says_that_it_has_no_side_effects():
    nodes = ["look", "charge", "ask", "team", "team/send", "alone", "__start__"]
    effects = {"look": False, "charge": True, "team/send": False, "team": False}
    assert what_ifs.treat(nodes, effects, graphs=["alone"]) == {
        "look": Treatment.RUNS,
        "charge": Treatment.STANDS_IN,
        "ask": Treatment.UNKNOWN,
        "team/send": Treatment.RUNS,
    }


def test_a_given_value_takes_the_place_of_a_node_that_could_run():
    treatments = what_ifs.treat(["look", "charge", "ask"], {"look": False, "charge": True})
    read = what_ifs.read_stand_ins(
        {"ask": {"runs": True}, "look": {"value": {"amount": 1}, "goto": ["charge"]}},
        treatments,
        state_schema=SCHEMA,
    )
    assert read == {
        "ask": StandIn(runs=True),
        "look": StandIn(value={"amount": 1}, goto=("charge",)),
    }
    assert what_ifs.find_runnable(treatments, read) == {"ask"}
    assert what_ifs.find_runnable(treatments, {}) == {"look"}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"gone": {"runs": True}}, "gone"),
        ({"charge": {"runs": True}}, "charge"),
        ({"ask": {"runs": 1}}, "ask"),
        ({"ask": {"runs": True, "value": 1}}, "ask"),
        ({"ask": {"more": 1}}, "ask"),
        ({"ask": {}}, "ask"),
        ({"ask": 3}, "ask"),
        ({"ask": {"value": {}, "goto": "charge"}}, "ask"),
        ({"ask": {"value": {"amount": "much"}}}, "ask.amount"),
        ({"ask": {"value": float("nan")}}, "ask"),
    ],
)
def test_what_cannot_stand_in_is_refused_by_its_place(wrong, path):
    treatments = what_ifs.treat(["charge", "ask"], {"charge": True})
    with pytest.raises(InvalidInput) as refused:
        what_ifs.read_stand_ins(wrong, treatments, state_schema=SCHEMA)
    assert [problem.path for problem in refused.value.problems] == [path]


def test_a_value_of_which_no_schema_is_known_is_taken_as_it_is():
    treatments = what_ifs.treat(["ask"], {})
    assert what_ifs.read_stand_ins({"ask": {"value": 3}}, treatments)["ask"].value == 3


def test_copies_are_known_by_their_ids():
    assert what_ifs.is_sandbox(what_ifs.sandbox_of("w1", "a"))
    assert not what_ifs.is_sandbox("t1")


def test_a_step_is_read_as_it_was_kept():
    step = PathStep(node="look", how=How.FAILED, duration_ms=1.5, error="no")
    assert PathStep.from_json(step.as_json()) == step


def test_what_both_ways_did_stands_in_one_row():
    assert what_ifs.pair_ways(["ask", "charge", "tell"], ["ask", "refuse", "tell"]) == (
        (0, 0),
        (1, None),
        (None, 1),
        (2, 2),
    )
    assert what_ifs.pair_ways([], ["ask"]) == ((None, 0),)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_each_step_of_both_ways_stands_in_one_row_and_in_order(one, other):
    rows = what_ifs.pair_ways(one, other)
    assert [a for a, _ in rows if a is not None] == list(range(len(one)))
    assert [b for _, b in rows if b is not None] == list(range(len(other)))
    assert all(one[a] == other[b] for a, b in rows if a is not None and b is not None)
