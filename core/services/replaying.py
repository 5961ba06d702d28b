"""
Giving the answers that a changed decision planned, once its questions are asked anew.

The question comes under an id that nobody knew, so its answer cannot be sent along with the fork. It
is given by the end of the run that asked: in that transaction the card is decided as an operator
decides it, by whoever changed the decision. What does not fit what is asked stays a question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from interlock.core.errors import InterlockError
from interlock.core.model import approval_rules, payloads
from interlock.core.model.approvals import STANDING, Approval, Intent, Verb
from interlock.core.model.history import Fork, PlannedAnswer
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import Run, RunKind, RunStatus
from interlock.core.services import deciding, forking, voting
from interlock.core.services.context import App
from interlock.core.services.deciding import Decided
from interlock.core.store import checkpoints, forks, workflows
from interlock.core.types import Json

# Of other runs nobody planned anything.
MAY_BE_PLANNED = frozenset({RunKind.REWIND, RunKind.RESUME, RunKind.RETRY})


@dataclass(frozen=True)
class Replayed:
    """What was decided, and what the run's log is told: why an answer was not given."""

    decided: tuple[Decided, ...] = ()
    remarks: tuple[str, ...] = ()


NOTHING = Replayed()


def answer_planned(
    conn: Connection, app: App, run: Run, asked: Sequence[Approval], *, status: RunStatus
) -> Replayed:
    """
    Decide those of a run's new cards for whose questions a changed decision has an answer.

    Args:
        conn: The transaction that ends the run and has locked its thread.
        app: The parts.
        run: The run.
        asked: What it asks now.
        status: How it ended.
    """
    if run.kind not in MAY_BE_PLANNED or (not asked and run.kind is not RunKind.REWIND):
        return NOTHING
    fork = forks.fetch_newest(conn, run.thread_id)
    if fork is None or fork.verb is not RewindVerb.REDECIDE or fork.left_id is None:
        return NOTHING
    place = checkpoints.first_after(conn, run.thread_id, fork.left_id)
    here = [c for c in asked if c.checkpoint_id == place and c.kind not in STANDING]
    if not here or place is None:
        return _miss(run, fork, status)
    if status is not RunStatus.WAITING:
        return Replayed(remarks=("The run did not come to wait, so nothing was answered.",))
    order = forking.fetch_asked_at(conn, run.thread_id, place)
    decided: list[Decided] = []
    remarks: list[str] = []
    for card in here:
        try:
            found = _answer_one(conn, app, fork, card, order)
        except InterlockError as exc:
            remarks.append(f"{card.title}: the planned answer does not fit: {exc}")
            continue
        if found is None:
            remarks.append(f"{card.title}: this was not asked before, so it has no answer yet.")
        else:
            decided.append(found)
    return Replayed(tuple(decided), tuple(remarks))


def _miss(run: Run, fork: Fork, status: RunStatus) -> Replayed:
    """Nothing was asked where the decision was changed."""
    if run.run_id != fork.run_id or status in (RunStatus.FAILED, RunStatus.CANCELLED):
        return NOTHING
    return Replayed(remarks=("It was not asked again, so the changed decision was not used.",))


def _answer_one(
    conn: Connection, app: App, fork: Fork, card: Approval, order: Sequence[Approval]
) -> Decided | None:
    if card.version > 1:  # the graph refused what was given
        return None
    alike = [c for c in order if forking.asks_the_same(c, card.node, card.payload)]
    nth = [c.approval_id for c in alike].index(card.approval_id)
    planned = next(
        (
            p
            for p in fork.answers
            if forking.asks_the_same(card, p.node, p.payload) and p.nth == nth
        ),
        None,
    )
    if planned is None:
        return None
    voting.require_alone(card, voting.person_named(conn, fork.actor))
    policy = workflows.fetch_policy(conn, card.workflow)
    answers = approval_rules.answers_of(card, policy)
    question = replace(payloads.question_of(card), answers=answers)
    intent, answer = _read(planned)
    if not planned.is_kept:
        answer = payloads.build_answer(question, intent)
    reason = f"Given again: {fork.reason}" if planned.is_kept else fork.reason
    return deciding.decide_in(
        app, conn, card, question, replace(intent, reason=reason), answer, actor=fork.actor
    )


def _read(planned: PlannedAnswer) -> tuple[Intent, Json]:
    given: Mapping[str, Json] = planned.intent
    verb, each = given.get("verb"), given.get("each")
    intent = Intent(
        verb=Verb(verb) if verb is not None else None,
        value=given.get("value"),
        each=tuple(each) if each is not None else None,
        reason=given.get("reason") or "",
    )
    return intent, given.get("answer")
