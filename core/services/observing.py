"""Reading, for screens and command line: bounded lists, one card, one run, one thread."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.errors import NotFound
from interlock.core.model.approvals import Approval, ApprovalSummary, Decision
from interlock.core.model.flags import FlagState
from interlock.core.model.holds import Hold
from interlock.core.model.nodes import NodeRun, RunEvent
from interlock.core.model.routing import Vote
from interlock.core.model.runs import OPEN, Run, RunKind, RunStatus, RunSummary, follow, near
from interlock.core.model.threads import CheckpointEntry, Snapshot, Thread
from interlock.core.model.workers import Worker
from interlock.core.model.workflows import Workflow, WorkflowName
from interlock.core.services import backlog
from interlock.core.services.context import App
from interlock.core.services.finding import find_card, find_run
from interlock.core.services.permitting import is_of_house, is_seen
from interlock.core.store import (
    approvals,
    audit,
    checkpoints,
    deadlines,
    decisions,
    engine,
    events,
    flags,
    holds,
    nodes,
    publications,
    runs,
    snapshots,
    threads,
    topics,
    votes,
    workers,
    workflows,
)
from interlock.core.types import Json, RunId, ThreadId

ALIVE_S = 40.0  # law 11: no sign of life for longer is said on the screen
POLL_S = 0.05
MAX_CARDS_OF_THREAD = 200
MAX_DECISIONS_OF_THREAD = 1000  # a card that a graph refuses again and again has several
MAX_NODES_OF_RUN = 2000
MAX_RUNS_OF_THREAD = 100
STATUS_RANK = {RunStatus.QUEUED: 0, RunStatus.RUNNING: 1, RunStatus.WAITING: 2, RunStatus.PAUSED: 2}
RANKS = 4


@dataclass(frozen=True, kw_only=True)
class Overview:
    """
    The figures at the foot of every page; times are aware UTC, counts are of now.

    `oldest_due_at` is since when the run that is queued longest waits for a worker, None where none
    is queued; `slots` is how many runs the living workers carry at once. The queue does not move
    (law 11) where a run waits for long although fewer than `slots` are running; one that is held
    does not count. `is_queue_full`: launches are refused, of whichever tenant the runs are.
    `unserved`: workflows that no living worker serves, although others are alive.
    """

    waiting: int
    oldest_waiting_at: datetime | None
    running: int
    queued: int
    workers_alive: int
    newest_heartbeat_at: datetime | None
    jobs_due: int
    project: str
    at: datetime
    oldest_due_at: datetime | None = None
    slots: int = 0
    holds: tuple[Hold, ...] = ()
    overdue: int = 0
    is_queue_full: bool = False
    unserved: tuple[str, ...] = ()
    switched_off: tuple[FlagState, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Card:
    """One card with what was decided so far, the votes on it, and the thread's other pending cards."""

    approval: Approval
    decisions: tuple[Decision, ...]
    siblings: tuple[ApprovalSummary, ...]
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunDetail:
    """
    One run with its nodes, and with its thread's cards, decisions, runs and state at its end.

    `story` are the neighbouring runs that went on from one another, this one among them, oldest
    first; `story_nodes` are the attempts of all of them.
    """

    run: Run
    thread: Thread | None
    nodes: tuple[NodeRun, ...]
    approvals: tuple[ApprovalSummary, ...]
    decisions: tuple[Decision, ...]
    snapshot: Snapshot | None
    workflow: Workflow | None
    thread_runs: tuple[RunSummary, ...]
    story: tuple[RunSummary, ...]
    story_nodes: tuple[NodeRun, ...]
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Change:
    """What somebody did, in short: `object` is what it was done to, as "run:<id>"."""

    at: datetime
    actor: str
    action: str
    object: str
    reason: str


def list_changes(app: App, *, limit: int = 10) -> list[Change]:
    """What people did last, newest first; nothing for people of tenants: the audit is of all of them."""
    if not is_of_house(app):
        return []
    with engine.read(app.engine) as conn:
        found = audit.fetch_latest(conn, limit=limit)
    return [
        Change(at=e.at, actor=e.actor, action=e.action, object=e.object, reason=e.reason)
        for e in found
    ]


