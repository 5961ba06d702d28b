from __future__ import annotations

import pytest

from interlock.core.model.policies import WorkflowPolicy
from interlock.core.model.policy_checks import find_unknown

NODES = ("plan", "offline", "team", "team/writer", "team/tools")
TOOLS = {"": frozenset({"pay"}), "team": frozenset({"search", "fetch"})}


def find(policy, nodes=NODES):
    found = find_unknown("desk", WorkflowPolicy.model_validate(policy), nodes=nodes, tools=TOOLS)
    return [str(problem) for problem in found]


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"node": {"plan": {"fallback": [{"node": "offline"}, {"value": 1}]}}},
        {"node": {"team/tools": {"tool": {"search": {}}}}},
        {"approval": {"team/writer": {"risk": "low"}, "plan/called inside": {"risk": "high"}}},
    ],
)
def test_a_policy_that_fits_has_no_problem(policy):
    assert find(policy) == []


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (
            {"node": {"writer": {}}},
            (
                "workflow.desk.node.writer: the graph has no such node; it has"
                " offline, plan, team, team/tools, team/writer"
            ),
        ),
        (
            {"node": {"team/writer": {"fallback": [{"value": 1}, {"node": "plan"}]}}},
            (
                'workflow.desk.node."team/writer".fallback[1].node: the graph around it has no such'
                " node; it has tools, writer"
            ),
        ),
        (
            {"node": {"team/tools": {"tool": {"pay": {}}}}},
            (
                'workflow.desk.node."team/tools".tool.pay: no such tool is known here; there are'
                " fetch, search"
            ),
        ),
        (
            {"approval": {"team2": {}}},
            (
                "workflow.desk.approval.team2: the graph has no such node; it has"
                " offline, plan, team, team/tools, team/writer"
            ),
        ),
    ],
)
def test_what_the_graph_has_not_is_told_with_what_it_has(policy, problem):
    assert find(policy) == [problem]


def test_of_a_large_graph_some_nodes_are_named():
    [problem] = find({"node": {"x": {}}}, [f"n{i:03}" for i in range(100)])
    assert problem.endswith("n038, n039 and 60 more")
    assert find({"node": {"x": {}}}, [])[0].endswith("it has none")
