"""
Setting a thread back: what is written before the graph goes on from another place, if anything is.

Measured (LangGraph 1.2): a run addressed at a point copies it beneath itself and lets the subgraphs
with a memory of their own go on from where they stood there, which a run at a head that we copied
would not. But a head that is itself a copy or an edit is run in place, so that its tasks would keep
their ids, and an answer of before would count for the question that is asked again (law 2).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.message import add_messages
from langgraph.types import StateSnapshot
from pydantic import BaseModel, TypeAdapter, ValidationError

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.graphs.heads import Reading
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.proceeding import END_NODE, copy_point, replacing, restore
from interlock.core.graphs.schemas import adds_messages
from interlock.core.model.history import EditMode, FieldEdit, Fork
from interlock.core.model.rewinding import RewindVerb
from interlock.core.types import CheckpointId, Json

GONE = "The point is not there any more: it may have been pruned."
RUN_IN_PLACE = frozenset({"update", "fork"})  # sources of a head that LangGraph does not copy


async def make_fork(
    graph: AnyGraph, config: RunnableConfig, fork: Fork, reading: Reading
) -> CheckpointId | None:
    """
    Write what a fork begins with, if it is not there yet.

    Args:
        graph: The prepared graph.
        config: The thread, and the metadata by which a delivery knows its own checkpoints.
        fork: What is to be done.
        reading: The thread's head: the one that is left, or what an earlier delivery wrote.

    Returns:
        The checkpoint from which the graph goes on; None if nothing is to run.

    Raises:
        InvalidInput: The point is gone, or an edit does not fit; nothing was written.
    """
    head = reading.head.checkpoint_id
    if head != fork.left_id:
        return await _go_on(graph, config, fork, head)
    point = await graph.aget_state(_at(config, fork.target_id))
    if point.metadata is None:
        raise InvalidInput(GONE)
    if fork.verb in (RewindVerb.EDIT, RewindVerb.SKIP):
        values = make_values(graph, fork.edits) if fork.verb is RewindVerb.EDIT else None
        made = await graph.aupdate_state(_at(config, fork.target_id), values, as_node=fork.as_node)
        return await _due_at(graph, config, made["configurable"]["checkpoint_id"])
    has_ended = not point.tasks
    if fork.verb is RewindVerb.STOP or has_ended or _is_run_in_place(fork, point):
        copied = await copy_point(graph, _at(config, fork.target_id))
        return await _go_on(graph, config, fork, copied)
    return fork.target_id


async def _go_on(
    graph: AnyGraph, config: RunnableConfig, fork: Fork, made: CheckpointId
) -> CheckpointId | None:
    if fork.verb is RewindVerb.STOP:
        await graph.aupdate_state(_at(config, made), None, as_node=END_NODE)
        return None
    return await _due_at(graph, config, made)


async def _due_at(
    graph: AnyGraph, config: RunnableConfig, made: CheckpointId
) -> CheckpointId | None:
    """A checkpoint, if something is due there."""
    return made if (await graph.aget_state(_at(config, made))).tasks else None


def _is_run_in_place(fork: Fork, point: StateSnapshot) -> bool:
    source = (point.metadata or {}).get("source")
    return fork.target_id == fork.left_id and source in RUN_IN_PLACE


def _at(config: RunnableConfig, checkpoint_id: CheckpointId) -> RunnableConfig:
    place = {**config["configurable"], "checkpoint_ns": "", "checkpoint_id": checkpoint_id}
    return {**config, "configurable": place}


def make_values(graph: AnyGraph, edits: Sequence[FieldEdit]) -> dict[str, Any]:
    """
    What is written for edits: in a field's place, or through its reducer where that was chosen.

    Raises:
        InvalidInput: A value is not of its field's type; all of them are named.
    """
    problems = [problem for edit in edits for problem in _find_problems(graph, edit)]
    if problems:
        raise InvalidInput("The edit does not fit the state:", problems=problems)
    return {edit.field: _make_value(graph, edit) for edit in edits}


def _make_value(graph: AnyGraph, edit: FieldEdit) -> Any:
    channel = graph.channels[edit.field]
    if edit.mode is EditMode.APPEND:
        return restore(channel, edit.value)
    return replacing(channel, edit.value)


def _find_problems(graph: AnyGraph, edit: FieldEdit) -> list[FieldProblem]:
    """LangGraph takes what it is given, whatever the field holds (facts: interrupt-payloads c8)."""
    if edit.field not in graph.stream_channels_list:
        return [FieldProblem(edit.field, "is not a field of the state")]
    channel = graph.channels[edit.field]
    if adds_messages(channel):
        return _find_message_problems(edit)
    if edit.mode is EditMode.REPLACE:
        problems = _ask_model(graph, edit.field, edit.value)
        if problems is not None:
            return problems
    return _ask_type(getattr(channel, "typ", Any), edit.field, edit.value)


def _find_message_problems(edit: FieldEdit) -> list[FieldProblem]:
    with suppress(Exception):  # in short: then `add_messages` says what it takes
        TypeAdapter(list[AnyMessage]).validate_python(edit.value)
        return []
    try:
        add_messages([], edit.value)
    except Exception as exc:  # noqa: BLE001  it raises several kinds
        return [FieldProblem(edit.field, f"is not a list of messages: {exc}")]
    return []


def _ask_model(graph: AnyGraph, field: str, value: Json) -> list[FieldProblem] | None:
    """What a state that is a pydantic model says of one of its fields; None if it is none."""
    model = getattr(getattr(graph, "builder", None), "state_schema", None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    try:
        model.__pydantic_validator__.validate_assignment(model.model_construct(), field, value)
    except ValidationError as exc:
        return [problem for problem in _explain(exc, field) if problem.path.startswith(field)]
    except Exception:  # noqa: BLE001  a validator of the whole model, which is not there
        return []
    return []


def _ask_type(kind: Any, field: str, value: Json) -> list[FieldProblem]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pydantic, about what a user's type is made of
            adapter = TypeAdapter(kind)
    except Exception:  # noqa: BLE001  a type that pydantic cannot describe takes what it is given
        return []
    try:
        adapter.validate_python(value)
    except ValidationError as exc:
        return _explain(exc, field)
    except Exception:  # noqa: BLE001  a user's validator
        return [FieldProblem(field, "is refused by its type")]
    return []


def _explain(error: ValidationError, field: str) -> list[FieldProblem]:
    found = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in each["loc"]]
        path = ".".join(place if place[:1] == [field] else [field, *place])
        found.append(FieldProblem(path, each["msg"]))
    return found
