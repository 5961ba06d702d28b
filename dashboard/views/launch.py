"""The launch page: which workflows there are, and the form of the chosen one's input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.schemas import fields_of
from interlock.core.model.workflows import Workflow
from interlock.core.types import Json
from interlock.dashboard.views.fields import from_fields
from interlock.dashboard.views.formatting import NOTHING, one_line, to_json_text
from interlock.dashboard.views.forms import (
    ABSENT,
    NEEDED,
    FormField,
    assemble,
    parse_json,
    with_start,
)
from interlock.dashboard.views.notices import SHOWCASE, Empty

MESSAGES = "messages"
OPTION_NAMES = (
    "context",
    "break_before",
    "break_after",
    "thread_id",
    "recursion_limit",
    "priority",
    "variant",
    "asks_on_failure",
)
Mode = Literal["chat", "form", "json", "file"]
RECENT_LIMIT_COUNT = 90
_PLAIN_ITEMS = frozenset({"string", "integer", "number", "boolean"})


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One workflow to choose from; `problem` is why it cannot be launched."""

    name: str
    description: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class LaunchForm:
    """
    The form of one workflow. `fields` is empty where only JSON will do; `whole` says that its one field
    is the whole input, not a key of it. `modes` are the ways of saying what the input is, the usual
    one first.
    """

    workflow: str
    description: str
    fields: tuple[FormField, ...]
    whole: bool
    json_text: str
    context_text: str
    takes_context: bool
    nodes: tuple[str, ...]
    modes: tuple[Mode, ...]


@dataclass(frozen=True)
class Recent:
    """An input that was used before."""

    label: str
    value: Json


def list_choices(workflows: Sequence[Workflow]) -> tuple[Choice, ...]:
    """Workflows that can be launched, then those that failed to load with their reasons."""
    return tuple(
        Choice(name=w.name, description=w.description, problem=w.error or "")
        for w in sorted(workflows, key=lambda w: (w.error is not None, w.name))
    )


def choose(choices: Sequence[Choice], wanted: str | None) -> Choice | None:
    """The wanted workflow, else the showcase, else the first that can be launched, else the first."""
    by_name = {c.name: c for c in choices}
    for name in (wanted, SHOWCASE):
        if name in by_name:
            return by_name[name]
    return next((c for c in choices if not c.problem), choices[0] if choices else None)


def say_none() -> Empty:
    """What stands where no workflow was published."""
    return Empty(
        "No workflow is loaded yet. A worker publishes them when it starts: `interlock up`."
    )


def build(workflow: Workflow, start: Json | object = ABSENT) -> LaunchForm:
    """
    The form of a workflow, starting with a value, else with the schema's example and defaults.

    Args:
        workflow: As its worker published it.
        start: An input to start with: one used before, or what was typed as JSON.
    """
    schema = workflow.input_schema
    value = find_example(schema) if start is ABSENT else start
    fields, whole = _build_fields(schema, value)
    text = to_json_text(value) if value is not ABSENT else _default_text(fields, whole=whole)
    return LaunchForm(
        workflow=workflow.name,
        description=workflow.description,
        fields=fields,
        whole=whole,
        json_text=text,
        context_text=_context_text(workflow.context_schema),
        takes_context=workflow.context_schema is not None,
        nodes=tuple(n for n in workflow.nodes if "/" not in n),
        modes=_list_modes(fields),
    )


def read_form(form: LaunchForm, drafts: Mapping[str, object]) -> Json:
    """
    The input that the form holds.

    Raises:
        InvalidInput: Fields are missing or not readable; each is named.
    """
    value, problems = assemble(form.fields, drafts)
    if problems:
        raise InvalidInput("Some fields need a look.", problems=problems)
    return value.get("") if form.whole else value


def read_partly(form: LaunchForm, drafts: Mapping[str, object]) -> Json:
    """
    What a half-filled form holds, to go on with as JSON; fields still missing are left out.

    Raises:
        InvalidInput: A field holds something that cannot be read, and would be lost.
    """
    value, problems = assemble(form.fields, drafts)
    unreadable = [p for p in problems if p.message != NEEDED]
    if unreadable:
        raise InvalidInput("Some fields need a look.", problems=unreadable)
    return value.get("") if form.whole else value


