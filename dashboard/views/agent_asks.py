"""
What a client of LangGraph's Agent Server asks for when it creates a run, in Interlock's terms.

What Interlock does not do is refused by name: whoever asked would otherwise believe it was done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from interlock.core.errors import FieldProblem, InvalidInput, NotServed
from interlock.core.types import Json

END = "__end__"  # as which a client writes a state to end a thread
STREAM_MODES = ("values", "updates", "messages", "messages-tuple", "custom", "events")


class Way(StrEnum):
    """
    What a run does to its thread.

    `launch`: an input. `answer`: what was asked. `go_on`: nothing; the thread goes on where it stopped.
    `rerun`: it goes on from an earlier checkpoint. `edit`: with its state changed first.
    """

    LAUNCH = "launch"
    ANSWER = "answer"
    GO_ON = "go_on"
    RERUN = "rerun"
    EDIT = "edit"


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A run as it is asked for; `answer` is what the graph would be resumed with."""

    way: Way
    input: Json = None
    context: Json = None
    answer: Json = None
    edits: Mapping[str, Json] = field(default_factory=dict)
    checkpoint_id: str | None = None
    recursion_limit: int | None = None
    break_before: tuple[str, ...] = ()
    break_after: tuple[str, ...] = ()


def read(given: Mapping[str, Json]) -> Ask:
    """
    Read the body of a request.

    Raises:
        NotServed: It asks for what Interlock does not do.
        InvalidInput: It says nothing, or two things at once.
    """
    _refuse_unserved(given)
    config = given.get("config") or {}
    checkpoint_id = find_checkpoint(given)
    way, edits = _find_way(given, checkpoint_id)
    return Ask(
        way=way,
        input=given.get("input"),
        context=_find_context(given, config) if way is Way.LAUNCH else None,
        answer=(given.get("command") or {}).get("resume"),
        edits=edits,
        checkpoint_id=checkpoint_id,
        recursion_limit=config.get("recursion_limit"),
        break_before=_names(given.get("interrupt_before")),
        break_after=_names(given.get("interrupt_after")),
    )


def find_checkpoint(given: Mapping[str, Json]) -> str | None:
    """
    The checkpoint that a request names, in either of the two ways.

    Raises:
        NotServed: It is one of a subgraph.
    """
    named = given.get("checkpoint") or {}
    if named.get("checkpoint_ns") or named.get("checkpoint_map"):
        raise NotServed("the checkpoints of subgraphs")
    found: str | None = given.get("checkpoint_id") or named.get("checkpoint_id")
    return found


def read_modes(given: Json) -> tuple[str, ...]:
    """
    The stream modes asked for; `values` without any.

    Raises:
        NotServed: One of them is not served.
    """
    modes = tuple(dict.fromkeys(_names(given))) or ("values",)
    for mode in modes:
        if mode not in STREAM_MODES:
            raise NotServed(f"the stream mode {mode!r}", hint=f"Served: {', '.join(STREAM_MODES)}.")
    return modes


def _find_way(
    given: Mapping[str, Json], checkpoint_id: str | None
) -> tuple[Way, Mapping[str, Json]]:
    command = _find_command(given)
    if given.get("input") is not None:
        if command:
            raise _unfit("input", "an input and a command exclude each other")
        if checkpoint_id is not None:
            raise NotServed("an input at an earlier checkpoint")
        return Way.LAUNCH, {}
    if "resume" in command:
        if "update" in command:
            raise NotServed("an answer and an update in one command")
        if checkpoint_id is not None:
            raise NotServed("an answer at an earlier checkpoint")
        return Way.ANSWER, {}
    if "update" in command:
        return Way.EDIT, read_edits(command["update"])
    return (Way.GO_ON if checkpoint_id is None else Way.RERUN), {}


def _find_command(given: Mapping[str, Json]) -> Mapping[str, Json]:
    """What a command says; null is an answer, too, where it is all that is said."""
    told: Mapping[str, Json] = given.get("command") or {}
    if told.keys() == {"resume"}:
        return told
    said = {key: value for key, value in told.items() if value is not None}
    if said.get("goto") == []:
        del said["goto"]
    return said


def read_edits(values: Json) -> Mapping[str, Json]:
    """
    New values by field, as a state update gives them: an object, or pairs.

    Raises:
        InvalidInput: They are neither, or nothing.
    """
    pairs = values if isinstance(values, list) else [values]
    found: dict[str, Json] = {}
    for each in pairs:
        is_pair = isinstance(each, list) and len(each) == 2 and isinstance(each[0], str)
        told = {each[0]: each[1]} if is_pair else each
        if not isinstance(told, dict) or told.keys() & found.keys():
            raise _unfit("values", "must be an object with the fields to change, each once")
        found |= told
    if not found:
        raise _unfit("values", "names no field")
    return found


def _find_context(given: Mapping[str, Json], config: Mapping[str, Json]) -> Json:
    """The context; what `configurable` holds beside its own words is given to a graph in the same way."""
    configurable = config.get("configurable") or {}
    own = {"thread_id", "checkpoint_id", "checkpoint_ns", "checkpoint_map"}
    extra = {key: value for key, value in configurable.items() if key not in own}
    context = given.get("context")
    return {**extra, **context} if extra and isinstance(context, dict) else context or extra or None


def _refuse_unserved(given: Mapping[str, Json]) -> None:
    for told in _find_unserved(given):
        raise NotServed(told)


def _find_unserved(given: Mapping[str, Json]) -> Iterator[str]:
    command, config = _find_command(given), given.get("config") or {}
    for name in ("webhook", "feedback_keys", "after_seconds", "langsmith_tracer"):
        if given.get(name):
            yield f"`{name}` of a run"
    if given.get("on_completion") == "delete":
        yield "`on_completion: delete`: threads are kept"
    if given.get("multitask_strategy") not in (None, "reject"):
        yield f"`multitask_strategy: {given['multitask_strategy']}`: a busy thread answers 409"
    if "goto" in command:
        yield "`goto` of a command"
    for name in sorted(command.keys() - {"resume", "update", "goto"}):
        yield f"`{name}` of a command"
    for name in sorted(config.keys() - {"recursion_limit", "configurable", "tags", "metadata"}):
        if config[name] is not None:
            yield f"`{name}` of a config"


def _names(given: Json) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


def _unfit(path: str, message: str) -> InvalidInput:
    return InvalidInput("The request does not fit.", problems=[FieldProblem(path, message)])
