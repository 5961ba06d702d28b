"""The JSON documents that scripts rely on (DESIGN.md section 6): the same from command line and API. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from interlock.core.model.approvals import Approval, Decision
from interlock.core.model.history import ForkLine, Point
from interlock.core.model.nodes import THREAD_LEFT, NodeRun, RunEvent
from interlock.core.model.routes import Route
from interlock.core.model.routing import Vote
from interlock.core.model.runs import Failure, Run, RunSummary
from interlock.core.model.threads import Snapshot
from interlock.core.model.workflows import Workflow
from interlock.core.services.deciding import Decided
from interlock.core.services.history import Comparison
from interlock.core.services.observing import Card
from interlock.core.services.voting import Counted
from interlock.core.types import Json


def of_workflow(workflow: Workflow) -> dict[str, Json]:
    """One entry of `workflows`."""
    return {
        "name": workflow.name,
        "description": workflow.description,
        "nodes": list(workflow.nodes),
        "input_schema": workflow.input_schema,
        "policy": workflow.policy,
        "error": workflow.error,
    }


def of_run(run: RunSummary) -> dict[str, Json]:
    """One entry of `runs`; of an error its stack and all that was kept with it are left to `run`."""
    return {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "workflow": run.workflow,
        "kind": str(run.kind),
        "status": str(run.status),
        "created_at": _iso(run.created_at),
        "created_by": run.created_by,
        "started_at": _iso(run.started_at),
        "ended_at": _iso(run.ended_at),
        "previous_run_id": run.previous_run_id,
        "reason": run.reason,
        "variant": run.variant,
        "batch_id": run.batch_id,
        "is_degraded": run.is_degraded,
        "steps_in_memory": run.steps_in_memory,
        "may_have_repeated": run.may_have_repeated,
        "error": run.error and {"type": run.error.type, "message": run.error.message},
    }


def of_run_detail(
    run: Run, *, values: Json, nodes: Iterable[NodeRun], warnings: Iterable[RunEvent]
) -> dict[str, Json]:
    """The document of `run`; `threads_left` counts sync nodes that went on after their time."""
    told = [of_warning(warning) for warning in warnings]
    return {
        **of_run(run),
        "error": _of_failure(run.error, with_snapshot=True),
        "values": values,
        "nodes": [of_node(node) for node in nodes],
        "warnings": list(told),
        "threads_left": sum(warning["text"] == THREAD_LEFT for warning in told),
    }


def of_warning(event: RunEvent) -> dict[str, Json]:
    """A sentence that a run's log has for whoever operates it."""
    text = event.data.get("text") if isinstance(event.data, dict) else event.data
    return {"node": event.path, "text": str(text), "at": _iso(event.at)}


def of_event(event: RunEvent) -> dict[str, Json]:
    """One entry of a run's log."""
    return {
        "seq": event.seq,
        "kind": event.kind,
        "node": event.path,
        "at": _iso(event.at),
        "data": event.data,
    }


def of_node(node: NodeRun) -> dict[str, Json]:
    """One attempt; `node` is the full path ("team/researcher")."""
    return {
        "node": node.path,
        "task_id": node.task_id,
        "attempt": node.attempt,
        "status": str(node.status),
        "duration_ms": node.duration_ms,
        "started_at": _iso(node.started_at),
        "error_type": node.error_type,
        "error_message": node.error_message,
        "error_kind": node.error_kind,
        "is_final": node.is_final,
        "retry_wait_ms": node.retry_wait_ms,
        "origin": node.origin,
    }


def of_launch(run: Run, approvals: Sequence[Approval]) -> dict[str, Json]:
    """The document of `launch`; its cards are as `inbox` lists them, and nobody has one yet."""
    return {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "status": str(run.status),
        "approvals": [{**of_approval(approval), "claim": None} for approval in approvals],
        "error": _of_failure(run.error, with_snapshot=False),
    }


def of_approval(approval: Approval) -> dict[str, Json]:
    """One entry of `inbox`."""
    return {
        "approval_id": approval.approval_id,
        "interrupt_id": approval.interrupt_id,
        "thread_id": approval.thread_id,
        "run_id": approval.run_id,
        "workflow": approval.workflow,
        "node": approval.node,
        "kind": str(approval.kind),
        "title": approval.title,
        "payload": approval.payload,
        "allowed": [str(verb) for verb in approval.allowed],
        "schema": approval.schema,
        "risk": approval.risk,
        "status": str(approval.status),
        "version": approval.version,
        "asked_at": _iso(approval.asked_at),
        "deadline_at": _iso(approval.deadline_at),
        "warn_at": _iso(approval.warn_at),
        "on_timeout": approval.on_timeout,
        "is_due": approval.due_at is not None,
        "escalated_to": approval.escalated_to,
        "deadline_note": approval.deadline_note,
        **_of_route(approval.route),
    }


