"""Breakers that several nodes and tools share by name: their rules are written once and hold for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from interlock.core.errors import FieldProblem
from interlock.core.model.policies import BreakerRules, NodePolicy, ToolPolicy, WorkflowPolicy
from interlock.core.model.policy_files import dotted

Part = TypeVar("Part", NodePolicy, ToolPolicy)


def join(
    policies: Mapping[str, WorkflowPolicy],
) -> tuple[dict[str, WorkflowPolicy], dict[str, list[FieldProblem]]]:
    """
    Give every mention of a breaker's name the rules that are written at one of them.

    Returns:
        The policies by workflow, and what is wrong, by workflow too: two mentions that say something
        different. The one that is read first holds.
    """
    rules: dict[str, BreakerRules] = {}
    first: dict[str, str] = {}
    problems: dict[str, list[FieldProblem]] = {}
    for workflow, policy in policies.items():
        for place, each in _find(workflow, policy):
            if each.name is None or each.model_fields_set <= {"name"}:
                continue
            known = rules.setdefault(each.name, each)
            where = first.setdefault(each.name, place)
            if known != each:
                reason = f"says something else of the breaker {each.name!r} than {where}"
                problems.setdefault(workflow, []).append(FieldProblem(place, reason))
    return {name: _with_rules(policy, rules) for name, policy in policies.items()}, problems


def _find(workflow: str, policy: WorkflowPolicy) -> Iterator[tuple[str, BreakerRules]]:
    nodes = [(("node", path), node) for path, node in policy.node.items()]
    default = [(("default",), policy.default)] if policy.default is not None else []
    for keys, node in [*nodes, *default]:
        if node.breaker is not None:
            yield dotted("workflow", workflow, *keys, "breaker"), node.breaker
        for name, tool in node.tool.items():
            if tool.breaker is not None:
                yield dotted("workflow", workflow, *keys, "tool", name, "breaker"), tool.breaker


def _with_rules(policy: WorkflowPolicy, rules: Mapping[str, BreakerRules]) -> WorkflowPolicy:
    nodes = {path: _node_with_rules(node, rules) for path, node in policy.node.items()}
    default = policy.default and _node_with_rules(policy.default, rules)
    changed = {key: value for key, value in (("node", nodes), ("default", default)) if value}
    return policy.model_copy(update=changed)


def _node_with_rules(node: NodePolicy, rules: Mapping[str, BreakerRules]) -> NodePolicy:
    tools = {name: _part_with_rules(tool, rules) for name, tool in node.tool.items()}
    node = node.model_copy(update={"tool": tools} if tools else {})
    return _part_with_rules(node, rules)


def _part_with_rules(part: Part, rules: Mapping[str, BreakerRules]) -> Part:
    shared = rules.get(part.breaker.name or "") if part.breaker is not None else None
    return part if shared is None else part.model_copy(update={"breaker": shared})
