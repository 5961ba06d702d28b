"""What a graph asks, as a card: read from a state of LangGraph as the product reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.types import StateSnapshot

from interlock.core.model import payloads
from interlock.core.model.questions import Question
from interlock.core.testing.values import as_json
from interlock.core.types import Json

AnyGraph = Pregel[Any, Any, Any, Any]


@dataclass(frozen=True, kw_only=True)
class Card(Question):
    """
    One question to a human: title, kind, allowed verbs, actions, schema, and where it comes from.

    Args:
        node: The path of the node that asks ("refund/review" inside a subgraph), or of those that a
            breakpoint holds, by commas.
        payload: What was passed to `interrupt(...)`, as JSON; of a breakpoint `{"next": [...]}`.
        interrupt_id: LangGraph's id of the interrupt; None for a breakpoint.
    """

    node: str
    payload: Json
    interrupt_id: str | None = None

    def __str__(self) -> str:
        return f'"{self.title}" of {self.node}'


def read_cards(
    graph: AnyGraph, state: StateSnapshot, asked_by: Mapping[str, str]
) -> tuple[Card, ...]:
    """
    The cards a thread waits for: its interrupts in the order of the tasks, or else its breakpoint.

    Args:
        graph: The graph.
        state: Its newest state, with its subgraphs.
        asked_by: The path of the node that asked, by id of the interrupt.
    """
    tools = _describe_tools(graph) if state.interrupts else {}
    cards = []
    for interrupt in state.interrupts:
        node = asked_by.get(interrupt.id, "")
        payload = as_json(interrupt.value)
        schema = getattr(interrupt, "response_schema", None)
        question = payloads.read_interrupt(payload, schema, node=node, tools=tools)
        cards.append(_card(question, node=node, payload=payload, interrupt_id=interrupt.id))
    if cards or not state.next:
        return tuple(cards)
    due = [path for path, _ in _walk(state, "")]
    question = payloads.read_breakpoint(due, state_schema=_describe_state(graph))
    return (_card(question, node=", ".join(due), payload={"next": due}, interrupt_id=None),)


def find_places(state: StateSnapshot) -> list[StateSnapshot]:
    """The states that hold what is due: those of the innermost subgraphs that have begun."""
    return list({id(place): place for _, place in _walk(state, "")}.values())


def _walk(state: StateSnapshot, around: str) -> Iterator[tuple[str, StateSnapshot]]:
    """Each node that is due, by its path, with the state that it is due in."""
    for task in state.tasks:
        if task.name not in state.next:
            continue
        path = f"{around}/{task.name}" if around else task.name
        inner = task.state
        if isinstance(inner, StateSnapshot) and inner.metadata is not None and inner.next:
            yield from _walk(inner, path)
        else:
            yield path, state


def _card(question: Question, *, node: str, payload: Json, interrupt_id: str | None) -> Card:
    asked = {field.name: getattr(question, field.name) for field in fields(Question)}
    return Card(**asked, node=node, payload=payload, interrupt_id=interrupt_id)


def _describe_state(graph: AnyGraph) -> Json:
    """The fields that an edit at a breakpoint may name; their types are asked when it is written."""
    return {
        "type": "object",
        "properties": {name: {} for name in graph.stream_channels_list},
        "additionalProperties": False,
    }


def _describe_tools(graph: AnyGraph) -> dict[str, Json]:
    """The schemas of the arguments of the tools that nodes run; of two of one name neither is known."""
    found: dict[str, dict[int, BaseTool]] = {}
    inner = [part for _, part in graph.get_subgraphs(recurse=True) if isinstance(part, Pregel)]
    for part in (graph, *inner):
        for node in part.nodes.values():
            if isinstance(node.bound, ToolNode):
                for name, tool in node.bound.tools_by_name.items():
                    found.setdefault(name, {})[id(tool)] = tool
    alone = {name: next(iter(each.values())) for name, each in found.items() if len(each) == 1}
    return {name: _describe(tool) for name, tool in alone.items()}


def _describe(tool: BaseTool) -> Json:
    given: Any = tool.tool_call_schema
    return given if isinstance(given, dict) else given.model_json_schema()
