"""A workflow as its worker published it: enough to draw, launch and explain it without its code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from interlock.core.types import Json


@dataclass(frozen=True, kw_only=True)
class WorkflowName:
    """What lists of workflows to choose from need; `error` is why it failed to load, else None."""

    name: str
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Workflow(WorkflowName):
    """
    One graph of the project's langgraph.json, whole.

    Shapes: `nodes` are node paths ("team/researcher" for nested ones); `graph` is
    {"nodes": [{"id", "label", "kind"}], "edges": [{"source", "target", "label", "conditional"}]},
    kind one of start, end, node, subgraph; ids are node paths. An error handler has "paths", beneath
    which its runs are recorded: those of the nodes it serves, each followed by its own name.
    Beside them it has "ways" and "recursion_limit", which `workflow_checks` reads.
    `tools` is {path of the graph that holds them: {tool name: JSON Schema of its arguments}}, the path
    "" for the graph itself, or None; the schema is None where there is a tool of which nothing can be said.
    `policy` is what interlock.toml says of it, as JSON with the file's own keys, or None.
    Of one that failed to load everything but `error` is empty.
    """

    description: str
    nodes: tuple[str, ...]
    graph: Mapping[str, Json]
    input_schema: Json
    context_schema: Json
    state_schema: Json
    channels: tuple[str, ...]
    published_at: datetime
    tools: Json = None
    policy: Json = None


def tools_around(tools: Json, node: str) -> dict[str, Json]:
    """
    The tools that a question of a node may be about.

    Args:
        tools: As a workflow has them.
        node: Path of the node that asks.

    Returns:
        The schemas by name: of the graph that the node is in, then of those around it, then of any
        other, if that one is the only one of its name. A tool of which nothing can be said ends the
        search for its name: another one would be another tool.
    """
    scopes = tools if isinstance(tools, dict) else {}
    around = [path for path in scopes if not path or f"{node}/".startswith(f"{path}/")]
    elsewhere = [found for path in scopes if path not in around for found in scopes[path].items()]
    names = [name for name, _ in elsewhere]
    found = {name: schema for name, schema in elsewhere if names.count(name) == 1}
    for path in sorted(around, key=len):
        found |= scopes[path]
    return {name: schema for name, schema in found.items() if schema is not None}