def read_json(text: str, *, path: str = "") -> Json:
    """
    The input, or another value, as typed JSON.

    Raises:
        InvalidInput: It is not JSON; the problem says where.
    """
    try:
        return parse_json(text)
    except ValueError as exc:
        raise InvalidInput("This is not JSON.", problems=[FieldProblem(path, str(exc))]) from exc


def read_context(form: LaunchForm, text: str) -> Json:
    """
    The context as typed; nothing typed is no context.

    Raises:
        InvalidInput: It is not JSON.
    """
    if not form.takes_context or not text.strip():
        return None
    return read_json(text, path="context")


def can_show(form: LaunchForm, value: Json) -> bool:
    """Whether the form shows a value without losing a part of it."""
    if not form.fields or form.whole:
        return bool(form.fields)
    return isinstance(value, Mapping) and {f.name for f in form.fields} >= value.keys()


def list_recent(inputs: Sequence[Json]) -> tuple[Recent, ...]:
    """Earlier inputs, each in one line."""
    return tuple(Recent(one_line(v, limit_count=RECENT_LIMIT_COUNT) or NOTHING, v) for v in inputs)


def find_example(schema: Json) -> Json | object:
    """What the schema gives as an example: the whole, or field by field; `ABSENT` if it gives none."""
    if not isinstance(schema, Mapping):
        return ABSENT
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        return examples[0]
    properties = schema.get("properties")
    found = {}
    for name, inner in properties.items() if isinstance(properties, Mapping) else ():
        given = inner.get("examples") if isinstance(inner, Mapping) else None
        if isinstance(given, list) and given and "default" not in inner:
            found[name] = given[0]
    return found or ABSENT


def _list_modes(fields: Sequence[FormField]) -> tuple[Mode, ...]:
    """A workflow that only needs a message is talked to; one without a form has no form."""
    needs_more = any(f.is_required and f.given is ABSENT for f in fields if f.path != MESSAGES)
    talks = any(f.widget == "messages" for f in fields) and not needs_more
    return (*(("chat",) if talks else ()), *(("form",) if fields else ()), "json", "file")


def _build_fields(schema: Json, start: Json | object) -> tuple[tuple[FormField, ...], bool]:
    """The fields, and whether the one field is the whole value."""
    described = fields_of(_without_messages(schema))
    if len(described) == 1 and not described[0].name:
        field = from_fields(described, {} if start is ABSENT else {"": start})[0]
        return ((), False) if field.widget == "json" else ((field,), True)
    known = start if isinstance(start, Mapping) else {}
    drawn = {f.name: f for f in from_fields(described, known)}
    if _has_messages(schema):
        drawn[MESSAGES] = _messages_field(schema, known)
    order = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    return tuple(drawn[name] for name in order if name in drawn), False


def _has_messages(schema: Json) -> bool:
    """Whether the input has a conversation; its schema lists every message class and fills no form."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    inner = properties.get(MESSAGES) if isinstance(properties, Mapping) else None
    if not isinstance(inner, Mapping) or inner.get("type") != "array":
        return False
    items = inner.get("items")
    return not (isinstance(items, Mapping) and items.get("type") in _PLAIN_ITEMS)


def _without_messages(schema: Json) -> Json:
    if not _has_messages(schema):
        return schema
    rest = {k: v for k, v in schema["properties"].items() if k != MESSAGES}
    return {**schema, "properties": rest}


def _messages_field(schema: Mapping[str, Json], known: Mapping[str, Json]) -> FormField:
    field = FormField(
        path=MESSAGES,
        label="Message",
        widget="messages",
        help="What the user says. It is sent as one user message; use JSON for a conversation.",
        is_required=MESSAGES in schema.get("required", ()),
    )
    return with_start(field, known.get(MESSAGES, ABSENT))


def _default_text(fields: Sequence[FormField], *, whole: bool) -> str:
    """What the JSON editor starts with: the defaults, and an empty place for each needed field."""
    value: dict[str, Json] = {}
    for field in fields:
        part, _ = assemble([replace(field, is_required=False)], {})
        if part or field.is_required:
            value[field.name] = part.get(field.name)
    return to_json_text(value.get("") if whole else value)


def _context_text(schema: Json) -> str:
    if schema is None:
        return ""
    given, _ = assemble(from_fields(fields_of(schema), {}), {})
    return to_json_text(given) if given else ""
