"""What `doctor --workflow` finds, in words and as data."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.core.model.workflow_checks import (
    LARGE_STATE_BYTES,
    MOST_NAMED,
    Extremes,
    Finding,
    Verdict,
    check,
)
from interlock.core.model.workflows import Workflow

LINE = {
    "__start__": {"to": ["a"], "may": [], "open": False},
    "a": {"to": ["b"], "may": [], "open": False},
    "b": {"to": ["__end__"], "may": [], "open": False},
}


def workflow(*, ways=None, limit=None, nodes=("a", "b"), kinds=(), **changes) -> Workflow:
    drawn = [{"id": n, "label": n, "kind": "subgraph" if n in kinds else "node"} for n in nodes]
    given = {
        "name": "refunds",
        "description": "",
        "nodes": nodes,
        "graph": {
            "nodes": drawn,
            "edges": [],
            "ways": {"": LINE} if ways is None else ways,
            "recursion_limit": limit,
        },
        "input_schema": None,
        "context_schema": None,
        "state_schema": None,
        "channels": (),
        "error": None,
        "published_at": datetime(2026, 1, 5, tzinfo=UTC),
    }
    return Workflow(**(given | changes))


def find(name: str, given: Workflow, seen: Extremes | None = None, *, limit=100) -> Finding:
    return next(
        f for f in check(given, seen or Extremes(), recursion_limit=limit) if f.name == name
    )


def test_of_one_that_did_not_load_only_that_is_told():
    (found,) = check(workflow(error="it has no name"), Extremes(), recursion_limit=9)

    assert (found.name, found.verdict, found.message) == (
        "loaded",
        Verdict.WRONG,
        "it has no name",
    )


class TestTermination:
    def test_a_line_ends(self):
        found = find("termination", workflow())

        assert found.verdict is Verdict.OK
        assert found.message == "Every way leads to an end, and none comes by a node twice."
        assert found.found[""]["fewest_steps"] == 2

    def test_a_loop_that_is_left_is_told_and_nothing_wrong(self):
        ways = LINE | {"b": {"to": [], "may": ["a", "__end__"], "open": False}}
        found = find("termination", workflow(ways={"": ways}))

        assert found.verdict is Verdict.OK
        assert found.message == "A loop of a, b is left at b, as is chosen there."
        assert found.found[""]["loops"] == [{"nodes": ["a", "b"], "left_at": ["b"]}]

    def test_what_always_leads_back_is_wrong(self):
        ways = LINE | {"b": {"to": ["a"], "may": [], "open": False}}
        found = find("termination", workflow(ways={"team": ways}))

        assert found.verdict is Verdict.WRONG
        assert found.message.startswith("team/a, team/b always lead back to themselves")
        assert "no way leads to an end" not in found.message

    def test_what_never_ends_is_wrong(self):
        ways = LINE | {"b": {"to": [], "may": ["a"], "open": False}}
        found = find("termination", workflow(ways={"": ways}))

        assert found.verdict is Verdict.WRONG
        assert found.message == "From a, b no way leads to an end."

    def test_what_no_declared_way_leads_to_and_open_choices_are_for_a_person_to_weigh(self):
        ways = {
            "": LINE | {"lost": {"to": ["b"], "may": [], "open": False}},
            "team": LINE | {"b": {"to": [], "may": [], "open": True}},
        }
        found = find("termination", workflow(ways=ways))

        assert found.verdict is Verdict.NOTE
        assert "Nothing declared leads to lost" in found.message
        assert "What team/b choose may be any node" in found.message

    def test_a_function_says_nothing_of_its_ways(self):
        found = find("termination", workflow(ways={"": None}))

        assert found.verdict is Verdict.NOTE
        assert found.message.startswith("It is a function")
        assert found.found == {"": None}

    def test_a_card_of_an_older_worker_says_so(self):
        assert find("termination", workflow(ways={})).verdict is Verdict.NOTE


class TestLimit:
    def test_the_setting_holds_where_the_graph_brings_none(self):
        assert find("recursion limit", workflow()).message == "100 supersteps a run, the setting's."
        own = find("recursion limit", workflow(limit=7))
        assert own.message == "7 supersteps a run, the graph's own."
        assert own.found["limit"] == 7

    def test_a_way_longer_than_the_limit_is_wrong(self):
        found = find("recursion limit", workflow(), limit=1)

        assert found.verdict is Verdict.WRONG
        assert "The shortest way to an end takes 2" in found.message

    @pytest.mark.parametrize(
        ("steps", "verdict"), [(79, Verdict.OK), (80, Verdict.NOTE), (100, Verdict.NOTE)]
    )
    def test_a_run_that_came_near_it_is_for_a_person_to_weigh(self, steps, verdict):
        seen = Extremes(most_steps=steps, most_steps_run_id="r1")
        found = find("recursion limit", workflow(), seen)

        assert found.verdict is verdict
        assert f"At most {steps} were taken by one run so far." in found.message
        assert found.found["most_steps_run_id"] == "r1"

    def test_runs_that_ran_into_it_are_wrong(self):
        found = find("recursion limit", workflow(ways={"": None}), Extremes(limit_hits=3))

        assert found.verdict is Verdict.WRONG
        assert "3 of the newest failed runs ran into it." in found.message
        assert "Raise it" in found.message


class TestEffects:
    def test_nodes_are_marked_or_unknown(self):
        policy = {"node": {"a": {"side_effects": True}, "b": {"side_effects": False}}}
        found = find("side effects", workflow(nodes=("a", "b", "c"), policy=policy))

        assert found.verdict is Verdict.NOTE
        assert found.found == {"with": ["a"], "without": ["b"], "unknown": ["c"]}
        assert found.message.startswith("With side effects: a. Not marked: c.")

    def test_a_default_marks_all_that_are_no_graphs(self):
        given = workflow(
            nodes=("team", "team/a", "sub"),
            kinds=("sub",),
            policy={"default": {"side_effects": False}},
        )
        found = find("side effects", given)

        assert found.verdict is Verdict.OK
        assert found.found == {"with": [], "without": ["team/a"], "unknown": []}


class TestSize:
    def test_nothing_stored_is_said(self):
        assert find("state size", workflow()).message == "Nothing of it has been stored yet."

    @pytest.mark.parametrize(("more", "verdict"), [(0, Verdict.OK), (1, Verdict.NOTE)])
    def test_the_largest_is_named(self, more, verdict):
        size = LARGE_STATE_BYTES + more
        seen = Extremes(
            threads_count=3,
            largest_bytes=size,
            largest_thread_id="t1",
            largest_checkpoint_id="c1",
        )
        found = find("state size", workflow(), seen)

        assert found.verdict is verdict
        assert f"The largest of the newest 3 threads: {size:,} bytes at checkpoint c1 of t1." in (
            found.message
        )
        assert found.found["largest_bytes"] == size


class TestTools:
    def test_none_are_seen(self):
        assert find("tools", workflow()).message == "No node calls tools that can be seen."

    def test_each_is_told_with_its_arguments(self):
        tools = {"": {"pay": {"properties": {"to": {}, "amount": {}}}}, "team": {"odd": None}}
        found = find("tools", workflow(tools=tools))

        assert found.verdict is Verdict.NOTE
        assert "the graph: pay(amount, to)." in found.message
        assert "Nothing can be said of what odd takes." in found.message
        assert found.found["tools"][0] == {
            "graph": "",
            "tool": "pay",
            "arguments": ["amount", "to"],
            "is_known": True,
        }

    def test_many_are_counted(self):
        tools = {"": {f"t{n}": {} for n in range(MOST_NAMED + 2)}}

        assert find("tools", workflow(tools=tools)).message.endswith("And 2 more.")

    def test_long_lists_of_nodes_are_counted(self):
        nodes = tuple(f"n{n:02}" for n in range(MOST_NAMED + 2))

        assert "n19 and 2 more." in find("side effects", workflow(nodes=nodes)).message