def overview(app: App) -> Overview:
    """Count what waits and runs, and what there is to run it."""
    now = app.clock.now()
    with engine.read(app.engine) as conn:
        counts = runs.count_by_status(conn)
        known = workers.fetch_all(conn)
        alive = [w for w in known if w.heartbeat_at >= now - timedelta(seconds=ALIVE_S)]
        return Overview(
            waiting=approvals.count(conn),
            oldest_waiting_at=approvals.oldest_asked_at(conn),
            running=counts.get(RunStatus.RUNNING, 0),
            queued=counts.get(RunStatus.QUEUED, 0),
            workers_alive=len(alive),
            newest_heartbeat_at=max((w.heartbeat_at for w in known), default=None),
            jobs_due=app.queue.count_due(conn, now=now),
            project=next((w.project for w in alive), ""),
            at=now,
            oldest_due_at=runs.oldest_queued_at(conn),
            slots=sum(w.concurrency for w in alive),
            holds=tuple(holds.fetch_all(conn)),
            overdue=deadlines.count_overdue(conn, now=now),
            is_queue_full=backlog.is_full(app, conn),
            unserved=tuple(
                name
                for name in publications.find_unserved(conn, since=now - timedelta(seconds=ALIVE_S))
                if is_seen(app, name)
            ),
            switched_off=tuple(s for s in flags.fetch_all(conn) if not s.is_on),
        )


