"""
Deciding a card: one transaction, one winner (law 1), and the resume run that carries it out.

The decision is a compare-and-set of the card, its decision row, the thread's queued resume run
and the audit entry. Decisions made before that run starts join it and are sent together (law 2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model import approval_rules, edits, payloads, routing
from interlock.core.model.approvals import (
    STANDING,
    Approval,
    ApprovalStatus,
    Decision,
    Intent,
    Kind,
    Verb,
)
from interlock.core.model.history import ForkLine
from interlock.core.model.payloads import Question
from interlock.core.model.people import Permission
from interlock.core.model.runs import HELD, Run, RunKind, RunStatus
from interlock.core.services import asking, card_claims, voting
from interlock.core.services.beside import NOTHING, Beside
from interlock.core.services.carding import supersede_cards
from interlock.core.services.context import App
from interlock.core.services.finding import find_card, require_sound
from interlock.core.services.launching import job_for
from interlock.core.services.permitting import command
from interlock.core.services.voting import Counted
from interlock.core.store import (
    approvals,
    audit,
    decisions,
    engine,
    forks,
    runs,
    snapshots,
    threads,
    topics,
    votes,
    workflows,
)
from interlock.core.types import ApprovalId, Json, RunId, new_id

MOST_FORKS = 1000  # of one thread


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A decision that won, the card as it is now, and the run that carries the answer."""

    approval: Approval
    decision: Decision
    run_id: RunId


@command(Permission.DECIDE)
def decide(
    app: App,
    approval_id: str,
    intent: Intent,
    *,
    version: int | None,
    actor: str,
    also: Beside = NOTHING,
) -> Decided | Counted:
    """
    Decide a card, or vote on one that takes several people.

    Args:
        app: The parts.
        approval_id: The card.
        intent: What the operator wants.
        version: The version the operator saw; None means whichever is asked now.
        actor: Who decides.
        also: What else is written if this decision wins; then it is no vote among several.

    Raises:
        NotFound: No such card.
        NotAllowed: The card's policy leaves it to others; the message says to whom.
        InvalidInput: The answer does not fit what is asked; nothing was written.
        Conflict: The card is no longer pending or asks something else by now; `winner` says who
            decided what and when, where somebody did. Or its thread can be read only.
    """
    with engine.read(app.engine) as conn:
        seen = fetch_open(conn, ApprovalId(approval_id), version)
        voting.require_may(seen, app.person)
        policy = workflows.fetch_policy(conn, seen.workflow)
    answers = approval_rules.answers_of(seen, policy)
    question = replace(payloads.question_of(seen), answers=answers)
    answer = payloads.build_answer(question, intent)
    sends = routing.sends_of(question, intent, answer) if seen.route.quorum > 1 else answer
    with engine.write(app.engine) as conn:
        require_sound(threads.lock(conn, seen.thread_id))
        approval = fetch_open(conn, seen.approval_id, seen.version)
        voting.require_may(approval, app.person)  # it may have been routed anew meanwhile
        card_claims.settle(app, conn, approval, actor=actor)
        verb, now = intent.verb or _verb_of_each(intent), app.clock.now()
        counted = voting.count(conn, approval, intent, sends, verb, actor=actor, now=now)
        if counted is not None:
            if also is not NOTHING:
                raise InvalidInput(voting.say_takes_several(approval))
            voting.tell(conn, counted)
            return counted
        decided = decide_in(app, conn, approval, question, intent, answer, actor=actor)
        also.write(conn, decided.run_id)
        topics.bump(conn, "inbox", "runs", *also.topics)
        tell(conn, decided)
        also.tell(conn, decided.run_id)
    return decided


@command(Permission.DECIDE)
def agree(
    app: App,
    approval_id: str,
    *,
    with_: str,
    version: int | None,
    actor: str,
    reason: str = "",
) -> Decided | Counted:
    """
    Say the same to a card as somebody who has voted on it.

    Raises:
        NotFound: No such card, or no vote of theirs on what is asked now.
        NotAllowed: The card's policy leaves it to others.
        Conflict: As of `decide`.
    """
    with engine.read(app.engine) as conn:
        seen = fetch_open(conn, ApprovalId(approval_id), version)
        cast = votes.fetch_on(conn, seen.approval_id, seen.version)
    vote = next((each for each in cast if each.actor == with_), None)
    if vote is None:
        raise NotFound("vote of", with_, hint="The card says who has voted on what is asked now.")
    intent = routing.intent_of(vote, reason)
    return decide(app, seen.approval_id, intent, version=seen.version, actor=actor)


