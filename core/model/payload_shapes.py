"""
Reading what a graph asks: every interrupt shape and the breakpoint, into one `Question`.

Reading never raises, whatever the value: what fits no known shape is a raw value that takes any answer.
The shapes that hold actions are read in `payload_actions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interlock.core.model import json_values, media, schema_refs
from interlock.core.model.approvals import Approval, Kind, Verb
from interlock.core.model.payload_actions import read_agent_inbox, read_batch, read_call
from interlock.core.model.payload_failures import read_failure
from interlock.core.model.questions import Question, in_order
from interlock.core.model.schema_checks import find_schema_problem
from interlock.core.model.schema_decisions import choose_word, find_saying
from interlock.core.model.texts import one_line, show
from interlock.core.types import Json

# Where graphs put the question, in the order in which they are looked for.
_TEXT_KEYS = (
    *("question", "message", "prompt", "query", "description"),
    *("title", "subject", "text", "content"),
)
_OPTION_KEYS = ("options", "choices")
_APPROVAL_TYPES = frozenset(
    {"approval", "approval_needed", "approval_required", "approval_request", "needs_approval"}
)
_AT_A_BREAKPOINT = (Verb.APPROVE, Verb.EDIT, Verb.SKIP, Verb.STOP)
_INSIDE = (
    "The run stands inside a subgraph. Go on and skip mean the inner node. The state cannot be edited"
    " here: what is shown of it is that of the graph around the subgraph."
)
_YES_AND_NO = (Verb.APPROVE, Verb.REJECT)
_MAX_OPTIONS = 1000  # more cannot be chosen from on a screen; then any answer is taken
_MAX_BARE_OPTIONS = 200  # a longer list of scalars is data (an embedding), not a choice


def read_interrupt(
    value: Json, response_schema: Json, *, node: str, tools: Json = None
) -> Question:
    """
    Read an interrupt into a question.

    Args:
        value: What the graph passed to `interrupt(...)`, as JSON.
        response_schema: The interrupt's JSON Schema or None. One that cannot be used is dropped:
            LangGraph does not check against it either, and the card must stay answerable.
        node: The node that asks; the title when nothing better is there.
        tools: Schemas of the arguments by name of the tool, for actions that come without one.
    """
    schema = response_schema
    if schema is not None and find_schema_problem(schema) is not None:
        schema = None
    question = (
        read_call(value, response_schema, schema)
        or read_agent_inbox(value, schema, tools)
        or read_batch(value, schema, tools)
        or (_read_typed(value, schema) if schema is not None else _read_raw(value))
    )
    if question.title:
        return question
    asked = None if question.actions else show(media.shorten(value))
    return replace(question, title=_fallback_title(node, asked))


def read_breakpoint(next_nodes: Sequence[str], *, state_schema: Json) -> Question:
    """
    Make the question of a thread that stands before some nodes: go on, edit, skip or stop.

    Args:
        next_nodes: The nodes' names; as paths ("team/writer") inside a subgraph, and quoted where
            a slash is part of a name. No edit is offered inside: the values on the screens, and the
            schema, are those of the graph around it.
        state_schema: JSON Schema of the state, or None.
    """
    nodes = dict.fromkeys(filter(None, map(one_line, next_nodes)))
    names = ", ".join(nodes)
    is_inside = any("/" in name and not name.startswith('"') for name in nodes)
    verbs = (Verb.APPROVE, Verb.SKIP, Verb.STOP) if is_inside else _AT_A_BREAKPOINT
    return Question(
        kind=Kind.BREAKPOINT,
        title=one_line(f"Paused before {names}" if names else "Paused"),
        text=_INSIDE if is_inside else "",
        allowed=verbs,
        schema=state_schema,
        options=(),
        actions=(),
        is_list=False,
    )


def question_of(approval: Approval) -> Question:
    """Read a stored card again; its title and verbs are kept, as a policy may have narrowed them."""
    if approval.kind is Kind.BREAKPOINT:
        payload = approval.payload if isinstance(approval.payload, dict) else {}
        names = payload.get("next")
        nodes = [str(name) for name in names] if isinstance(names, list) else [approval.node]
        question = read_breakpoint(nodes, state_schema=approval.schema)
    elif approval.kind is Kind.FAILURE:
        kept = approval.payload if isinstance(approval.payload, dict) else {}
        question = read_failure(kept, state_schema=approval.schema)
    else:
        question = read_interrupt(
            approval.payload, approval.schema, node=approval.node, tools=approval.tools
        )
    return replace(question, title=approval.title, allowed=approval.allowed)


def _read_typed(value: Json, schema: Json) -> Question:
    said = [verb for verb in _YES_AND_NO if find_saying(schema, verb) is not None]
    resolved = schema_refs.resolve(schema, schema) or {}
    return _question(
        Kind.SCHEMA,
        value,
        [*said, Verb.EDIT, Verb.ANSWER],
        schema=schema,
        options=schema_refs.allowed_values(resolved),
    )


def _read_raw(value: Json) -> Question:
    options, is_binding = _find_options(value)
    if is_binding:
        said = [verb for verb in _YES_AND_NO if choose_word(options, verb) is not None]
        return _question(Kind.CHOICE, value, [*said, Verb.ANSWER], options=options)
    kind = value.get("type") if isinstance(value, dict) else None
    asks = isinstance(kind, str) and kind.lower().replace("-", "_") in _APPROVAL_TYPES
    verbs = [*_YES_AND_NO, Verb.ANSWER]
    found = _question(Kind.CONFIRM if asks else Kind.VALUE, value, verbs, options=options)
    return replace(found, takes_several=bool(options) and not asks)


def _find_options(value: Json) -> tuple[tuple[Json, ...], bool]:
    """The values offered, and whether the answer must be one of them (not: several of them)."""
    if isinstance(value, list):
        is_choice = 1 < len(value) <= _MAX_BARE_OPTIONS and all(map(json_values.is_scalar, value))
        return (_scalars(value), True) if is_choice else ((), False)
    if isinstance(value, dict):
        for key in _OPTION_KEYS:
            options = _scalars(value.get(key))
            if options:
                return options, value.get("multiple") is not True
    return (), False


def _scalars(items: Json) -> tuple[Json, ...]:
    """A list's scalars, or the `value` of each of its objects; empty when they are neither."""
    if not isinstance(items, list) or len(items) > _MAX_OPTIONS:
        return ()
    values = [
        each["value"] if isinstance(each, dict) and "value" in each else each for each in items
    ]
    if not all(map(json_values.is_scalar, values)):
        return ()
    distinct: list[Json] = []
    for value in values:
        if not any(json_values.are_same(value, other) for other in distinct):
            distinct.append(value)
    return tuple(distinct)


def _question(
    kind: Kind,
    value: Json,
    verbs: Sequence[Verb],
    *,
    schema: Json = None,
    options: tuple[Json, ...] = (),
) -> Question:
    text = _text_of(value)
    return Question(
        kind=kind,
        title=one_line(text),
        text=text,
        allowed=in_order(verbs),
        schema=schema,
        options=options,
        actions=(),
        is_list=False,
    )


def _text_of(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return next(
            (text for key in _TEXT_KEYS if (text := json_values.text_at(value, key)).strip()), ""
        )
    return ""


def _fallback_title(node: str, asked: str | None) -> str:
    """The node that asks, and what it asks about: `review: 3`."""
    name = one_line(node) or "Question"
    return one_line(f"{name}: {asked}") if asked else name
