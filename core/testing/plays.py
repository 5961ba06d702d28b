"""
One play of a graph with a human: what is sent, what was asked and answered, and how it ended.

Does no I/O: `playing` runs the graph, in step or on a loop, and tells what came of it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.errors import GraphRecursionError, is_invalid_resume
from langgraph.pregel import Pregel
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, Overwrite, StateSnapshot, StateUpdate
from pydantic import TypeAdapter

from interlock.core.errors import InvalidInput
from interlock.core.model.approvals import Intent, Verb
from interlock.core.testing import cards, humans
from interlock.core.testing.cards import AnyGraph, Card
from interlock.core.testing.failures import Failed, NeverEnds
from interlock.core.testing.humans import Session
from interlock.core.testing.tracks import Track
from interlock.core.types import Json

MAX_ROUNDS = 50
RECURSION_LIMIT = 100  # supersteps; as in the product, where LangGraph's own is 10 000
STRICT_RESUME = "__pregel_strict_resume"  # an answer reaches its own question or none
END_NODE = "__end__"
THREAD_ID = "test"

Write = tuple[RunnableConfig, list[StateUpdate]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One card, what was decided on it, and the answer that the graph got."""

    card: Card
    intent: Intent
    answer: Json

    @property
    def title(self) -> str:
        """The card's title."""
        return self.card.title

    @property
    def node(self) -> str:
        """The path of the node that asked."""
        return self.card.node


@dataclass(frozen=True, kw_only=True)
class Played:
    """
    How a graph was played.

    Args:
        values: The state at the end, or where it failed; what an entrypoint returned.
        path: The nodes that ran, by path ("refund/pay"), in order: those of one step in the order of
            LangGraph's tasks, what ran in a subgraph right behind its node. A node that was held
            by a question and went on ran once; one served by a cache did not run.
        questions: What was asked, with the answers.
        error: What the graph raised, or None.
        is_stopped: Whether the human stopped it at a breakpoint.
    """

    values: Any
    path: tuple[str, ...]
    questions: tuple[Asked, ...]
    error: Exception | None = None
    is_stopped: bool = False

    @property
    def times(self) -> dict[str, int]:
        """How often each node ran."""
        return dict(Counter(self.path))

    def or_raise(self) -> Self:
        """Itself, where the graph did not fail; else its error."""
        if self.error is not None:
            raise self.error
        return self


class Play:
    """A play under way. `graph`, `config` and `input` are what to run next, while `goes_on`."""

    def __init__(
        self,
        graph: AnyGraph,
        graph_input: Any,
        session: Session,
        *,
        config: Mapping[str, Any] | None,
        max_rounds: int,
    ) -> None:
        require_compiled(graph)
        self.graph = equip(graph)
        self.config: RunnableConfig = _configure(graph, config)
        self.input = graph_input
        self.goes_on = True
        self.track = Track()
        self._session = session
        self._max_rounds = max_rounds
        self._round_count = 0
        self._asked: list[Asked] = []
        self._values: Any = None
        self._error: Exception | None = None
        self._is_stopped = False

    def begin_round(self) -> None:
        """The graph is about to be sent something."""
        if self._round_count == self._max_rounds:
            last = ", ".join(str(asked.card) for asked in self._asked[-3:])
            raise NeverEnds(
                f"The graph has not ended after {self._max_rounds} rounds; it asked last: {last}.",
                hint="If that is as it should be, give a higher max_rounds.",
            )
        self._round_count += 1

    def fail(self, error: Exception) -> None:
        """The graph raised."""
        if isinstance(error, Failed):
            raise error
        if isinstance(error, GraphRecursionError):
            raise NeverEnds(
                f"The graph took too many steps without an end; it was last at: "
                f"{', '.join(self.track.last)}.",
                hint="If that is as it should be, give config={'recursion_limit': ...}.",
            ) from error
        if is_invalid_resume(error):
            cards_sent = "; ".join(str(asked.card) for asked in self._asked[-3:])
            raise InvalidInput(f"The graph refused an answer ({cards_sent}): {error}") from error
        self._error = error

    def settle(self, state: StateSnapshot) -> list[Write]:
        """
        Decide what is next by the state that a round came to.

        Returns:
            What is to be written before the graph goes on, or ends: a skip or a stop at a breakpoint.
        """
        self._values = state.values
        waiting = cards.read_cards(self.graph, state, self.track.askers)
        if self._error is not None or not waiting:
            self.goes_on = False
            return []
        decided = [(card, *humans.decide(self._session, card)) for card in waiting]
        self._asked += [Asked(card=c, intent=i, answer=answer) for c, i, answer in decided]
        if waiting[0].interrupt_id is not None:
            self.input = Command(resume={c.interrupt_id: answer for c, _, answer in decided})
            return []
        return self._go_past(state, decided[0][2])

    def settle_skip(self, state: StateSnapshot) -> None:
        """A skip or a stop was written; is there anything left to run?"""
        self._values = state.values
        self.goes_on = bool(state.next) and not self._is_stopped

    def end(self) -> Played:
        """How it was played."""
        if self._error is None and not self._is_stopped:
            self._session.finish()
        return Played(
            values=self._values,
            path=self.track.path,
            questions=tuple(self._asked),
            error=self._error,
            is_stopped=self._is_stopped,
        )

    def _go_past(self, state: StateSnapshot, answer: Json) -> list[Write]:
        self.input = None
        verb, values = answer["verb"], answer["values"]
        if verb == Verb.EDIT:
            channels = self.graph.channels
            self.input = Command(update={n: _replacing(channels[n], v) for n, v in values.items()})
        if verb == Verb.STOP:
            self._is_stopped = True
            return [(self.config, [StateUpdate(None, as_node=END_NODE)])]
        if verb == Verb.SKIP:
            return [
                (self._config_of(place), [StateUpdate(None, as_node=name) for name in place.next])
                for place in cards.find_places(state)
            ]
        return []

    def _config_of(self, place: StateSnapshot) -> RunnableConfig:
        configurable = {**self.config["configurable"], **place.config["configurable"]}
        return {**self.config, "configurable": configurable}