def decide_in(
    app: App,
    conn: Connection,
    approval: Approval,
    question: Question,
    intent: Intent,
    answer: Json,
    *,
    actor: str,
    by_deadline: bool = False,
) -> Decided:
    """
    Decide a card in the caller's transaction, which has locked its thread, and `tell` of it last.

    Args:
        app: The parts.
        conn: The transaction.
        approval: The card as it is asked now.
        question: What it asks.
        intent: What the operator wants.
        answer: What is sent, as `payloads.build_answer` made it.
        actor: Who decides.
        by_deadline: Nobody does: its deadline is over.

    Raises:
        Conflict: The card is no longer pending, or asks something else by now.
    """
    now = app.clock.now()
    held = _held_run(conn, approval)
    if not approvals.close(
        conn,
        approval.approval_id,
        version=approval.version,
        status=ApprovalStatus.DECIDED,
        now=now,
    ):
        raise _conflict(conn, approval.approval_id)
    run = _join_run(app, conn, approval, held, verb=intent.verb, actor=actor)
    before, after = _change(conn, approval, question, intent, answer)
    decision = Decision(
        decision_id=new_id(),
        approval_id=approval.approval_id,
        version=approval.version,
        actor=actor,
        verb=intent.verb or _verb_of_each(intent),
        answer=answer,
        reason=intent.reason,
        decided_at=now,
        seconds_to_decide=max(0.0, (now - approval.asked_at).total_seconds()),
        run_id=run.run_id,
        before=before,
        after=after,
        by_deadline=by_deadline,
    )
    decisions.insert(conn, decision)
    closed = replace(approval, status=ApprovalStatus.DECIDED, closed_at=now)
    return Decided(approval=closed, decision=decision, run_id=run.run_id)


def tell(conn: Connection, decided: Decided) -> None:
    """Enter a decision into the audit; last in its transaction."""
    decision = decided.decision
    audit.append(
        conn,
        at=decision.decided_at,
        actor=decision.actor,
        action=f"decide:{decision.verb}",
        object_=f"approval:{decision.approval_id}",
        before=decision.before,
        after={
            "answer": decision.answer,
            "version": decision.version,
            "run_id": decision.run_id,
            **({"by_deadline": True} if decision.by_deadline else {}),
            # What was edited as it became, to be read beside `before`; the answer has another shape.
            **({"edited": decision.after} if decision.before is not None else {}),
        },
        reason=decision.reason,
    )


def fetch_open(conn: Connection, approval_id: ApprovalId, version: int | None) -> Approval:
    """
    The card, which is pending as the version that somebody saw.

    Raises:
        NotFound: No such card.
        Conflict: It is not, any more; the message and `winner` say why.
    """
    approval = find_card(conn, approval_id)
    if approval.status is not ApprovalStatus.PENDING or version not in (None, approval.version):
        raise _conflict(conn, approval_id, seen=version)
    return approval


def _conflict(conn: Connection, approval_id: ApprovalId, *, seen: int | None = None) -> Conflict:
    approval = approvals.fetch(conn, approval_id)
    assert approval is not None  # cards are never deleted while their thread exists
    taken = decisions.fetch_for_approval(conn, approval_id)
    wanted = seen if seen is not None else approval.version
    decision = next((d for d in taken if d.version == wanted), None)
    if decision is not None:
        who = "its deadline" if decision.by_deadline else decision.actor
        return Conflict(
            f"Already decided: {who} chose {decision.verb} at"
            f" {decision.decided_at:%Y-%m-%d %H:%M:%S} UTC.",
            winner=_winner(approval, decision),
            hint="Your decision was not used.",
        )
    if approval.status is ApprovalStatus.PENDING:
        return Conflict(
            f"The card asks something else by now: it is version {approval.version},"
            f" you saw {seen}.",
            winner={"version": approval.version, "status": str(approval.status)},
            hint="Read it again; your decision was not used.",
        )
    fork = _find_fork(conn, approval)
    if fork is not None:
        return Conflict(
            f"The card was left behind: {fork.actor} set the thread back at"
            f" {fork.created_at:%Y-%m-%d %H:%M:%S} UTC ({fork.verb}: {fork.reason}).",
            winner={
                "approval_id": approval.approval_id,
                "status": str(approval.status),
                "version": approval.version,
                "actor": fork.actor,
                "verb": str(fork.verb),
                "reason": fork.reason,
                "decided_at": fork.created_at.isoformat(),
                "run_id": fork.run_id,
            },
            hint="Your decision was not used.",
        )
    return Conflict(
        f"The card is no longer pending: it is {approval.status}.",
        winner={"version": approval.version, "status": str(approval.status)},
        hint="Your decision was not used.",
    )


