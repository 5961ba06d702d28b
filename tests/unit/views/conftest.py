"""Records with sensible values, so that a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from interlock.core.model.approvals import Approval, ApprovalStatus, Decision, Kind, Verb
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.workflows import Workflow

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def make_run(run_id: str = "run-1", status: RunStatus = RunStatus.RUNNING, **fields: Any) -> Run:
    values: dict[str, Any] = {
        "thread_id": "thread-1",
        "workflow": "refund_desk",
        "kind": RunKind.START,
        "input": {"amount": 620},
        "context": None,
        "options": RunOptions(),
        "priority": 0,
        "created_at": ago(minutes=4),
        "created_by": "Ann",
    }
    return Run(run_id=run_id, status=status, **(values | fields))


def make_card(approval_id: str = "card-1", **fields: Any) -> Approval:
    values: dict[str, Any] = {
        "interrupt_id": "interrupt-1",
        "thread_id": "thread-1",
        "run_id": "run-1",
        "workflow": "refund_desk",
        "node": "review",
        "namespace": "",
        "checkpoint_id": "checkpoint-1",
        "kind": Kind.VALUE,
        "title": "Refund 620 EUR?",
        "payload": "Refund 620 EUR?",
        "allowed": (Verb.APPROVE, Verb.REJECT, Verb.ANSWER),
        "schema": None,
        "risk": "",
        "status": ApprovalStatus.PENDING,
        "version": 1,
        "asked_at": ago(minutes=12),
    }
    return Approval(approval_id=approval_id, **(values | fields))


def make_decision(approval_id: str = "card-1", **fields: Any) -> Decision:
    values: dict[str, Any] = {
        "decision_id": "decision-1",
        "version": 1,
        "actor": "Ann",
        "verb": Verb.APPROVE,
        "answer": True,
        "reason": "",
        "decided_at": ago(minutes=4),
        "seconds_to_decide": 8.0,
        "run_id": "run-2",
    }
    return Decision(approval_id=approval_id, **(values | fields))


def make_node(path: str = "review", **fields: Any) -> NodeRun:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "thread_id": "thread-1",
        "workflow": "refund_desk",
        "task_id": f"task-{path}",
        "attempt": 1,
        "delivery": 1,
        "node": path.rpartition("/")[2],
        "path": path,
        "namespace": "",
        "step": 1,
        "status": NodeStatus.OK,
        "started_at": ago(seconds=10),
        "duration_ms": 1000.0,
    }
    return NodeRun(**(values | fields))


def make_event(seq: int, kind: str, data: object, path: str = "draft") -> RunEvent:
    return RunEvent(run_id="run-1", seq=seq, kind=kind, path=path, at=NOW, data=data)


def make_workflow(name: str = "refund_desk", **fields: Any) -> Workflow:
    values: dict[str, Any] = {
        "description": "Pays back.",
        "nodes": ("review",),
        "graph": {"nodes": [], "edges": []},
        "input_schema": None,
        "context_schema": None,
        "state_schema": None,
        "channels": (),
        "error": None,
        "published_at": NOW,
    }
    return Workflow(name=name, **(values | fields))


def make_overview(**fields: Any) -> Any:
    values: dict[str, Any] = {
        "waiting": 0,
        "oldest_waiting_at": None,
        "running": 0,
        "queued": 0,
        "workers_alive": 1,
        "newest_heartbeat_at": NOW,
        "jobs_due": 0,
        "project": "gallery",
        "at": NOW,
        "oldest_due_at": None,
        "slots": 20,
        "overdue": 0,
        "is_queue_full": False,
        "unserved": (),
        "holds": (),
    }
    return SimpleNamespace(**(values | fields))


@pytest.fixture
def make() -> SimpleNamespace:
    """Makes records of every kind."""
    return SimpleNamespace(
        now=NOW,
        ago=ago,
        run=make_run,
        card=make_card,
        decision=make_decision,
        node=make_node,
        event=make_event,
        workflow=make_workflow,
        overview=make_overview,
    )
