"""Carrying out what the card of a breakpoint or a failure decided: go on, edit the state, fall back, skip, stop."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple, copy_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.graph.message import add_messages
from langgraph.types import Command, Overwrite, StateSnapshot, StateUpdate
from pydantic import TypeAdapter

from interlock.core.graphs.falling_back import order_fallback
from interlock.core.graphs.heads import Reading, has_own_update, read_own_update
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.schemas import adds_messages
from interlock.core.graphs.skipping import skip_failed
from interlock.core.graphs.tasks import is_finished
from interlock.core.types import CheckpointId, Json

END_NODE = "__end__"
COUNTERS = "counters_since_delta_snapshot"  # of LangGraph: a copy has the same values
_NOTHING = object()
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
    update = _read_edit(graph, verb)
    return Command(update=update) if update else None


async def make_mending_input(
    graph: AnyGraph,
    config: RunnableConfig,
    verb: Mapping[str, Json],
    reading: Reading | None,
    card_checkpoint_id: str | None,
) -> Any:
    """
    What the graph is sent to go on where it failed: an edit, or nothing. Made twice it is made once.

    As LangGraph takes one update a step, a second edit at the same place starts from a copy of the
    checkpoint. So does an edit where an unfinished task has asked: it would ask about the new state
    under the old question's id, or use the answer given for the old state without a question.
    """
    if verb.get("verb") != "edit" or reading is None:
        return None
    edit, head = _read_edit(graph, verb), reading.head
    card_config: RunnableConfig = {
        **config,
        "configurable": {**config["configurable"], "checkpoint_id": card_checkpoint_id},
    }
    before = await read_own_update(graph, card_config)
    if head.checkpoint_id != card_checkpoint_id:  # on the copy
        is_made = await has_own_update(graph, reading)
        return None if is_made else Command(update={**before, **edit})
    if all(_is_same(before.get(name, _NOTHING), edit[name]) for name in edit):
        return None
    if before or _has_asked(reading):
        await copy_point(graph, config)
    return Command(update={**before, **edit})


def _has_asked(reading: Reading) -> bool:
    state = reading.state
    unfinished = [task.id for task in state.tasks if not is_finished(task, state)]
    asked = [interrupt.namespace for interrupt in reading.head.interrupts]
    return any(task_id in namespace for task_id in unfinished for namespace in asked)


async def copy_point(graph: AnyGraph, config: RunnableConfig) -> CheckpointId:
    """
    Copy a checkpoint, the head unless the config names one, so that its tasks start from there again.

    As `update_state` does it for `__copy__`, beside what it copies, but with the run's id, by which a
    delivery knows its own.
    """
    saver: Any = graph.checkpointer
    saved: CheckpointTuple = await saver.aget_tuple(config)
    step = saved.metadata.get("step", -1) + 1
    copy = copy_checkpoint(saved.checkpoint)
    copy["id"], copy["ts"] = str(uuid6(clock_seq=step)), datetime.now(UTC).isoformat()
    kept = {k: v for k, v in saved.metadata.items() if k in {"parents", COUNTERS}}
    thread_id = config["configurable"]["thread_id"]
    parent = saved.parent_config or {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
    metadata: Any = {"parents": {}, **kept, "source": "fork", "step": step}
    await saver.aput({**parent, "metadata": config["metadata"]}, copy, metadata, {})
    return CheckpointId(copy["id"])


def _read_edit(graph: AnyGraph, verb: Mapping[str, Json]) -> dict[str, Any]:
    values = verb.get("values") or {}
    return {name: replacing(graph.channels.get(name), value) for name, value in values.items()}


def _is_same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001  a type that cannot be compared: the edit is made again
        return False


async def write_checkpoint(
    graph: AnyGraph,
    config: RunnableConfig,
    verb: Mapping[str, Json],
    reading: Reading | None,
    *,
    is_after_failure: bool = False,
) -> bool:
    """Carry out a verb that changes where the thread stands; False if this one does not."""
    word = verb.get("verb")
    if word == "fallback":
        await order_fallback(graph, config, str(verb.get("node")))
        return False
    if word == "skip" and is_after_failure:
        await skip_failed(graph, config, str(verb.get("skips")))
    elif word == "skip" and reading is not None:
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
    restored = restore(channel, value)
    return Overwrite(restored) if type(channel).__name__ in REDUCING else restored


def restore(channel: Any, value: Json) -> Any:
    """JSON as the type of a channel, where it can be made that."""
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
