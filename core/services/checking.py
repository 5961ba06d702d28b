"""Looking at what a run is to be started with before anything is written: input, context, options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from interlock.core.errors import FieldProblem
from interlock.core.model import input_limits, json_values, schemas
from interlock.core.model.input_limits import InputLimits
from interlock.core.model.runs import HIGHEST_PRIORITY, LOWEST_PRIORITY
from interlock.core.model.what_ifs import is_sandbox
from interlock.core.model.workflows import Workflow
from interlock.core.settings import Settings
from interlock.core.types import Json

MAX_THREAD_ID_LENGTH = 200  # what the tables hold
EVERY_NODE = "*"


def limits_of(settings: Settings) -> InputLimits:
    """What a text that starts a run may be here."""
    return InputLimits(
        max_chars=settings.max_text_chars,
        refuses_scripts=settings.refuse_scripts,
        trims=settings.trim_texts,
    )


def check_input(workflow: Workflow, value: Json, limits: InputLimits) -> list[FieldProblem]:
    """
    Compare an input with the workflow's schema and the limits of this installation.

    A workflow without a schema takes any JSON but null. LangGraph drops unknown keys of a TypedDict
    silently (facts: langgraph 4), so they are refused here: a misspelt field would otherwise start a
    run without its value.
    """
    if value is None:
        return [FieldProblem("", "an input is needed; null starts nothing")]
    problems = schemas.check_input(value, workflow.input_schema)
    if isinstance(value, dict):
        known = {p.path for p in problems}
        problems += [p for p in find_unknown(workflow, value) if p.path not in known]
    problems += input_limits.find_problems(value, limits)
    return problems or json_values.find_unstorable(value)


def find_unknown(workflow: Workflow, names: Iterable[str]) -> list[FieldProblem]:
    """Those names that are no field of the workflow, where it says which it has."""
    schema = workflow.input_schema
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not properties or schema.get("additionalProperties") not in (None, False):
        return []
    known = ", ".join(properties)
    return [
        FieldProblem(name, f"is not a field of this workflow; the fields are {known}")
        for name in names
        if name not in properties
    ]


def check_context(workflow: Workflow, context: Json, limits: InputLimits) -> list[FieldProblem]:
    """A graph without a schema of its own may still read a context from its config."""
    if workflow.context_schema is None:
        is_fit = context is None or isinstance(context, dict)
        not_fit = [FieldProblem("", "must be an object")]
        found = json_values.find_problems(context) if is_fit else not_fit
    else:
        found = schemas.check({} if context is None else context, workflow.context_schema)
    found = found or json_values.find_unstorable(context)
    return [
        *(FieldProblem(f"context.{p.path}".rstrip("."), p.message) for p in found),
        *input_limits.find_problems(context, limits, path="context"),
    ]


def check_options(
    workflow: Workflow,
    *,
    break_before: Sequence[str],
    break_after: Sequence[str],
    recursion_limit: int | None,
    priority: int,
    thread_id: str | None,
) -> list[FieldProblem]:
    """How a run is to be carried out: nodes that there are, a limit that lets it begin, its turn, an id."""
    top = {n for n in workflow.nodes if "/" not in n}
    problems = [
        FieldProblem(option, f"{n!r} is not a node; the nodes are {', '.join(sorted(top))}")
        for option, nodes in (("break_before", break_before), ("break_after", break_after))
        for n in nodes
        if n != EVERY_NODE and n not in top
    ]
    if recursion_limit is not None and recursion_limit < 1:
        problems.append(FieldProblem("recursion_limit", "must be at least 1"))
    if not LOWEST_PRIORITY <= priority <= HIGHEST_PRIORITY:
        bounds = f"must be from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}"
        problems.append(FieldProblem("priority", bounds))
    if thread_id is not None:
        problems += check_thread_id(thread_id)
    return problems


def check_thread_id(thread_id: str) -> list[FieldProblem]:
    """An id that can be printed, typed and copied."""
    if is_sandbox(thread_id):
        return [FieldProblem("thread_id", "must not begin as the copies of a what-if do")]
    if _is_id(thread_id):
        return []
    bounds = f"must be 1 to {MAX_THREAD_ID_LENGTH} printable characters without spaces at its ends"
    return [FieldProblem("thread_id", bounds)]


def _is_id(value: str) -> bool:
    fits = 0 < len(value) <= MAX_THREAD_ID_LENGTH and value == value.strip()
    return fits and value.isprintable()