def require_compiled(graph: Any) -> None:
    """Refuse what cannot be run, such as a builder."""
    if not isinstance(graph, Pregel):
        raise InvalidInput(
            f"This is no compiled graph but a {type(graph).__name__}.",
            hint="Give what `builder.compile()`, `create_agent(...)` or `@entrypoint()` made.",
        )


def equip(graph: AnyGraph) -> AnyGraph:
    """
    A graph that can be held: itself, or a copy with a saver and a store in memory.

    Source: facts langgraph 4: `copy()` drops attributes that were set after construction.
    """
    missing: dict[str, Any] = {}
    if not isinstance(graph.checkpointer, BaseCheckpointSaver):
        missing["checkpointer"] = memory_saver()
    if graph.store is None:
        missing["store"] = InMemoryStore()
    return copy_graph(graph, missing) if missing else graph


def memory_saver() -> InMemorySaver:
    """A saver that restores every class, also where LangGraph was told to be strict about them."""
    return InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=True))


def copy_graph(graph: AnyGraph, update: dict[str, Any]) -> AnyGraph:
    """The same graph with something different in it; the user's object stays as it is."""
    copied = graph.copy(update)
    for name, value in vars(graph).items():
        if name.startswith("_") and vars(copied).get(name, vars) is not value:
            setattr(copied, name, value)
    return copied


def _configure(graph: AnyGraph, given: Mapping[str, Any] | None) -> Any:
    config = dict(given or {})
    # A saver of the user's may hold other threads; on ours the same id makes runs alike.
    has_saver = isinstance(graph.checkpointer, BaseCheckpointSaver)
    thread_id = str(uuid.uuid4()) if has_saver else THREAD_ID
    configurable = {"thread_id": thread_id, STRICT_RESUME: True, **config.get("configurable", {})}
    if "recursion_limit" not in (graph.config or {}):
        config.setdefault("recursion_limit", RECURSION_LIMIT)
    config["configurable"] = configurable
    return config


def needs_loop(graph: AnyGraph) -> bool:
    """Whether a node or a tool of the graph can only be awaited."""
    inner = [part for _, part in graph.get_subgraphs(recurse=True)]
    bounds = [node.bound for part in (graph, *inner) for node in _nodes_of(part)]
    return any(_is_async_only(held) for bound in bounds for held in (bound, *_tools_of(bound)))


def _nodes_of(graph: Any) -> Sequence[Any]:
    return list(getattr(graph, "nodes", {}).values())


def _tools_of(bound: Any) -> Sequence[Any]:
    return list(getattr(bound, "tools_by_name", {}).values())


def _is_async_only(held: Any) -> bool:
    called: list[Callable[..., Any] | None] = [
        getattr(held, name, None) for name in ("afunc", "coroutine")
    ]
    return getattr(held, "func", None) is None and any(each is not None for each in called)


def _replacing(channel: Any, value: Json) -> Any:
    """The value of an edit: of the channel's type where it can be made that, in place of what is there."""
    with suppress(Exception):  # a type that pydantic cannot describe takes what it is given
        value = TypeAdapter(channel.typ).validate_python(value)
    is_reduced = type(channel).__name__ in {"BinaryOperatorAggregate", "DeltaChannel"}
    return Overwrite(value) if is_reduced else value
