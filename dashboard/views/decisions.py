"""What was decided, by whom and when, in words: the record of a card or run, and the answer to a loser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.errors import Conflict
from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary, Decision
from interlock.core.types import ApprovalId, Json
from interlock.dashboard.views import changes
from interlock.dashboard.views.changes import Change
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import format_ago, format_exact, format_seconds
from interlock.dashboard.views.words import say_done

_CLOSED_WORDS = {
    ApprovalStatus.EXPIRED: "Its deadline passed before anybody decided.",
    ApprovalStatus.WITHDRAWN: "Withdrawn: its run was cancelled.",
    ApprovalStatus.SUPERSEDED: "No longer asked: the thread went on from another point.",
    ApprovalStatus.DECIDED: "Already decided.",
}
_NOT_USED = "Your decision was not used."


@dataclass(frozen=True, kw_only=True)
class DecisionRow:
    """
    One decision. `title`, `reason`, the answer and the changes are foreign: drawn inert.

    `changes` are what an edit replaced, where it is known what was there before.
    """

    approval_id: ApprovalId
    version: int
    title: str
    headline: str
    decided_at: str
    took: str
    reason: str
    refused: str
    answer: Json
    changes: tuple[Change, ...]


def build_rows(
    decisions: Sequence[Decision], approvals: Sequence[ApprovalSummary], *, now: datetime
) -> tuple[DecisionRow, ...]:
    """Decisions in the order given, each with the title of its card."""
    titles = {a.approval_id: a.title for a in approvals}
    return tuple(_build_row(d, titles.get(d.approval_id, ""), now) for d in decisions)


def say_closed(approval: ApprovalSummary, decisions: Sequence[Decision], *, now: datetime) -> str:
    """Why a card cannot be decided any more: `Already approved by Ann 4 min ago.` Empty if it can."""
    if approval.status is ApprovalStatus.PENDING:
        return ""
    taken = next((d for d in decisions if d.version == approval.version), None)
    if taken is None or approval.status is not ApprovalStatus.DECIDED:
        return _CLOSED_WORDS[approval.status]
    done = say_done(taken.verb).lower()
    return f"Already {done} by {show_hidden(taken.actor)} {format_ago(taken.decided_at, now)}."


def say_stale(
    approval: ApprovalSummary, decisions: Sequence[Decision], version: int, *, now: datetime
) -> str:
    """Why a card on somebody's screen cannot be decided as it is drawn there; empty if it can."""
    if approval.status is ApprovalStatus.PENDING and approval.version != version:
        return f"The card asks something else by now: version {approval.version}. Open it again."
    return say_closed(approval, decisions, now=now)


def say_conflict(conflict: Conflict, *, now: datetime) -> str:
    """Tell whoever came second who was first, with what and when."""
    winner: Mapping[str, Json] = conflict.winner or {}
    actor, decided_at = winner.get("actor"), winner.get("decided_at")
    if actor and decided_at:
        done = say_done(str(winner.get("verb", ""))).lower()
        ago = format_ago(datetime.fromisoformat(str(decided_at)), now)
        return f"Already {done} by {show_hidden(str(actor))} {ago}. {_NOT_USED}"
    status = str(winner.get("status", ""))
    if status == ApprovalStatus.PENDING:
        version = winner.get("version")
        return (
            f"The card asks something else by now (version {version}). Read it again. {_NOT_USED}"
        )
    if status in set(ApprovalStatus):
        return f"{_CLOSED_WORDS[ApprovalStatus(status)]} {_NOT_USED}"
    return str(conflict)


def _build_row(decision: Decision, title: str, now: datetime) -> DecisionRow:
    ago = format_ago(decision.decided_at, now)
    return DecisionRow(
        approval_id=decision.approval_id,
        version=decision.version,
        title=show_hidden(title),
        headline=f"{say_done(decision.verb)} by {show_hidden(decision.actor)} {ago}",
        decided_at=format_exact(decision.decided_at),
        took=format_seconds(decision.seconds_to_decide),
        reason=show_hidden(decision.reason),
        refused=show_hidden(decision.refused or ""),
        answer=decision.answer,
        changes=_compare(decision.before, decision.after),
    )


def _compare(before: Json, after: Json) -> tuple[Change, ...]:
    """Before and after; one action among one needs no number."""
    if before is None or after is None:
        return ()
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after) == 1:
        return changes.compare(before[0], after[0])
    return changes.compare(before, after)
