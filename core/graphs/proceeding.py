"""Carrying out what a breakpoint's card decided: go on, edit the state, skip the nodes, stop."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.message import add_messages
from langgraph.types import Command, Overwrite, StateSnapshot, StateUpdate
from pydantic import TypeAdapter

from interlock.core.graphs.heads import Reading, has_own_update
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.schemas import adds_messages
from interlock.core.types import Json

END_NODE = "__end__"
REDUCING = frozenset({"BinaryOperatorAggregate", "DeltaChannel"})  # a plain value is added there


async def make_input(graph: AnyGraph, verb: Mapping[str, Json], reading: Reading | None) -> Any:
    """
    What the graph is sent to go past a breakpoint: an edit, or nothing.

    An edit goes along with the step it leads into instead of being a step of its own:
    `update_state` would have to name the node that the edit comes from, which is ambiguous where
    several nodes ran last, and takes what the others triggered out of what is due.
    """
    if verb.get("verb") != "edit" or reading is None or await has_own_update(graph, reading):
        return None
    values = verb.get("values") or {}
    update = {name: replacing(graph.channels.get(name), value) for name, value in values.items()}
    return Command(update=update) if update else None


async def write_checkpoint(
    graph: AnyGraph, config: RunnableConfig, verb: Mapping[str, Json], reading: Reading | None
) -> bool:
    """Carry out a verb that makes a checkpoint of its own; False if this one makes none."""
    word = verb.get("verb")
    if word == "skip" and reading is not None:
        for place in reading.places:
            inner: RunnableConfig = {**config, "configurable": place.state.config["configurable"]}
            await _skip(graph, inner, place.state)
        if not reading.places:
            await _skip(graph, config, reading.state)
    elif word == "stop":
        await graph.aupdate_state(config, None, as_node=END_NODE)
    else:
        return False
    return True


async def _skip(graph: AnyGraph, config: RunnableConfig, state: StateSnapshot) -> None:
    updates = [StateUpdate(None, as_node=name) for name in state.next]
    await graph.abulk_update_state(config, [updates])


def replacing(channel: Any, value: Json) -> Any:
    """
    The value that puts `value` in the place of what stands in a channel (law 6).

    JSON is made the channel's type where that can be done, as a reducer would have done it.
    """
    restored = _restore(channel, value)
    return Overwrite(restored) if type(channel).__name__ in REDUCING else restored


def _restore(channel: Any, value: Json) -> Any:
    if adds_messages(channel):
        return _restore_messages(value)
    kind = getattr(channel, "typ", None)
    if kind is None or kind is Any:
        return value
    try:
        return _validate(kind, value)
    except Exception:  # noqa: BLE001  a type that pydantic cannot describe takes what it is given
        return value


def _restore_messages(value: Json) -> Any:
    """Messages, whatever the state says of them; they may be written in short (`["user", "hello"]`)."""
    with suppress(Exception):  # in short: then the reducer makes messages of them
        value = _validate(list[AnyMessage], value)
    try:
        return add_messages([], value)
    except Exception:  # noqa: BLE001  the node will say what is wrong with it
        return value


def _validate(kind: Any, value: Json) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pydantic, about what a user's type is made of
        return TypeAdapter(kind).validate_python(value)
