"""The quiet line after a decision: what became of it, while the next card is already there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.approvals import Kind
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import Run, RunStatus
from interlock.core.types import ApprovalId, RunId
from interlock.dashboard.palette import Look, look_of_run
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import clip, one_line
from interlock.dashboard.views.runs import say_took
from interlock.dashboard.views.words import say_done

TITLE_LIMIT_COUNT = 44
REASON_LIMIT_COUNT = 120
NAMED_NODES_COUNT = 3


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A decision just made in this session on `count` actions, and the run that carries it out."""

    approval_id: ApprovalId
    title: str
    verb: str
    run_id: RunId
    kind: Kind | None = None
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class OutcomeLine:
    """The line as Markdown, everything foreign in it escaped; `is_settled` once it will not change."""

    text: str
    look: Look
    run_id: RunId
    is_settled: bool


def build(outcome: Outcome, run: Run, nodes: Sequence[NodeRun], *, now: datetime) -> OutcomeLine:
    """Say what the run of a decision is doing, or how it ended."""
    title = md_escape(clip(one_line(outcome.title), TITLE_LIMIT_COUNT))
    done = say_done(outcome.verb, outcome.kind, count=outcome.count)
    return OutcomeLine(
        text=f"{done} · {title} · {say_run(run, nodes, now)}",
        look=look_of_run(run.status),
        run_id=run.run_id,
        is_settled=not run.is_open,
    )


def say_run(run: Run, nodes: Sequence[NodeRun], now: datetime) -> str:
    """What a run does or how it ended, as Markdown: ``Running `charge` …``, `Done in 1.2 s.`"""
    if run.status is RunStatus.QUEUED:
        return "Waiting for a worker …"
    if run.status is RunStatus.RUNNING:
        names = dict.fromkeys(n.path for n in nodes if n.status is NodeStatus.RUNNING)
        shown = ", ".join(f"`{_code(name)}`" for name in list(names)[:NAMED_NODES_COUNT])
        return f"Running {shown} …" if shown else "Running …"
    if run.status is RunStatus.DONE:
        return f"Done in {say_took(run, now=now)}."
    has_failed = run.status is RunStatus.PAUSED and run.error is not None
    if has_failed or run.status is RunStatus.FAILED:
        error = run.error
        reason = f"{error.type}: {one_line(error.message)}" if error else "no reason was kept"
        return f"It failed: {md_escape(clip(reason, REASON_LIMIT_COUNT))}"
    return {
        RunStatus.WAITING: "It waits for the next decision.",
        RunStatus.PAUSED: "It stands at the next breakpoint.",
        RunStatus.CONTINUED: "It went on with a later decision.",
        RunStatus.CANCELLED: "It was cancelled.",
    }[run.status]


def _code(name: str) -> str:
    """A node's name inside backticks, which nothing but a backtick can leave."""
    return clip(one_line(name), TITLE_LIMIT_COUNT).replace("`", "'")
