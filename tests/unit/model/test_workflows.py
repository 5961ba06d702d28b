"""Which of a workflow's tools a question of a node may be about."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.core.model.workflows import tools_around

A, B, C = {"title": "a"}, {"title": "b"}, {"title": "c"}


@pytest.mark.parametrize(
    ("tools", "node", "found"),
    [
        (None, "n", {}),
        ({"": {"send": A}}, "n", {"send": A}),
        ({"": {"send": A}, "team": {"send": B}}, "n", {"send": A}),
        ({"": {"send": A}, "team": {"send": B}}, "team/n", {"send": B}),
        ({"": {"send": A}, "team": {"send": B}}, "teams/n", {"send": A}),
        ({"": {"pay": A}, "team": {"send": B}}, "team/n", {"pay": A, "send": B}),
        ({"a": {"send": A}, "a/b": {"send": B}}, "a/b/n", {"send": B}),
        ({"a/b": {"send": B}, "a": {"send": A}}, "a/b/n", {"send": B}),
        ({"team": {"send": B}}, "team", {"send": B}),
    ],
)
def test_the_graph_that_a_node_is_in_comes_before_those_around_it(
    tools: Any, node: str, found: Any
) -> None:
    assert tools_around(tools, node) == found


def test_a_tool_of_another_graph_counts_if_it_is_the_only_one_of_its_name() -> None:
    tools = {"a": {"send": A, "pay": A}, "b": {"send": B, "pay": A}, "c": {"erase": C}}
    assert tools_around(tools, "n") == {"erase": C}
    assert tools_around(tools, "b/n") == {"send": B, "pay": A, "erase": C}


@pytest.mark.parametrize(
    ("tools", "node", "found"),
    [
        ({"": {"send": None}, "team": {"send": B}}, "n", {}),
        ({"": {"send": A}, "team": {"send": None}}, "team/n", {}),
        ({"": {"send": A}, "team": {"send": None}}, "n", {"send": A}),
        ({"a": {"send": A}, "b": {"send": None}}, "n", {}),
        ({"a": {"send": None, "pay": A}}, "n", {"pay": A}),
    ],
)
def test_a_tool_that_nobody_could_describe_is_not_taken_for_another_of_its_name(
    tools: Any, node: str, found: Any
) -> None:
    assert tools_around(tools, node) == found
