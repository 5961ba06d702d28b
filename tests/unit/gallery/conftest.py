"""The gallery on bare LangGraph: no worker, no store, a saver as strict as the one Interlock uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from langgraph._internal._serde import build_serde_allowlist
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import StateGraph
from langgraph.types import Command, Interrupt

Event = tuple[str, tuple[str, ...], Any]


@pytest.fixture(autouse=True)
def _at_once_and_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_GALLERY_LATENCY_S", "0")
    monkeypatch.delenv("INTERLOCK_MODEL", raising=False)
    monkeypatch.delenv("INTERLOCK_GALLERY_FAULTS", raising=False)


def make_saver(builder: StateGraph[Any, Any, Any, Any]) -> InMemorySaver:
    """A saver that gives back the types of the graph's schemas and no other."""
    schemas = [builder.state_schema, builder.input_schema, builder.output_schema]
    schemas += [node.input_schema for node in builder.nodes.values()]
    allowed = build_serde_allowlist(schemas=schemas, channels=builder.channels)
    return InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=allowed))


class Conversation:
    """One thread of one workflow: start it, see what it asks, answer by id."""

    def __init__(self, builder: StateGraph[Any, Any, Any, Any], thread_id: str) -> None:
        self.graph = builder.compile(checkpointer=make_saver(builder))
        self.config: Any = {
            "configurable": {"thread_id": thread_id, "__pregel_strict_resume": True}
        }

    async def stream(self, value: Any) -> AsyncIterator[Event]:
        """Send an input or a command; yield (type, namespace, data)."""
        modes: Any = ["updates", "messages", "custom"]
        async for part in self.graph.astream(
            value, self.config, stream_mode=modes, subgraphs=True, version="v2"
        ):
            yield part["type"], part["ns"], part["data"]

    async def send(self, value: Any) -> list[Event]:
        """Send an input or a command and run to the end or the next question."""
        return [event async for event in self.stream(value)]

    async def answer(self, answers: Mapping[str, Any]) -> list[Event]:
        """Answer questions by their id."""
        return await self.send(Command(resume=dict(answers)))

    async def questions(self) -> list[Interrupt]:
        """Return what waits for a person, in the order of the tasks."""
        return list((await self.graph.aget_state(self.config)).interrupts)

    async def values(self) -> dict[str, Any]:
        """Return the state, read back from the saver."""
        values: dict[str, Any] = (await self.graph.aget_state(self.config)).values
        return values

    async def is_finished(self) -> bool:
        """Tell whether nothing is left to run."""
        return not (await self.graph.aget_state(self.config)).next


@pytest.fixture
def converse() -> Callable[..., Conversation]:
    def open_thread(
        builder: StateGraph[Any, Any, Any, Any], thread_id: str = "t-1"
    ) -> Conversation:
        return Conversation(builder, thread_id)

    return open_thread


@pytest.fixture
def strict_saver() -> Callable[[StateGraph[Any, Any, Any, Any]], InMemorySaver]:
    return make_saver


@pytest.fixture
def tokens_by_node() -> Callable[[list[Event]], dict[str, list[str]]]:
    """Collect the tokens of each node from a stream."""

    def collect(events: list[Event]) -> dict[str, list[str]]:
        tokens: dict[str, list[str]] = {}
        for kind, _, data in events:
            if kind == "messages" and data[0].content:
                tokens.setdefault(data[1]["langgraph_node"], []).append(data[0].content)
        return tokens

    return collect
