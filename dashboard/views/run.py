"""The head of a run's page: what it is doing, why, and what an operator may do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary
from interlock.core.model.runs import (
    Failure,
    Run,
    RunKind,
    RunStatus,
    RunSummary,
    follow,
    may_cancel,
    may_rate,
    may_retry,
)
from interlock.core.types import Json, RunId
from interlock.dashboard.palette import Look, look_of_run
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.flow import find_flow_notice
from interlock.dashboard.views.formatting import format_ago, format_exact, short_id, to_json_text
from interlock.dashboard.views.holds import find_hold_notice
from interlock.dashboard.views.inbox import CardRow, build_row
from interlock.dashboard.views.notices import Link, Notice
from interlock.dashboard.views.runs import say_took
from interlock.dashboard.views.words import look_of_durability, say_durability

if TYPE_CHECKING:
    from interlock.core.services.observing import Overview, RunDetail

_KIND_WORDS = {
    RunKind.START: "launched",
    RunKind.RESUME: "resumed",
    RunKind.RETRY: "retried",
    RunKind.PROCEED: "sent on",
    RunKind.REWIND: "set back",
    RunKind.COPY: "copied",
    RunKind.ATTACHED: "found",
}


@dataclass(frozen=True)
class Act:
    """Something an operator may do; `why_not` says why it is of no use now, empty where it is."""

    label: str
    why_not: str = ""

    @property
    def is_possible(self) -> bool:
        """Whether it makes sense at the moment; the service decides again when it is done."""
        return not self.why_not


@dataclass(frozen=True)
class Neighbour:
    """An earlier or later run of the same story."""

    label: str
    run_id: RunId
    look: Look


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a run failed; every text is foreign and drawn inert."""

    headline: str
    message: str
    place: str
    stack: str
    snapshot: Json
    versions: str


@dataclass(frozen=True, kw_only=True)
class RunView:
    """The page's head."""

    run_id: RunId
    workflow: str
    short: str
    look: Look
    durability: Look | None
    durability_text: str
    summary: str
    exact: str
    notice: Notice | None
    problem: Problem | None
    cards: tuple[CardRow, ...]
    cancel: Act
    retry: Act
    ask: Act
    earlier: Neighbour | None
    later: Neighbour | None
    options: str
    input_text: str
    is_rateable: bool
    rating: int | None


def build(detail: RunDetail, overview: Overview, *, now: datetime) -> RunView:
    """Put the head together from a run with its thread and from the state of the workers."""
    run = detail.run
    chain = follow(run, detail.thread_runs)
    at = next(i for i, r in enumerate(chain) if r.run_id == run.run_id)
    cards = sorted(detail.approvals, key=lambda a: (a.asked_at, a.approval_id))
    pending = [a for a in cards if a.status is ApprovalStatus.PENDING]
    return RunView(
        run_id=run.run_id,
        workflow=run.workflow,
        short=short_id(run.run_id),
        look=look_of_run(run.status),
        durability=look_of_durability(run.steps_in_memory, may_have_repeated=run.may_have_repeated),
        durability_text=say_durability(
            run.steps_in_memory, may_have_repeated=run.may_have_repeated
        ),
        summary=_summarise(run, now=now),
        exact=_say_times(run),
        notice=_find_notice(run, pending, overview, now=now),
        problem=_explain(run.error),
        cards=tuple(build_row(a, now=now) for a in pending),
        cancel=_offer_cancel(run),
        retry=_offer_retry(run, detail.thread.last_run_id if detail.thread else None),
        ask=_offer_ask(run, detail.thread.last_run_id if detail.thread else None),
        earlier=_neighbour("Earlier", chain[at - 1]) if at else None,
        later=_neighbour("Went on as", chain[at + 1]) if at + 1 < len(chain) else None,
        options=_say_options(run),
        input_text="" if run.input is None else to_json_text(run.input),
        is_rateable=may_rate(run.status, run.ended_at),
        rating=run.rating,
    )


