"""Records with sensible contents, of which a test names only what it is about."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from sqlalchemy import Engine, event

from interlock.core.model.approvals import Approval, ApprovalStatus, Decision, Kind, Verb
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import CheckpointEntry, Snapshot, Thread
from interlock.core.store import approvals, runs, threads
from interlock.core.types import new_id

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


class Maker:
    """Makes records, and puts into the database what they need there."""

    def at(self, seconds: float) -> datetime:
        return NOW + timedelta(seconds=seconds)

    def thread(self, thread_id="t1", **changes) -> Thread:
        record = Thread(
            thread_id=thread_id,
            workflow="refunds",
            head_checkpoint_id=None,
            last_run_id=None,
            created_at=NOW,
            updated_at=NOW,
        )
        return replace(record, **changes)

    def run(self, run_id=None, **changes) -> Run:
        record = Run(
            run_id=run_id or new_id(),
            thread_id="t1",
            workflow="refunds",
            kind=RunKind.START,
            status=RunStatus.QUEUED,
            input={"amount": 700},
            context=None,
            options=RunOptions(break_before=("charge",)),
            priority=0,
            created_at=NOW,
            created_by="ann",
        )
        return replace(record, **changes)

    def approval(self, approval_id=None, **changes) -> Approval:
        record = Approval(
            approval_id=approval_id or new_id(),
            interrupt_id="i1",
            thread_id="t1",
            run_id="r1",
            workflow="refunds",
            node="review",
            namespace="review:1",
            checkpoint_id="c1",
            kind=Kind.SCHEMA,
            title="Refund 700?",
            payload={"amount": 700, "by": "mail"},
            allowed=(Verb.APPROVE, Verb.REJECT),
            schema={"type": "object", "properties": {"z": {}, "a": {}}},
            risk="high",
            status=ApprovalStatus.PENDING,
            version=1,
            asked_at=NOW,
        )
        return replace(record, **changes)

    def decision(self, approval_id, **changes) -> Decision:
        record = Decision(
            decision_id=new_id(),
            approval_id=approval_id,
            version=1,
            actor="ann",
            verb=Verb.APPROVE,
            answer={"approved": True},
            reason="fine",
            decided_at=NOW,
            seconds_to_decide=1.5,
            run_id="r2",
        )
        return replace(record, **changes)

    def node_run(self, task_id="task", **changes) -> NodeRun:
        record = NodeRun(
            run_id="r1",
            thread_id="t1",
            workflow="refunds",
            task_id=task_id,
            attempt=1,
            delivery=1,
            node="charge",
            path="team/charge",
            namespace="team:1|charge:2",
            step=1,
            status=NodeStatus.RUNNING,
            started_at=NOW,
        )
        return replace(record, **changes)

    def event(self, seq, **changes) -> RunEvent:
        record = RunEvent(run_id="r1", seq=seq, kind="node", path="charge", at=NOW, data={"n": seq})
        return replace(record, **changes)

    def checkpoint(self, checkpoint_id, **changes) -> CheckpointEntry:
        record = CheckpointEntry(
            thread_id="t1",
            checkpoint_id=checkpoint_id,
            parent_id=None,
            step=0,
            source="loop",
            next=("charge",),
            run_id="r1",
            created_at=NOW,
            size_bytes=100,
            branch=0,
        )
        return replace(record, **changes)

    def snapshot(self, **changes) -> Snapshot:
        record = Snapshot(
            thread_id="t1",
            checkpoint_id="c1",
            values={"amount": 700},
            next=("review",),
            interrupts=({"id": "i1", "value": 3},),
            metadata={"step": 2},
            created_at=NOW,
        )
        return replace(record, **changes)

    def put_run(self, conn, run_id="r1", **changes) -> Run:
        """A run in the database, and its thread."""
        run = self.run(run_id, **changes)
        threads.insert(conn, self.thread(run.thread_id))
        runs.insert(conn, run)
        return run

    def put_approval(self, conn, approval_id="a1", question_key=None, **changes) -> Approval:
        """A card in the database, and its thread."""
        approval = self.approval(approval_id, **changes)
        threads.insert(conn, self.thread(approval.thread_id))
        approvals.insert(conn, approval, question_key or f"key of {approval_id}")
        return approval


@pytest.fixture(scope="session")
def make() -> Maker:
    """Makes records."""
    return Maker()


@pytest.fixture
def list_written() -> Callable[[Engine, Callable[[], object]], list[str]]:
    """
    The tables that an act writes, in order: topics come late and the audit last.

    On Postgres both are locked to the commit. Who then takes other locks can wait for one who waits
    for him.
    """
    written = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)")

    def list_(engine: Engine, act: Callable[[], object]) -> list[str]:
        found: list[str] = []

        def note(_conn, _cursor, statement, *_others):
            if told := written.match(statement):
                found.append(told[1])

        event.listen(engine, "before_cursor_execute", note)
        act()
        event.remove(engine, "before_cursor_execute", note)
        return [table for table, _ in groupby(found)]

    return list_
