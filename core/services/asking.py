"""The cards of runs that failed: who is to decide whether to try again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.model import approval_rules, payloads
from interlock.core.model.approvals import (
    STANDING,
    Approval,
    ApprovalStatus,
    ApprovalSummary,
    Kind,
    Verb,
)
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.payloads import EditCost
from interlock.core.model.policies import ApprovalPolicy
from interlock.core.model.runs import Failure, Run
from interlock.core.services.beginning import find_initiators
from interlock.core.store import approvals, decisions, nodes, snapshots, workflows
from interlock.core.types import ApprovalId, CheckpointId, Json, ThreadId, new_id

FAIL_KEY = "fail:"
FINISHED = frozenset({NodeStatus.OK, NodeStatus.CACHED})
MAX_CARDS = 1000  # of one thread

logger = logging.getLogger(__name__)


def put_card(
    conn: Connection,
    run: Run,
    failure: Failure,
    checkpoint_id: CheckpointId,
    *,
    due: Sequence[str],
    now: datetime,
) -> Approval:
    """
    Ask a human what to do about a run that failed; one that was asked before is asked again.

    Args:
        conn: The transaction that also pauses the run.
        run: The run.
        failure: Why it failed.
        checkpoint_id: Where its thread stands.
        due: The nodes that are due there.
        now: When.
    """
    workflow = workflows.fetch(conn, run.workflow)
    schema = workflow.state_schema if workflow is not None else None
    payload = payloads.describe_failure(
        failure,
        failure.node,
        attempt=failure.attempt,
        due=due,
        nodes=workflow.nodes if workflow is not None else (),
        cost=_find_cost(conn, run, failure, checkpoint_id),
        has_fallback=approval_rules.has_fallback(
            workflow.policy if workflow is not None else None, failure.node
        ),
    )
    question = payloads.read_failure(payload, state_schema=schema)
    card = Approval(
        approval_id=ApprovalId(new_id()),
        interrupt_id=None,
        thread_id=run.thread_id,
        run_id=run.run_id,
        workflow=run.workflow,
        node=failure.node or ", ".join(dict.fromkeys(due)),
        namespace="",
        checkpoint_id=checkpoint_id,
        kind=question.kind,
        title=question.title,
        payload=payload,
        allowed=question.allowed,
        schema=schema,
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=now,
    )
    rules = approval_rules.find_rules(workflow.policy if workflow else None, [card.node])
    card = apply_rules(conn, card, rules, run)
    key = f"{FAIL_KEY}{checkpoint_id}:{run.run_id}"
    known = approvals.fetch_by_question(conn, run.thread_id, key)
    tell_of_deadline(card)
    if known is None:
        approvals.insert(conn, card, key)
        return card
    if known.status is ApprovalStatus.PENDING:
        return known
    again = replace(card, approval_id=known.approval_id, version=known.version + 1)
    approvals.reopen(conn, known.approval_id, version_from=known.version, approval=again)
    return again


def apply_rules(conn: Connection, card: Approval, rules: ApprovalPolicy, run: Run) -> Approval:
    """The card with what its policy says of it; state and beginnings are read only where that asks for them."""

    def read_state() -> Json:
        kept = snapshots.fetch(conn, card.thread_id, card.checkpoint_id)
        return None if kept is None else kept.values

    return approval_rules.apply(
        card, rules, state=read_state, initiators=lambda: find_initiators(conn, run)
    )


def tell_of_deadline(card: Approval) -> None:
    """Log of a card that was just asked why nothing will happen at its deadline, where it was to."""
    if card.deadline_note:
        told = {"approval_id": card.approval_id, "workflow": card.workflow, "node": card.node}
        logger.warning("deadline_without_outcome", extra=told | {"reason": card.deadline_note})


def close_cards(conn: Connection, thread_id: ThreadId, *, now: datetime) -> None:
    """The thread goes on without its failed node's card having been decided: nobody is asked now."""
    for card in approvals.fetch_summaries(conn, thread_id=thread_id, limit=MAX_CARDS):
        if card.kind is Kind.FAILURE:
            approvals.close(
                conn,
                card.approval_id,
                version=card.version,
                status=ApprovalStatus.SUPERSEDED,
                now=now,
            )


def _find_cost(
    conn: Connection, run: Run, failure: Failure, checkpoint_id: CheckpointId
) -> EditCost:
    """What an edit does here beside changing the state, as `graphs.proceeding` will carry it out."""
    known = approvals.fetch_summaries(
        conn,
        statuses=(ApprovalStatus.DECIDED, ApprovalStatus.PENDING),
        thread_id=run.thread_id,
        limit=MAX_CARDS,
        newest_first=True,
    )
    here = [card for card in known if card.checkpoint_id == checkpoint_id]
    asked = [(_task_of(card), card.title) for card in here if card.kind not in STANDING]
    tried = nodes.fetch_for_tasks(conn, run.thread_id, [task_id for task_id, _ in asked])
    ended = {attempt.task_id for attempt in tried if attempt.status in FINISHED}
    cost = EditCost(
        is_second=any(_was_edited(conn, card) for card in here if card.kind in STANDING),
        asked=tuple(title for task_id, title in asked if task_id not in ended),
        settled=tuple(title for task_id, title in asked if task_id in ended),
    )
    if not cost.is_fresh_start:
        return cost
    return replace(cost, finished=_find_finished(conn, run, failure))


def _task_of(card: ApprovalSummary) -> str:
    """Id of the task of the graph itself in which a card asks."""
    return card.namespace.partition("|")[0].rpartition(":")[2]


def _was_edited(conn: Connection, card: ApprovalSummary) -> bool:
    return any(
        decision.verb is Verb.EDIT
        for decision in decisions.fetch_for_approval(conn, card.approval_id)
    )


def _find_finished(conn: Connection, run: Run, failure: Failure) -> tuple[str, ...]:
    """The nodes that finished beside the one that failed, whichever run of the thread they ran in."""
    steps = [n.step for n in nodes.fetch_for_runs(conn, [run.run_id]) if n.path == failure.node]
    if not steps:
        return ()
    beside = nodes.fetch_step(conn, run.thread_id, steps[-1])
    finished = [n.path for n in beside if n.status in FINISHED]
    return tuple(dict.fromkeys(path for path in finished if "/" not in path))
