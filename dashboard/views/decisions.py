"""What was decided, by whom and when, in words: the record of a card or run, and the answer to a loser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from interlock.core.errors import Conflict
from interlock.core.model.approvals import (
    Approval,
    ApprovalStatus,
    ApprovalSummary,
    Decision,
    Kind,
    Verb,
)
from interlock.core.model.payloads import question_of
from interlock.core.model.routing import Vote
from interlock.core.types import ApprovalId, Json
from interlock.dashboard.views import changes
from interlock.dashboard.views.changes import Change
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    clip,
    format_ago,
    format_exact,
    format_seconds,
    one_line,
)
from interlock.dashboard.views.words import say_done

_CLOSED_WORDS = {
    ApprovalStatus.EXPIRED: "Its deadline passed before anybody decided.",
    ApprovalStatus.WITHDRAWN: "Withdrawn: its run was cancelled.",
    ApprovalStatus.SUPERSEDED: "No longer asked: the thread went on from another point.",
    ApprovalStatus.DECIDED: "Already decided.",
}
_OF_ACTIONS = (Kind.LANGCHAIN, Kind.AGENT_INBOX)  # which hold several, with a decision for each
_OWN_WORDS = {"accept": Verb.APPROVE, "ignore": Verb.REJECT, "response": Verb.RESPOND}
REASON_LIMIT_COUNT = 300
NAME_LIMIT_COUNT = 60
BY_DEADLINE = "by its deadline"  # whatever people are called
_NOT_USED = "Your decision was not used."


@dataclass(frozen=True, kw_only=True)
class DecisionRow:
    """
    One decision. `title`, `reason`, the answer and the changes are foreign: drawn inert.

    `changes` are what an edit replaced, where it is known what was there before. `each` says of several
    actions what was decided on each, with its reason, `votes` what others had said; foreign, too.
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
    each: tuple[str, ...] = ()
    votes: tuple[str, ...] = ()


def build_rows(
    decisions: Sequence[Decision],
    approvals: Sequence[ApprovalSummary],
    *,
    now: datetime,
    votes: Sequence[Vote] = (),
) -> tuple[DecisionRow, ...]:
    """Decisions in the order given, each with the title of its card, and with who had voted on it."""
    cards = {a.approval_id: a for a in approvals}
    rows = [_build_row(d, cards.get(d.approval_id), now) for d in decisions]
    cast = [_find_votes(d, votes) for d in decisions]
    return tuple(replace(row, votes=found) for row, found in zip(rows, cast, strict=True))


def say_closed(approval: ApprovalSummary, decisions: Sequence[Decision], *, now: datetime) -> str:
    """Why a card cannot be decided any more: `Already approved by Ann 4 min ago.` Empty if it can."""
    if approval.status is ApprovalStatus.PENDING:
        return ""
    taken = next((d for d in decisions if d.version == approval.version), None)
    if taken is None or approval.status is not ApprovalStatus.DECIDED:
        return _CLOSED_WORDS[approval.status]
    count = len(_read_each(taken, approval))
    done = _lower(say_done(taken.verb, approval.kind, count=count))
    return f"Already {done} {_say_who(taken)} {format_ago(taken.decided_at, now)}."


def say_stale(
    approval: ApprovalSummary, decisions: Sequence[Decision], version: int, *, now: datetime
) -> str:
    """Why a card on somebody's screen cannot be decided as it is drawn there; empty if it can."""
    if approval.status is ApprovalStatus.PENDING and approval.version != version:
        return f"The card asks something else by now: version {approval.version}. Open it again."
    return say_closed(approval, decisions, now=now)


def say_conflict(
    conflict: Conflict, *, kind: Kind | None = None, now: datetime, unused: str = _NOT_USED
) -> str:
    """Tell whoever came second who was first, with what and when, and what therefore was not done."""
    winner: Mapping[str, Json] = conflict.winner or {}
    actor, decided_at = winner.get("actor"), winner.get("decided_at")
    if actor and decided_at:
        done = _lower(say_done(str(winner.get("verb", "")), kind))
        ago = format_ago(datetime.fromisoformat(str(decided_at)), now)
        who = BY_DEADLINE if winner.get("by_deadline") else f"by {show_hidden(str(actor))}"
        return f"Already {done} {who} {ago}. {unused}"
    if winner.get("voted_at"):  # one's own vote, which said the same
        return str(conflict)
    status = str(winner.get("status", ""))
    if status == ApprovalStatus.PENDING:
        version = winner.get("version")
        return f"The card asks something else by now (version {version}). Read it again. {unused}"
    if status in set(ApprovalStatus):
        return f"{_CLOSED_WORDS[ApprovalStatus(status)]} {unused}"
    return str(conflict)


def _say_who(decision: Decision) -> str:
    return BY_DEADLINE if decision.by_deadline else f"by {show_hidden(decision.actor)}"


def _build_row(decision: Decision, card: ApprovalSummary | None, now: datetime) -> DecisionRow:
    ago = format_ago(decision.decided_at, now)
    each = _read_each(decision, card)
    done = say_done(decision.verb, card.kind if card else None, count=len(each))
    names = [a.name for a in question_of(card).actions] if isinstance(card, Approval) else []
    return DecisionRow(
        approval_id=decision.approval_id,
        version=decision.version,
        title=show_hidden(card.title if card else ""),
        headline=f"{done} {_say_who(decision)} {ago}",
        decided_at=format_exact(decision.decided_at),
        took=format_seconds(decision.seconds_to_decide),
        reason=show_hidden(decision.reason),
        refused=show_hidden(decision.refused or ""),
        answer=decision.answer,
        changes=_compare(decision.before, decision.after),
        each=tuple(
            f"{at}. {_say_each(item, names[at - 1] if at <= len(names) else '')}"
            for at, item in enumerate(each, start=1)
        ),
    )


def _find_votes(decision: Decision, votes: Sequence[Vote]) -> tuple[str, ...]:
    """What the others said to the version that was decided, a line each."""
    return tuple(
        show_hidden(f"{vote.actor} voted {vote.verb}" + (f": {vote.reason}" if vote.reason else ""))
        for vote in votes
        if (vote.approval_id, vote.version) == (decision.approval_id, decision.version)
        and vote.actor != decision.actor
    )


def _read_each(decision: Decision, card: ApprovalSummary | None) -> Sequence[Mapping[str, Json]]:
    """What was sent for each of several actions; nothing where there was one, or where it is unknown."""
    if card is None or card.kind not in _OF_ACTIONS:
        return ()
    answer = decision.answer
    items = answer.get("decisions") if isinstance(answer, Mapping) else answer
    if not isinstance(items, list) or len(items) < 2:
        return ()
    return items if all(isinstance(item, Mapping) for item in items) else ()


def _say_each(item: Mapping[str, Json], name: str) -> str:
    """`send_mail: Rejected, too late`: the action, the word and what was said with it."""
    word = str(item.get("type", ""))
    said = say_done(_OWN_WORDS.get(word, word))
    args = item.get("args")
    words = args if word == "response" else item.get("message")
    told = f", {one_line(words, limit_count=REASON_LIMIT_COUNT)}" if words else ""
    lead = f"{clip(one_line(name), NAME_LIMIT_COUNT)}: " if name else ""
    return show_hidden(f"{lead}{said}{told}")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _compare(before: Json, after: Json) -> tuple[Change, ...]:
    """Before and after; one action among one needs no number."""
    if before is None or after is None:
        return ()
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after) == 1:
        return changes.compare(before[0], after[0])
    return changes.compare(before, after)