def _find_fork(conn: Connection, approval: Approval) -> ForkLine | None:
    """Who set the thread back and so left a card behind, if that is what became of it."""
    if approval.status is not ApprovalStatus.SUPERSEDED:
        return None
    found = forks.fetch_for_thread(conn, approval.thread_id, limit=MOST_FORKS)
    return next((fork for fork in found if fork.created_at == approval.closed_at), None)


def _winner(approval: Approval, decision: Decision) -> dict[str, Json]:
    return {
        "approval_id": approval.approval_id,
        "status": str(approval.status),
        "version": decision.version,
        "actor": decision.actor,
        "verb": str(decision.verb),
        "answer": decision.answer,
        "reason": decision.reason,
        "decided_at": decision.decided_at.isoformat(),
        "run_id": decision.run_id,
        "by_deadline": decision.by_deadline,
    }


def _held_run(conn: Connection, approval: Approval) -> Run:
    """The newest run of the card's thread, which the next one continues; its options are inherited."""
    open_or_held = runs.find_open_or_held(conn, approval.thread_id)
    if open_or_held:
        return open_or_held[-1]
    asked_by = runs.fetch(conn, approval.run_id)
    if asked_by is None:
        raise NotFound("run", approval.run_id)
    return asked_by


def _kind_of_run(approval: Approval, verb: Verb | None) -> RunKind:
    """Trying a failed node again is what a retry of its run is: with the answers that were given."""
    if approval.kind is Kind.FAILURE and verb is Verb.APPROVE:
        return RunKind.RETRY
    return RunKind.PROCEED if approval.kind in STANDING else RunKind.RESUME


def _join_run(
    app: App, conn: Connection, approval: Approval, held: Run, *, verb: Verb | None, actor: str
) -> Run:
    now = app.clock.now()
    kind = _kind_of_run(approval, verb)
    queued = runs.find_queued_resume(conn, approval.thread_id) if kind is RunKind.RESUME else None
    if queued is not None:
        return queued
    if approval.kind is Kind.FAILURE and verb is Verb.EDIT:
        supersede_cards(conn, approval.thread_id, now=now)  # they ask about the state before it
    else:
        asking.close_cards(conn, approval.thread_id, now=now)  # it runs along with the others
    runs.move(conn, held.run_id, from_=HELD, to=RunStatus.CONTINUED)
    run = Run(
        run_id=RunId(new_id()),
        thread_id=approval.thread_id,
        workflow=approval.workflow,
        kind=kind,
        status=RunStatus.QUEUED,
        input=None,
        context=held.context,
        options=held.options,
        priority=held.priority,
        created_at=now,
        created_by=actor,
        previous_run_id=held.run_id,
        variant=held.variant,
        batch_id=held.batch_id,
    )
    runs.insert(conn, run)
    threads.touch(conn, approval.thread_id, last_run_id=run.run_id, now=now)
    app.queue.enqueue(conn, job_for(run), now=now)
    return run


def _word_of(one: Json) -> str:
    return str(one.get("decision", one.get("type", ""))) if isinstance(one, dict) else str(one)


def _change(
    conn: Connection, approval: Approval, question: Question, intent: Intent, answer: Json
) -> tuple[Json, Json]:
    """What an edit started from and what it became; nothing for other verbs."""
    if question.actions:
        return edits.find_change(question, answer, None)
    if intent.verb is not Verb.EDIT:
        return None, None
    if approval.kind not in STANDING:
        return None, answer
    kept = snapshots.fetch(conn, approval.thread_id, approval.checkpoint_id)
    return edits.find_change(question, answer, kept.values if kept else None)


def _verb_of_each(intent: Intent) -> Verb:
    """One word for several decisions: theirs if they agree, else `answer`."""
    words = {_word_of(e) for e in intent.each or ()}
    only = words.pop() if len(words) == 1 else ""
    return Verb(only) if only in {str(v) for v in Verb} else Verb.ANSWER
