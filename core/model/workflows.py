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
    kind one of start, end, node, subgraph; ids are node paths.
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
