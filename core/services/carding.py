"""
Cards follow the checkpoint: after each run the thread's cards are brought level with its head.

The checkpoint database is the truth (law 4), so the same function serves a run that ended, a
delivery that only records, and a worker that starts after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.model import approval_rules, payloads
from interlock.core.model.approvals import Approval, ApprovalStatus, Decision, Verb
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.payloads import Question
from interlock.core.model.runs import Failure, Run, RunStatus
from interlock.core.model.workflows import tools_around
from interlock.core.services import asking
from interlock.core.services.provenance import is_from_elsewhere
from interlock.core.store import approvals, decisions, encoding, runs, workflows
from interlock.core.types import ApprovalId, Json, ThreadId, new_id

BREAK_KEY = "break:"
REFUSED = "Nothing happens at its deadline: the graph refused what was sent at the last one."
ASKED_BEFORE = "Nothing happens at its deadline: it was asked before Interlock knew of its thread."
CHANGED = "The card asks something else by now; the answer was not sent."


@dataclass(frozen=True)
class Levelled:
    """Cards that were newly asked, and how many of the thread's are pending now."""

    asked: tuple[Approval, ...]
    pending: int


class Published:
    """What workers published of workflows, as far as cards need it; each is read once."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._policies: dict[str, Json] = {}
        self._tools: dict[str, Json] = {}
        self._schemas: dict[str, Json] = {}

    def find_policy(self, name: str) -> Json:
        """What interlock.toml says of a workflow."""
        if name not in self._policies:
            self._policies[name] = workflows.fetch_policy(self.conn, name)
        return self._policies[name]

    def find_tools(self, name: str) -> Json:
        """The tools of a workflow."""
        if name not in self._tools:
            self._tools[name] = workflows.fetch_tools(self.conn, name)
        return self._tools[name]

    def find_state_schema(self, name: str) -> Json:
        """The schema of its state; None where that is not known."""
        if name not in self._schemas:
            found = workflows.fetch(self.conn, name)
            self._schemas[name] = None if found is None else found.state_schema
        return self._schemas[name]


def level_cards(
    conn: Connection,
    run: Run,
    *,
    head: Head,
    status: RunStatus,
    refused: Mapping[str, str],
    now: datetime,
    failure: Failure | None = None,
) -> Levelled:
    """
    Make the thread's cards say what its head asks.

    Args:
        conn: The transaction that also ends the run.
        run: The run that ended.
        head: Where the thread stands.
        status: How the run ended.
        refused: Ids of questions whose answer the graph refused, with its reason.
        now: When.
        failure: Why the run failed, if a human is asked what to do about it.
    """
    published = Published(conn)
    asked: list[Approval] = []
    kept: list[ApprovalId] = []
    adopted: list[ApprovalId] = []
    stands = RunStatus.FAILED if failure is not None else status
    for interrupt in head.interrupts:
        if interrupt.is_answered:
            continue
        card = _card(published, run, head, interrupt, now)
        pending = _level_one(
            conn, card, interrupt.interrupt_id, stands, refused.get(interrupt.interrupt_id)
        )
        if pending is not None:
            kept.append(pending.approval_id)
            if pending.run_id != run.run_id:
                adopted.append(pending.approval_id)
            if pending.asked_at == now:
                asked.append(pending)
    if failure is not None:
        card = asking.put_card(conn, run, failure, head.checkpoint_id, due=head.due, now=now)
        kept.append(card.approval_id)
        asked.append(card)
    elif status is RunStatus.PAUSED:
        card = _breakpoint_card(published, run, head, now)
        pending = _level_one(conn, card, f"{BREAK_KEY}{head.checkpoint_id}", status, None)
        if pending is not None:
            kept.append(pending.approval_id)
            asked.append(pending)
    approvals.close_for_thread(
        conn, run.thread_id, status=ApprovalStatus.SUPERSEDED, now=now, except_ids=kept
    )
    approvals.adopt(conn, adopted, run.run_id)
    return Levelled(tuple(asked), len(kept))


def ask_first(conn: Connection, held: Sequence[tuple[Run, Head]]) -> None:
    """
    Ask what the heads of threads ask that never had a card, all with the same few statements.

    Args:
        conn: The transaction that also keeps the threads.
        held: The run that holds each thread, since when it does, and where that stands.
    """
    published = Published(conn)
    cards: dict[tuple[ThreadId, str], Approval] = {}
    for run, head in held:
        at = run.ended_at or run.created_at
        for interrupt in head.interrupts:
            if not interrupt.is_answered:
                card = _without_outcome(_card(published, run, head, interrupt, at))
                cards.setdefault((run.thread_id, interrupt.interrupt_id), card)
        if run.status is RunStatus.PAUSED:
            card = _without_outcome(_breakpoint_card(published, run, head, at))
            cards[run.thread_id, f"{BREAK_KEY}{head.checkpoint_id}"] = card
    approvals.insert_many(conn, [(card, key) for (_, key), card in cards.items()])
    for card in cards.values():
        asking.tell_of_deadline(card)


def _without_outcome(card: Approval) -> Approval:
    """A card from before we knew of it: its deadline may be over before anybody could see it here."""
    if card.due_at is None:
        return card
    return replace(card, due_at=None, deadline_note=ASKED_BEFORE)


def withdraw_cards(conn: Connection, thread_id: ThreadId, *, now: datetime) -> None:
    """Nobody is asked any more: the thread's run was cancelled."""
    approvals.close_for_thread(conn, thread_id, status=ApprovalStatus.WITHDRAWN, now=now)


