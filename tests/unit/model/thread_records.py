"""Records of a thread beside its checkpoints: attempts of nodes, decisions, cards."""

from __future__ import annotations

from datetime import timedelta

from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary, Kind
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.rewinding import PastDecision
from interlock.core.types import ApprovalId, RunId

from .checkpoint_rows import T0, THREAD, point


def attempt(
    path: str,
    step: int,
    *,
    run: str = "r1",
    task: str = "",
    status: NodeStatus = NodeStatus.OK,
    at_s: float = 0,
    number: int = 1,
    within: str = "",
) -> NodeRun:
    """One attempt; `within` is the task of the node around it."""
    task_id = task or f"{path}-{step}"
    outer = f"outer:{within}|" if within else ""
    return NodeRun(
        run_id=RunId(run),
        thread_id=THREAD,
        workflow="w",
        task_id=task_id,
        attempt=number,
        delivery=1,
        node=path.rpartition("/")[2],
        path=path,
        namespace=f"{outer}{path}:{task_id}",
        step=step,
        status=status,
        started_at=T0 + timedelta(seconds=at_s),
    )


def decision(name: str, at: str, *, at_s: float = 0) -> PastDecision:
    return PastDecision(
        approval_id=ApprovalId(name),
        checkpoint_id=point(at),
        node="ask",
        title=f"May I {name}?",
        verb="approve",
        actor="ann",
        decided_at=T0 + timedelta(seconds=at_s),
    )


def card(name: str, at: str) -> ApprovalSummary:
    return ApprovalSummary(
        approval_id=ApprovalId(name),
        interrupt_id="i",
        thread_id=THREAD,
        run_id=RunId("r1"),
        workflow="w",
        node="ask",
        namespace="ask:1",
        checkpoint_id=point(at),
        kind=Kind.VALUE,
        title=name,
        allowed=(),
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=T0,
    )
