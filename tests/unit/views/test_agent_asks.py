"""What a client of the Agent Server asks for, in Interlock's terms; what is not served is said by name."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.core.errors import InvalidInput, NotServed
from interlock.dashboard.views import agent_asks
from interlock.dashboard.views.agent_asks import Way

AT = {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "c1", "checkpoint_map": None}


@pytest.mark.parametrize(
    ("given", "way"),
    [
        ({"input": {}}, Way.LAUNCH),
        ({"input": 0}, Way.LAUNCH),
        ({"command": {"resume": None}}, Way.ANSWER),
        ({"command": {"resume": {"a": 1}, "goto": None}}, Way.ANSWER),
        ({"command": {"resume": 0, "goto": [], "update": None, "graph": None}}, Way.ANSWER),
        ({"command": {"resume": None, "goto": [], "update": {"a": 1}}}, Way.EDIT),
        ({"command": {"update": {"a": 1}}}, Way.EDIT),
        ({"command": {"update": {"a": 1}}, "checkpoint_id": "c1"}, Way.EDIT),
        ({"checkpoint": AT}, Way.RERUN),
        ({"checkpoint_id": "c1"}, Way.RERUN),
        ({"command": {}}, Way.GO_ON),
        ({}, Way.GO_ON),
    ],
)
def test_a_run_goes_one_way(given: Any, way: Way) -> None:
    ask = agent_asks.read(given)
    assert ask.way is way
    is_at = "checkpoint" in given or "checkpoint_id" in given
    assert ask.checkpoint_id == ("c1" if is_at else None)


@pytest.mark.parametrize(
    "given",
    [
        {"command": {"goto": "pay"}},
        {"command": {"goto": "pay", "resume": 1}},
        {"command": {"resume": 1, "update": {"a": 1}}},
        {"command": {"resume": 1}, "checkpoint": AT},
        {"command": {"jump": 1}},
        {"input": {}, "checkpoint_id": "c1"},
        {"input": {}, "checkpoint": {**AT, "checkpoint_ns": "team"}},
        {"input": {}, "webhook": "https://a.example"},
        {"input": {}, "feedback_keys": ["a"]},
        {"input": {}, "after_seconds": 3},
        {"input": {}, "langsmith_tracer": {"project_name": "a"}},
        {"input": {}, "on_completion": "delete"},
        {"input": {}, "multitask_strategy": "enqueue"},
        {"input": {}, "config": {"max_concurrency": 3}},
    ],
)
def test_what_is_not_done_is_refused(given: Any) -> None:
    with pytest.raises(NotServed, match="does not serve"):
        agent_asks.read(given)


@pytest.mark.parametrize(
    "given",
    [
        {"input": {}, "command": {"resume": 1}},
        {"command": {"update": {}}},
        {"command": {"update": []}},
        {"command": {"update": 3}},
        {"command": {"update": [["a", 1], {"a": 2}]}},
    ],
)
def test_what_contradicts_itself_or_says_nothing_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInput):
        agent_asks.read(given)


def test_what_a_launch_takes_from_its_config() -> None:
    configurable = {"thread_id": "t", "user": "ann", "model": "a"}
    given = {
        "input": {"a": 1},
        "config": {
            "recursion_limit": 7,
            "configurable": configurable,
            "tags": ["x"],
            "max_concurrency": None,
        },
        "context": {"model": "b"},
        "interrupt_before": "*",
        "interrupt_after": ["pay"],
        "multitask_strategy": "reject",
        "webhook": None,
    }
    ask = agent_asks.read(given)
    assert ask.context == {"user": "ann", "model": "b"}
    assert (ask.input, ask.recursion_limit) == ({"a": 1}, 7)
    assert (ask.break_before, ask.break_after) == (("*",), ("pay",))
    assert agent_asks.read({"input": {}, "context": 3}).context == 3
    assert agent_asks.read({"input": {}, "config": {"configurable": {"a": 1}}}).context == {"a": 1}
    assert agent_asks.read({"input": {}}).context is None


def test_an_update_may_come_in_pairs() -> None:
    ask = agent_asks.read({"command": {"update": [["a", 1], ["b", [2]]]}})
    assert ask.edits == {"a": 1, "b": [2]}


def test_stream_modes_are_read_once_each_and_refused_by_name() -> None:
    assert agent_asks.read_modes(None) == agent_asks.read_modes([]) == ("values",)
    assert agent_asks.read_modes("events") == ("events",)
    assert agent_asks.read_modes(["updates", "values", "updates"]) == ("updates", "values")
    with pytest.raises(NotServed, match="'debug'"):
        agent_asks.read_modes(["values", "debug"])