def supersede_cards(conn: Connection, thread_id: ThreadId, *, now: datetime) -> None:
    """The thread goes on from elsewhere: what was asked there is asked anew, or not at all."""
    approvals.close_for_thread(conn, thread_id, status=ApprovalStatus.SUPERSEDED, now=now)


def _level_one(
    conn: Connection, card: Approval, key: str, status: RunStatus, refusal: str | None
) -> Approval | None:
    """
    Insert, keep or reopen one card; None if it stays decided.

    A node that runs again may ask something else under the same id: who read the old version must
    not answer the new one, nor may an answer reach it that was given for the old one.
    """
    known = approvals.fetch_by_question(conn, card.thread_id, key)
    if known is None:
        approvals.insert(conn, card, key)
        asking.tell_of_deadline(card)
        return card
    is_changed = not _asks_the_same(known, card)
    if known.status is ApprovalStatus.PENDING and not is_changed:
        return known
    if known.status is ApprovalStatus.DECIDED:
        decision = next(iter(decisions.fetch_for_approval(conn, known.approval_id)), None)
        if is_changed and refusal is None and _is_on_its_way(conn, decision):
            refusal = CHANGED
        if not _must_ask_again(conn, card, decision, status, refusal):
            return None
        if decision is not None and refusal is not None:
            decisions.mark_refused(conn, decision.decision_id, refusal)
            if decision.by_deadline:  # it would be refused again at the next one
                card = replace(card, due_at=None, deadline_note=REFUSED)
    again = replace(card, approval_id=known.approval_id, version=known.version + 1)
    approvals.reopen(conn, known.approval_id, version_from=known.version, approval=again)
    asking.tell_of_deadline(again)
    return again


def _must_ask_again(
    conn: Connection,
    card: Approval,
    decision: Decision | None,
    status: RunStatus,
    refusal: str | None,
) -> bool:
    """
    An answered question is asked again only if the graph refused the answer (law 2), if it was
    answered elsewhere only, in the file that the thread came from, or if a run that held without
    failing still stands before it although nothing is on its way.
    """
    if refusal is not None or decision is None:
        return True
    if is_from_elsewhere(conn, card.thread_id, runs.fetch(conn, decision.run_id)):
        return True
    if status not in {RunStatus.WAITING, RunStatus.PAUSED}:
        return False  # Retry hands the same answer over
    return not _is_on_its_way(conn, decision)


def _is_on_its_way(conn: Connection, decision: Decision | None) -> bool:
    carrier = runs.fetch(conn, decision.run_id) if decision is not None else None
    return carrier is not None and carrier.status is RunStatus.QUEUED


def _asks_the_same(known: Approval, card: Approval) -> bool:
    """Whether a version that somebody may have read says what is asked now (law 1)."""
    return encoding.are_same(
        [known.payload, known.schema],
        [card.payload, card.schema],
    )


def _with_rules(published: Published, card: Approval, nodes: Sequence[str], run: Run) -> Approval:
    rules = approval_rules.find_rules(published.find_policy(card.workflow), nodes)
    return asking.apply_rules(published.conn, card, rules, run)


def _card(
    published: Published, run: Run, head: Head, interrupt: LiveInterrupt, now: datetime
) -> Approval:
    value, schema, node = interrupt.value, interrupt.schema, interrupt.node
    question = payloads.read_interrupt(value, schema, node=node)
    card = Approval(
        approval_id=ApprovalId(new_id()),
        interrupt_id=interrupt.interrupt_id,
        thread_id=run.thread_id,
        run_id=run.run_id,
        workflow=run.workflow,
        node=interrupt.node,
        namespace=interrupt.namespace,
        checkpoint_id=head.checkpoint_id,
        kind=question.kind,
        title=question.title,
        payload=interrupt.value,
        allowed=question.allowed,
        schema=interrupt.schema,
        tools=_tools_asked_about(published, run.workflow, node, question),
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=now,
    )
    return _with_rules(published, card, [node], run)


def _tools_asked_about(
    published: Published, workflow: str, node: str, question: Question
) -> dict[str, Json] | None:
    """
    The schemas of the tools that a question is about and says nothing of.

    They are kept with the card: the workflow may have other tools when it is decided.
    """
    editable = [action for action in question.actions if Verb.EDIT in action.allowed]
    wanted = {action.name for action in editable if action.schema is None}
    if not wanted:
        return None
    known = tools_around(published.find_tools(workflow), node)
    return {name: known[name] for name in sorted(wanted & known.keys())} or None


def _breakpoint_card(published: Published, run: Run, head: Head, now: datetime) -> Approval:
    state_schema = published.find_state_schema(run.workflow)
    question = payloads.read_breakpoint(head.next, state_schema=state_schema)
    card = Approval(
        approval_id=ApprovalId(new_id()),
        interrupt_id=None,
        thread_id=run.thread_id,
        run_id=run.run_id,
        workflow=run.workflow,
        node=", ".join(dict.fromkeys(head.next)),
        namespace="",
        checkpoint_id=head.checkpoint_id,
        kind=question.kind,
        title=question.title,
        payload={"next": list(head.next)},
        allowed=question.allowed,
        schema=state_schema,
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=now,
    )
    return _with_rules(published, card, head.next, run)
