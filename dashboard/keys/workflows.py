"""Keys of the page of workflows."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.dashboard.keys.making import digest, join


def workflows_table(names: Iterable[str], chosen: str) -> str:
    """The list of workflows with exactly these names, and one marked."""
    return join("workflows-table", digest([*names, chosen]))


def workflow_tools(name: str) -> str:
    """The tools of a workflow."""
    return join("workflow-tools", name)


def workflow_schema(name: str, which: str) -> str:
    """One of the schemas of a workflow."""
    return join("workflow-schema", name, which)
