"""
What stands beside a card: why it is asked, where in the graph, what was done before, what became of it.

Each part is read by itself, when somebody opens it: none of it is needed to draw the card.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.errors import NotFound
from interlock.core.model.approvals import ApprovalSummary, Decision
from interlock.core.model.nodes import NodeRun
from interlock.core.model.runs import Run, follow, near
from interlock.core.model.threads import Snapshot
from interlock.core.model.workflows import Workflow
from interlock.core.services import reading
from interlock.core.services.context import App
from interlock.core.services.finding import WHERE_CARDS_ARE, find_run
from interlock.core.store import approvals, decisions, engine, nodes, runs, workflows
from interlock.core.types import ApprovalId

MAX_CARDS = 200
MAX_NODES = 2000
MAX_RUNS = 100
READ_S = 5.0  # for a worker to read a state that was not kept


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """A card with its decisions, and the run that carries out the newest, if there is one."""

    approval: ApprovalSummary
    decisions: tuple[Decision, ...]
    run: Run | None
    nodes: tuple[NodeRun, ...]

    @property
    def newest(self) -> Decision | None:
        """The decision on the version that is asked now, or was asked last."""
        version = self.approval.version
        return next((d for d in self.decisions if d.version == version), None)


@dataclass(frozen=True, kw_only=True)
class Background:
    """The story that a card is a part of: its nodes' attempts, its cards, and the workflow."""

    workflow: Workflow | None
    nodes: tuple[NodeRun, ...]
    approvals: tuple[ApprovalSummary, ...]


def aftermath(app: App, approval_id: str) -> Aftermath:
    """
    What became of a card, for whoever looks at it.

    Raises:
        NotFound: No such card.
    """
    with engine.read(app.engine) as conn:
        approval = approvals.fetch_summary(conn, ApprovalId(approval_id))
        if approval is None:
            raise NotFound("card", approval_id, hint=WHERE_CARDS_ARE)
        taken = tuple(decisions.fetch_for_approval(conn, approval.approval_id))
        seen = Aftermath(approval=approval, decisions=taken, run=None, nodes=())
        if seen.newest is None:
            return seen
        run_id = seen.newest.run_id
        return Aftermath(
            approval=approval,
            decisions=taken,
            run=runs.fetch(conn, run_id),
            nodes=tuple(nodes.fetch_for_runs(conn, [run_id], limit=MAX_NODES)),
        )


def follow_run(app: App, run_id: str) -> tuple[Run, tuple[NodeRun, ...]]:
    """
    One run and what its nodes do, without anything large.

    Raises:
        NotFound: No such run.
    """
    with engine.read(app.engine) as conn:
        run = find_run(conn, run_id)
        return run, tuple(nodes.fetch_for_runs(conn, [run.run_id], limit=MAX_NODES))


def background(app: App, approval: ApprovalSummary) -> Background:
    """The steps and cards of the story that led to a card, and the graph it stands in."""
    with engine.read(app.engine) as conn:
        run = runs.fetch(conn, approval.run_id)
        workflow = workflows.fetch(conn, approval.workflow)
        if run is None:
            return Background(workflow=workflow, nodes=(), approvals=())
        others = runs.fetch_many(conn, thread_id=approval.thread_id, limit=MAX_RUNS)
        ids = [r.run_id for r in near(follow(run, others), run)]
        cards = approvals.fetch_summaries(
            conn,
            statuses=(),
            thread_id=approval.thread_id,
            limit=MAX_CARDS,
            newest_first=True,
        )
        told = nodes.fetch_for_runs(conn, ids, limit=MAX_NODES)
    return Background(
        workflow=workflow,
        nodes=tuple(told),
        approvals=tuple(a for a in cards if a.run_id in ids),
    )


def state_when_asked(app: App, approval: ApprovalSummary) -> Snapshot:
    """
    The state of the thread as it was when a card was asked.

    Raises:
        NotFound: The thread or that checkpoint of it is gone.
        NoWorker: It was not kept, and no worker is there to read it.
    """
    return reading.state(app, approval.thread_id, approval.checkpoint_id, wait_s=READ_S)