def list_runs(
    app: App,
    *,
    statuses: Sequence[str] = (),
    workflow: str | None = None,
    thread_id: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[RunSummary]:
    """Runs, newest first, without what may be large."""
    with engine.read(app.engine) as conn:
        return list(
            runs.fetch_many(
                conn,
                statuses=tuple(RunStatus(s) for s in statuses),
                workflow=workflow,
                thread_id=ThreadId(thread_id) if thread_id else None,
                limit=limit,
                offset=offset,
            )
        )


def get_run(app: App, run_id: str) -> Run:
    """
    One run.

    Raises:
        NotFound: No such run.
    """
    with engine.read(app.engine) as conn:
        return find_run(conn, run_id)


def is_open(app: App, run_id: str) -> bool:
    """Whether a run goes on, or will: it has not ended, and needs nobody."""
    with engine.read(app.engine) as conn:
        return runs.fetch_status(conn, RunId(run_id)) in OPEN


def run_detail(app: App, run_id: str) -> RunDetail:
    """
    One run with all that its page shows first.

    Raises:
        NotFound: No such run.
    """
    with engine.read(app.engine) as conn:
        run = find_run(conn, run_id)
        thread_id, end = run.thread_id, run.end_checkpoint_id
        cards = approvals.fetch_summaries(
            conn,
            statuses=(),
            thread_id=thread_id,
            limit=MAX_CARDS_OF_THREAD,
            newest_first=True,
        )
        taken = decisions.fetch_for_thread(conn, thread_id, limit=MAX_DECISIONS_OF_THREAD)
        thread_runs = runs.fetch_many(conn, thread_id=thread_id, limit=MAX_RUNS_OF_THREAD)
        story = near(follow(run, thread_runs), run)
        own = nodes.fetch_for_runs(conn, [run.run_id], limit=MAX_NODES_OF_RUN)
        others = [r.run_id for r in story if r.run_id != run.run_id]
        told = [*own, *nodes.fetch_for_runs(conn, others, limit=MAX_NODES_OF_RUN)]
        return RunDetail(
            run=run,
            thread=threads.fetch(conn, thread_id),
            nodes=tuple(own),
            approvals=tuple(cards),
            decisions=tuple(taken),
            snapshot=snapshots.fetch(conn, thread_id, end) if end else None,
            workflow=workflows.fetch(conn, run.workflow),
            thread_runs=tuple(thread_runs),
            story=story,
            story_nodes=tuple(sorted(told, key=lambda n: (n.started_at, n.task_id, n.attempt))),
            votes=_fetch_votes(conn, cards),
        )


def _fetch_votes(conn: Connection, cards: Sequence[ApprovalSummary]) -> tuple[Vote, ...]:
    """The votes on those of some cards that take several people."""
    ids = [card.approval_id for card in cards if card.route.quorum > 1]
    return tuple(votes.fetch_for_cards(conn, ids)) if ids else ()


def list_events(
    app: App, run_id: str, *, after_seq: int = 0, limit: int = 1000, kinds: Sequence[str] = ()
) -> list[RunEvent]:
    """The log of a run after `after_seq`, oldest first."""
    with engine.read(app.engine) as conn:
        return list(
            events.fetch_for_run(
                conn, RunId(run_id), after_seq=after_seq, limit=limit, kinds=tuple(kinds)
            )
        )


def list_inbox(
    app: App,
    *,
    statuses: Sequence[str] = ("pending",),
    workflow: str | None = None,
    thread_id: str | None = None,
    limit: int = 50,
    offset: int = 0,
    newest_first: bool = False,
) -> list[Approval]:
    """Cards, oldest first unless told otherwise; no status given means all."""
    with engine.read(app.engine) as conn:
        return list(
            approvals.fetch_many(
                conn,
                statuses=tuple(statuses),
                workflow=workflow,
                thread_id=ThreadId(thread_id) if thread_id else None,
                limit=limit,
                offset=offset,
                newest_first=newest_first,
            )
        )


def get_card(app: App, approval_id: str) -> Card:
    """
    One card with its decisions.

    Raises:
        NotFound: No such card.
    """
    with engine.read(app.engine) as conn:
        approval = find_card(conn, approval_id)
        others = approvals.fetch_summaries(
            conn, thread_id=approval.thread_id, limit=MAX_CARDS_OF_THREAD
        )
        return Card(
            approval=approval,
            decisions=tuple(decisions.fetch_for_approval(conn, approval.approval_id)),
            siblings=tuple(a for a in others if a.approval_id != approval.approval_id),
            votes=tuple(votes.fetch_for_cards(conn, [approval.approval_id])),
        )


def list_workflows(app: App) -> list[Workflow]:
    """The published workflows, by name, those that failed to load included."""
    with engine.read(app.engine) as conn:
        return list(workflows.fetch_all(conn))


def list_workflow_names(app: App) -> list[WorkflowName]:
    """As `list_workflows`, for where one is only chosen."""
    with engine.read(app.engine) as conn:
        return workflows.fetch_names(conn)


def get_workflow(app: App, name: str) -> Workflow:
    """
    One workflow.

    Raises:
        NotFound: No worker has published it.
    """
    with engine.read(app.engine) as conn:
        found = workflows.fetch(conn, name)
    if found is None:
        raise NotFound("workflow", name, hint="`interlock workflows` lists them.")
    return found


def count_running_nodes(app: App, workflow: str) -> dict[str, int]:
    """How many tasks run at each node of a workflow now, by path."""
    with engine.read(app.engine) as conn:
        return nodes.count_running(conn, workflow)


def list_recent_inputs(app: App, workflow: str, *, limit: int = 5) -> list[Json]:
    """The newest distinct inputs a workflow was launched with."""
    found: list[Json] = []
    with engine.read(app.engine) as conn:
        for run in runs.fetch_many(conn, workflow=workflow, limit=limit * 10):
            given = runs.fetch_input(conn, run.run_id) if run.kind is RunKind.START else None
            if given is not None and given not in found:
                found.append(given)
            if len(found) == limit:
                break
    return found


def history(app: App, thread_id: str, *, limit: int = 100) -> list[CheckpointEntry]:
    """
    The checkpoints of a thread, newest first.

    Raises:
        NotFound: No such thread.
    """
    with engine.read(app.engine) as conn:
        if threads.fetch(conn, ThreadId(thread_id)) is None:
            raise NotFound("thread", thread_id)
        return list(checkpoints.fetch_for_thread(conn, ThreadId(thread_id), limit=limit))


def list_workers(app: App) -> list[Worker]:
    """The workers that gave a sign of life lately."""
    since = app.clock.now() - timedelta(seconds=ALIVE_S)
    with engine.read(app.engine) as conn:
        return list(workers.fetch_alive(conn, since=since))


def heads(app: App) -> dict[str, int]:
    """How far each topic has moved; a screen that shows an older number is stale."""
    with engine.read(app.engine) as conn:
        return topics.fetch_heads(conn)


def run_heads(app: App, run_ids: Collection[str]) -> dict[str, int]:
    """`run_head` of several at once."""
    if not run_ids:
        return {}
    with engine.read(app.engine) as conn:
        found = topics.run_heads(conn, [RunId(run_id) for run_id in run_ids])
    return {
        run_id: head * RANKS + STATUS_RANK.get(status, RANKS - 1)
        for run_id, (status, head) in found.items()
    } | {run_id: 0 for run_id in run_ids if run_id not in found}


def run_head(app: App, run_id: str) -> int:
    """How far one run has moved: its log and its status; 0 if there is no such run."""
    with engine.read(app.engine) as conn:
        status = runs.fetch_status(conn, RunId(run_id))
        if status is None:
            return 0
        rank = STATUS_RANK.get(status, RANKS - 1)
        return topics.run_head(conn, RunId(run_id)) * RANKS + rank


def wait_for_run(app: App, run_id: str, *, timeout_s: float) -> Run:
    """
    Wait until a run ends or needs a human; give it back as it is when the time is up.

    Raises:
        NotFound: No such run.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with engine.read(app.engine) as conn:
            if runs.fetch_status(conn, RunId(run_id)) not in OPEN:
                break
        time.sleep(POLL_S)
    return get_run(app, run_id)
