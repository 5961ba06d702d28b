"""The keys of an interlock.toml that are read and checked, and that nothing acts on in this version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from interlock.core.errors import FieldProblem
from interlock.core.model.policies import (
    NodePolicy,
    ToolPolicy,
    WorkflowPolicy,
)
from interlock.core.model.policy_files import dotted

_REASON = "is read, and has no effect in this version"
_OF_TOOL = ("sandbox",)


def find_gaps(workflows: Mapping[str, WorkflowPolicy]) -> list[FieldProblem]:
    """Where the policies ask for something that nobody will do; a limit must not seem to hold."""
    return [FieldProblem(place, _REASON) for place in _find(workflows)]


def _find(workflows: Mapping[str, WorkflowPolicy]) -> Iterator[str]:
    for name, policy in workflows.items():
        for path, node in policy.node.items():
            yield from _find_in_node(node, "workflow", name, "node", path)
        if policy.default is not None:
            yield from _find_in_node(policy.default, "workflow", name, "default")


def _find_in_node(node: NodePolicy, *place: str) -> Iterator[str]:
    for name, tool in node.tool.items():
        yield from _set_in(tool, _OF_TOOL, *place, "tool", name)


def _set_in(part: ToolPolicy, keys: tuple[str, ...], *place: str) -> Iterator[str]:
    return (dotted(*place, key) for key in keys if getattr(part, key))
