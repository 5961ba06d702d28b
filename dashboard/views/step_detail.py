"""One chosen step: what it was handed, what it gave out, what was asked and answered, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.model.approvals import ApprovalSummary, Decision
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.steps import Handed, Step
from interlock.core.types import Json
from interlock.dashboard.palette import Look, look_of_node
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import format_duration_ms, format_plural, short_id

INPUT_TITLES = {
    Handed.INPUT: "Input",
    Handed.STATE: "State it started from",
    Handed.NOTHING: "Input",
}
INPUT_NOTES = {
    Handed.INPUT: "",
    Handed.STATE: "LangGraph does not keep what this step itself was handed.",
    Handed.NOTHING: "LangGraph does not keep what this step was handed.",
}
EDITED = (
    "The state was edited for it, before or after this run: what this run was handed is not kept."
)
CUT = "__cut__"


@dataclass(frozen=True)
class Answered:
    """One answer of a human; `answer` is an operator's, `who` names them."""

    who: str
    answer: Json


@dataclass(frozen=True, kw_only=True)
class StepDetail:
    """The step as it is drawn; every value and text of it is foreign."""

    task_id: str
    title: str
    look: Look
    error: str
    input_title: str
    input_note: str
    has_input: bool
    input: Json
    output_note: str
    again_in: str
    has_output: bool
    output: Json
    leads_to: str
    sends: tuple[Json, ...]
    questions: tuple[Json, ...]
    answers: tuple[Answered, ...]
    cut: str


def build(
    step: Step,
    node: NodeRun,
    *,
    approvals: Sequence[ApprovalSummary] = (),
    decisions: Sequence[Decision] = (),
) -> StepDetail:
    """
    Put a step together.

    Args:
        step: What a worker read.
        node: Its newest attempt in this run.
        approvals: The cards of its thread.
        decisions: What was decided on them, in any order.
    """
    own = {a.approval_id for a in approvals if node.task_id in a.namespace}
    taken = sorted((d for d in decisions if d.approval_id in own), key=lambda d: d.decided_at)
    took = f", {format_duration_ms(node.duration_ms)}" if node.duration_ms is not None else ""
    which = "fallback" if node.is_fallback else f"attempt {node.attempt}"
    return StepDetail(
        task_id=step.task_id,
        title=f"{show_hidden(node.path)}, step {node.step}, {which}{took}",
        look=look_of_node(node.status),
        error=show_hidden(_find_error(step, node)),
        input_title=INPUT_TITLES[step.handed],
        input_note=EDITED if step.again_in and step.is_edited else INPUT_NOTES[step.handed],
        has_input=step.handed is not Handed.NOTHING,
        input=step.input,
        output_note="" if step.has_output else _say_no_output(node.status, step.again_in),
        again_in=step.again_in or "",
        has_output=step.has_output and step.output != {},
        output=step.output,
        leads_to=", ".join(show_hidden(name) for name in step.leads_to),
        sends=step.sends,
        questions=step.questions,
        answers=tuple(Answered(show_hidden(d.actor), d.answer) for d in taken if not d.refused),
        cut=_say_cut([step.input, step.output, *step.sends, *step.questions]),
    )


def _find_error(step: Step, node: NodeRun) -> str:
    if node.error_type:
        return f"{node.error_type}: {node.error_message or ''}"
    return step.error or ""


def _say_no_output(status: NodeStatus, again_in: str | None) -> str:
    if again_in and status is NodeStatus.INTERRUPTED:
        return f"It stopped to ask; the run {short_id(again_in)} went on with it."
    if again_in:
        return f"The run {short_id(again_in)} ran it again, and what is stored is of that run."
    if status is NodeStatus.RUNNING:
        return "It is still at work."
    if status is NodeStatus.INTERRUPTED:
        return "It stopped to ask and has given nothing out yet."
    if status is NodeStatus.CACHED:
        return "It was served from the cache and did not run; what it gave is in the next step."
    return "It gave nothing out."


def _say_cut(values: Sequence[Json]) -> str:
    count = sum(1 for value in values for _ in find_cuts(value))
    return (
        f"{format_plural(count, 'value')} too long to be shown whole: marked __cut__."
        if count
        else ""
    )


def find_cuts(value: Json) -> Iterator[Json]:
    """The marks that were left where something was cut."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            if CUT in each:
                yield each
            waiting.extend(each.values())
        elif isinstance(each, list | tuple):
            waiting.extend(each)
