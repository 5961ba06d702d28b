"""What a policy names against what the loaded graph holds: nodes, tools, fallbacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from interlock.core.errors import FieldProblem
from interlock.core.model.policies import NodePolicy, WorkflowPolicy
from interlock.core.model.policy_files import dotted

_MOST_NAMED = 40  # a graph with more nodes is better looked at than read as a list


def find_unknown(
    name: str,
    policy: WorkflowPolicy,
    *,
    nodes: Collection[str],
    tools: Mapping[str, Collection[str]],
) -> list[FieldProblem]:
    """
    Find what a policy names and the graph does not have.

    Args:
        name: The workflow's.
        policy: Its policy.
        nodes: The paths of the graph's nodes, those of nested graphs included.
        tools: The names of the tools by the path of the graph that holds them, "" for the graph itself.

    Returns:
        One problem a name, which lists what there is.
    """
    return [FieldProblem(path, reason) for path, reason in _find(name, policy, nodes, tools)]


def find_risks(policies: Mapping[str, WorkflowPolicy]) -> list[FieldProblem]:
    """What policies may lead to that their author should know of; nothing is refused for it."""
    return [
        FieldProblem(
            dotted("workflow", name, "outage"),
            f'on = "memory", and side_effects = true of {_list(acting)}: if the worker ends while the'
            " database is away, what was done outside since the last stored step is done again",
        )
        for name, policy in policies.items()
        if policy.goes_on_in_memory and (acting := _find_acting(policy))
    ]


def _find_acting(policy: WorkflowPolicy) -> list[str]:
    named = {**policy.node, **({} if policy.default is None else {"default": policy.default})}
    return [
        path
        for path, node in named.items()
        if node.side_effects or any(tool.side_effects for tool in node.tool.values())
    ]


def _find(
    name: str,
    policy: WorkflowPolicy,
    nodes: Collection[str],
    tools: Mapping[str, Collection[str]],
) -> Iterator[tuple[str, str]]:
    for path, node in policy.node.items():
        where = dotted("workflow", name, "node", path)
        if path not in nodes:
            yield where, f"the graph has no such node; it has {_list(nodes)}"
            continue
        around = path.rpartition("/")[0]
        yield from _find_in_node(where, node, around, nodes, tools.get(around, ()))
    for path in policy.approval:
        # A question may come from a graph that a node calls by itself: only the node is known.
        if not any(f"{path}/".startswith(f"{node}/") for node in nodes):
            where = dotted("workflow", name, "approval", path)
            yield where, f"the graph has no such node; it has {_list(nodes)}"


def _find_in_node(
    where: str, node: NodePolicy, around: str, nodes: Collection[str], tools: Collection[str]
) -> Iterator[tuple[str, str]]:
    siblings = [path.rpartition("/")[2] for path in nodes if path.rpartition("/")[0] == around]
    for index, each in enumerate(node.fallback):
        if each.node is not None and each.node not in siblings:
            reason = f"the graph around it has no such node; it has {_list(siblings)}"
            yield f"{where}.fallback[{index}].node", reason
    for tool in node.tool:
        if tool not in tools:
            reason = f"no such tool is known here; there are {_list(tools)}"
            yield f"{where}.{dotted('tool', tool)}", reason


def _list(names: Collection[str]) -> str:
    shown = sorted(names)[:_MOST_NAMED]
    more = len(names) - len(shown)
    return f"{', '.join(shown)} and {more} more" if more else ", ".join(shown) or "none"