def link_history(run: Run) -> Link:
    """The way to where the run left its thread, or to the thread while it is at work."""
    at = {"at": run.end_checkpoint_id} if run.end_checkpoint_id is not None else {}
    return Link("Its thread in the time machine", "history", {"thread": run.thread_id, **at})


def _summarise(run: Run, *, now: datetime) -> str:
    took = say_took(run, now=now)
    word = _KIND_WORDS[run.kind]
    parts = [f"{word} {format_ago(run.created_at, now)} by {show_hidden(run.created_by)}"]
    if run.started_at is not None:
        parts.append(f"at work for {took}" if run.is_open else f"took {took}")
    parts.append(f"thread {short_id(run.thread_id)}")
    if run.deliveries > 1:
        parts.append(f"handed to a worker {run.deliveries} times")
    if run.is_degraded:
        parts.append("degraded: a fallback served")
    if run.reason:
        parts.append(f"reason: {show_hidden(run.reason)}")
    return " · ".join(parts)


def _say_times(run: Run) -> str:
    return (
        f"Run {run.run_id}, thread {run.thread_id}. Created {format_exact(run.created_at)},"
        f" started {format_exact(run.started_at)}, ended {format_exact(run.ended_at)}."
    )


def _say_options(run: Run) -> str:
    options = run.options
    limit = options.recursion_limit
    parts = ["the usual limit of supersteps" if limit is None else f"at most {limit} supersteps"]
    if options.break_before:
        parts.append(f"stops before {', '.join(options.break_before)}")
    if options.break_after:
        parts.append(f"stops after {', '.join(options.break_after)}")
    if run.priority:
        parts.append(f"priority {run.priority}")
    return " · ".join(parts)


def _find_notice(
    run: Run, pending: Sequence[ApprovalSummary], overview: Overview, *, now: datetime
) -> Notice | None:
    if run.cancel_requested_at is not None and run.is_open:
        asked = format_ago(run.cancel_requested_at, now)
        return Notice("info", f"Cancelling, asked for {asked}. A step that runs ends first.")
    if run.is_open:
        # One that is queued waits with the others; one that has started needs only its worker.
        needs_place = run.status is RunStatus.QUEUED or not overview.workers_alive
        held = find_hold_notice(overview.holds, run.workflow, overview.at)
        return (held or find_flow_notice(overview)) if needs_place else None
    if run.is_held and not pending:
        return Notice("warning", "It waits, but its cards are no longer here. Cancel or reload.")
    return None


def _explain(error: Failure | None) -> Problem | None:
    if error is None:
        return None
    place = f"in {error.node}" if error.node else ""
    if error.attempt:
        place = f"{place}, attempt {error.attempt}".lstrip(", ")
    return Problem(
        headline=show_hidden(error.type),
        message=show_hidden(error.message),
        place=show_hidden(place),
        stack=show_hidden(error.stack),
        snapshot=error.snapshot,
        versions=", ".join(f"{k} {v}" for k, v in sorted(error.versions.items())),
    )


def _offer_cancel(run: Run) -> Act:
    if not may_cancel(run.status):
        return Act("Cancel", f"It has ended: it is {run.status}.")
    if run.cancel_requested_at is not None:
        return Act("Cancel", "It is being cancelled.")
    return Act("Cancel")


def _offer_retry(run: Run, last_run_id: RunId | None) -> Act:
    if not may_retry(run.status, has_error=run.error is not None):
        return Act("Retry", "Only failed or cancelled runs are retried.")
    if last_run_id not in (None, run.run_id):
        return Act("Retry", "Its thread has gone on with a later run.")
    return Act("Retry")


def _offer_ask(run: Run, last_run_id: RunId | None) -> Act:
    label = "Decide in the inbox"
    if run.status is not RunStatus.FAILED:
        return Act(label, "Only failed runs are decided there.")
    if last_run_id not in (None, run.run_id):
        return Act(label, "Its thread has gone on with a later run.")
    return Act(label)


def _neighbour(label: str, run: RunSummary) -> Neighbour:
    look = look_of_run(run.status)
    return Neighbour(f"{label} run {short_id(run.run_id)}, {look.word}", run.run_id, look)