def _of_route(route: Route) -> dict[str, Json]:
    """Who decides a card: `approvers` null is any operator, an empty list admins."""
    return {
        "approvers": None if route.approvers is None else list(route.approvers),
        "quorum": route.quorum,
        "self_approval": route.self_approval,
        "initiators": list(route.initiators),
        "priority": route.priority,
        "route_note": route.note,
    }


def of_vote(vote: Vote) -> dict[str, Json]:
    """One vote on a version of a card; `intent` is what they want, without the reason."""
    return {
        "version": vote.version,
        "actor": vote.actor,
        "verb": str(vote.verb),
        "intent": vote.intent,
        "reason": vote.reason,
        "voted_at": _iso(vote.voted_at),
    }


def of_card(card: Card) -> dict[str, Json]:
    """One card with what was decided of it, each of its versions."""
    return {
        **of_approval(card.approval),
        "decisions": [of_decision(decision) for decision in card.decisions],
        "votes": [of_vote(vote) for vote in card.votes],
    }


def of_decision(decision: Decision) -> dict[str, Json]:
    """One decision, as the card keeps it."""
    return {
        "version": decision.version,
        "actor": decision.actor,
        "verb": str(decision.verb),
        "answer": decision.answer,
        "reason": decision.reason,
        "decided_at": _iso(decision.decided_at),
        "seconds_to_decide": decision.seconds_to_decide,
        "run_id": decision.run_id,
        "by_deadline": decision.by_deadline,
        "before": decision.before,
        "after": decision.after,
    }


def of_decided(decided: Decided | Counted) -> dict[str, Json]:
    """The document of `decide`; of a vote that decides nothing yet, with the votes and how many are missing."""
    found: dict[str, Json] = {
        "approval_id": decided.approval.approval_id,
        "status": str(decided.approval.status),
        "run_id": decided.run_id,
    }
    if isinstance(decided, Counted):
        found |= {
            "version": decided.approval.version,
            "votes": [of_vote(vote) for vote in decided.votes],
            "missing": decided.missing,
        }
    return found


def of_snapshot(snapshot: Snapshot) -> dict[str, Json]:
    """The document of `state`."""
    return {
        "checkpoint_id": snapshot.checkpoint_id,
        "values": snapshot.values,
        "next": list(snapshot.next),
        "interrupts": [dict(interrupt) for interrupt in snapshot.interrupts],
        "metadata": dict(snapshot.metadata),
        "created_at": _iso(snapshot.created_at),
    }


def of_point(point: Point, *, head: str | None) -> dict[str, Json]:
    """One entry of `history`; the head is the newest checkpoint of the thread."""
    return {
        "checkpoint_id": point.checkpoint_id,
        "parent_id": point.parent_id,
        "step": point.step,
        "source": point.source,
        "next": list(point.next),
        "created_at": _iso(point.created_at),
        "branch": point.branch,
        "is_head": point.checkpoint_id == head,
        "run_id": point.run_id,
        "size_bytes": point.size_bytes,
        "ran": list(point.ran),
        "asked": point.asked_count,
        "decided": point.decided_count,
        "fork": None if point.fork is None else of_fork(point.fork),
    }


def of_fork(fork: ForkLine) -> dict[str, Json]:
    """Who set a thread back here, when and why."""
    return {
        "verb": str(fork.verb),
        "actor": fork.actor,
        "reason": fork.reason,
        "created_at": _iso(fork.created_at),
        "run_id": fork.run_id,
        "target_id": fork.target_id,
        "left_id": fork.left_id,
        "from_thread_id": fork.from_thread_id,
        "as_node": fork.as_node,
    }


def of_comparison(thread_id: str, found: Comparison) -> dict[str, Json]:
    """The document of `diff`."""
    return {
        "thread_id": thread_id,
        "from": found.before.checkpoint_id,
        "to": found.after.checkpoint_id,
        **found.diff.as_json(),
    }


def _of_failure(failure: Failure | None, *, with_snapshot: bool) -> Json:
    if failure is None:
        return None
    document = failure.as_json()
    if not with_snapshot:
        document.pop("snapshot")
    return document


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
