"""
A run's log as the stream of LangGraph's Agent Server: what a client hears in the modes it asked for.

The log has what nodes gave out, streamed messages and custom values; states only at the end of a run.
Source: langgraph_sdk.schema, `StreamMode`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from interlock.core.model.nodes import NodeStatus, RunEvent
from interlock.core.types import Json
from interlock.dashboard.views.agent_documents import assistant_id

_TYPES = {"ai": "ai", "human": "human", "tool": "tool", "system": "system", "user": "human"}
_GAVE_OUT = frozenset({NodeStatus.OK.value, NodeStatus.CACHED.value})


@dataclass(frozen=True)
class Part:
    """One event of the stream."""

    event: str
    data: Json


@dataclass
class _Message:
    """A message as far as it has been heard; `is_told`: its metadata was."""

    text: str = ""
    is_told: bool = False


@dataclass
class Stream:
    """
    Hears one run; what it hears in its log, `hear` says again in the modes asked for.

    `has_subgraphs`: what nodes of subgraphs do is heard, too, each with the path it is in.
    """

    run_id: str
    workflow: str
    modes: tuple[str, ...]
    has_subgraphs: bool = False
    _messages: dict[str, _Message] = field(default_factory=dict)
    _begun: set[tuple[str, int]] = field(default_factory=set)

    def open(self) -> Part:
        """What comes first: which run it is."""
        return Part("metadata", {"run_id": self.run_id, "attempt": 1})

    def hear(self, event: RunEvent) -> list[Part]:
        """What one entry of the log says in these modes."""
        graph, _, node = event.path.rpartition("/")
        inside = event.path if event.kind == "custom" else graph
        if inside and not self.has_subgraphs:
            return []
        data = event.data if isinstance(event.data, dict) else {}
        if event.kind == "custom":
            found = list(self._if_asked("custom", event.data))
        elif event.kind in {"node", "update"}:
            found = list(self._of_node(node, data))
        elif event.kind == "message":
            found = list(self._of_message(node, data))
        else:
            found = []
        return [_within(part, inside) for part in found]

    def close(
        self,
        *,
        status: str,
        values: Json,
        questions: Sequence[Json],
        error: Mapping[str, Json] | None,
    ) -> list[Part]:
        """
        What comes last.

        Args:
            status: How the run ended, in the server's words.
            values: The state at its end, None where there is none.
            questions: What is asked there.
            error: Why it failed, if it did.
        """
        found: list[Part] = []
        if isinstance(values, dict):
            asked = {"__interrupt__": list(questions)} if questions else {}
            found += self._if_asked("values", {**values, **asked})
        if questions:
            found += self._if_asked("updates", {"__interrupt__": list(questions)})
        if error is not None:
            found.append(Part("error", dict(error)))
        return [*found, Part("end", {"run_id": self.run_id, "status": status})]

    def _if_asked(self, mode: str, data: Json) -> Iterator[Part]:
        if mode in self.modes:
            yield Part(mode, data)

    def _of_node(self, node: str, data: Mapping[str, Json]) -> Iterator[Part]:
        task_id, status = str(data.get("task_id", "")), data.get("status", NodeStatus.OK.value)
        attempt = (task_id, data.get("attempt", 1))
        if attempt not in self._begun:
            self._begun.add(attempt)
            yield from self._chain("on_chain_start", node, data, {})
        if "output" in data:
            yield from self._if_asked("updates", {node: data["output"]})
        if status in _GAVE_OUT:
            yield from self._chain("on_chain_end", node, data, {"output": data.get("output")})

    def _chain(self, event: str, node: str, data: Mapping[str, Json], told: Json) -> Iterator[Part]:
        yield from self._if_asked(
            "events",
            {
                "event": event,
                "name": node,
                "run_id": data.get("task_id"),
                "parent_ids": [self.run_id],
                "tags": [],
                "metadata": {**self._about(node), "langgraph_step": data.get("step")},
                "data": told,
            },
        )

    def _of_message(self, node: str, data: Mapping[str, Json]) -> Iterator[Part]:
        """A piece of a message, or the whole of it once it is there."""
        name, text = str(data["id"]), str(data["text"])
        known = self._messages.setdefault(name, _Message())
        is_whole = data.get("done") is True
        known.text, rest = _extend(known.text, text, is_whole=is_whole)
        about = self._about(node)
        if not known.is_told:
            known.is_told = True
            yield from self._of_mode("messages", "messages/metadata", {name: {"metadata": about}})
        kind = _TYPES.get(str(data.get("role", "ai")), "ai")
        message = {"type": kind, "id": name, "content": known.text}
        place = "messages/complete" if is_whole else "messages/partial"
        yield from self._of_mode("messages", place, [message])
        if rest:
            piece = {**message, "content": rest}
            piece["type"] = "AIMessageChunk" if kind == "ai" else kind
            yield from self._of_mode("messages-tuple", "messages", [piece, about])
            told = {"event": "on_chat_model_stream", "name": node, "run_id": name, "tags": []}
            more = {"parent_ids": [self.run_id], "metadata": about, "data": {"chunk": piece}}
            yield from self._if_asked("events", {**told, **more})

    def _of_mode(self, mode: str, event: str, data: Json) -> Iterator[Part]:
        if mode in self.modes:
            yield Part(event, data)

    def _about(self, node: str) -> dict[str, Json]:
        return {
            "run_id": self.run_id,
            "graph_id": self.workflow,
            "assistant_id": assistant_id(self.workflow),
            "langgraph_node": node,
        }


def _extend(known: str, text: str, *, is_whole: bool) -> tuple[str, str]:
    """The message so far, and what of it was not heard before."""
    if not is_whole:
        return known + text, text
    return text, text.removeprefix(known) if text.startswith(known) else text


def _within(part: Part, inside: str) -> Part:
    return part if not inside else Part(f"{part.event}|{inside.replace('/', '|')}", part.data)
