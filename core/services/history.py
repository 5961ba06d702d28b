"""
A thread's history: its points from the index, one of them with all that is known of it, two compared.

Of states only those are read that somebody asks for, by a worker where no run ended with them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from interlock.core.errors import NotFound
from interlock.core.model import diffing
from interlock.core.model.approvals import ApprovalSummary, Decision
from interlock.core.model.diffing import StateDiff
from interlock.core.model.history import BranchSpan, ForkLine, Point, PointFilter
from interlock.core.model.nodes import NodeRun
from interlock.core.model.runs import RunSummary
from interlock.core.model.threads import Snapshot, Thread
from interlock.core.model.workflows import Workflow
from interlock.core.services import completing, reading
from interlock.core.services.context import App
from interlock.core.store import (
    approvals,
    checkpoints,
    decisions,
    engine,
    forks,
    nodes,
    runs,
    threads,
    workflows,
)
from interlock.core.store import history as points
from interlock.core.types import CheckpointId, ThreadId

PAGE = 1000  # points that are read at once; beyond it a history is drawn from its spans
MAX_CARDS = 1000  # of one thread, the newest
MAX_RUNS = 1000
MAX_FORKS = 1000
WHERE_POINTS_ARE = "`interlock history` lists those of a thread."
ALL = PointFilter()


@dataclass(frozen=True, kw_only=True)
class History:
    """
    A thread as its time machine opens it, read at one moment.

    `points` are the newest that fit, newest first, `count` how many fit, `total` how many there are;
    `spans` are the branches whole, `head_id` the newest checkpoint of all. `runs` are the thread's
    newest, `cards` and `decisions` those of the thread. `missing` says why points before those are
    not there, of a thread that another application moves.
    """

    thread: Thread
    workflow: Workflow | None
    points: tuple[Point, ...]
    count: int
    total: int
    spans: tuple[BranchSpan, ...]
    head_id: CheckpointId | None
    forks: tuple[ForkLine, ...]
    runs: tuple[RunSummary, ...]
    cards: tuple[ApprovalSummary, ...]
    decisions: tuple[Decision, ...]
    missing: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether all points of the thread are there."""
        return len(self.points) == self.total


@dataclass(frozen=True, kw_only=True)
class PointDetail:
    """
    One point: the cards that were asked there with what was decided, and what ran to get there.

    `nodes` are the attempts of the graph's own nodes that our runs recorded; `point.ran` names the
    nodes of any thread.
    """

    point: Point
    cards: tuple[ApprovalSummary, ...]
    decisions: tuple[Decision, ...]
    nodes: tuple[NodeRun, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two points' states, the earlier asked for first, and how they differ."""

    before: Snapshot
    after: Snapshot
    diff: StateDiff


def open_history(
    app: App,
    thread_id: str,
    wanted: PointFilter = ALL,
    *,
    limit: int = PAGE,
    before: str | None = None,
) -> History:
    """
    Open the history of a thread; no state is looked at.

    Args:
        app: The parts.
        thread_id: The thread.
        wanted: Which of its points.
        limit: At most so many points, the newest.
        before: Only those before this checkpoint, to page on.

    Raises:
        NotFound: No such thread.
    """
    missing = completing.complete(app, thread_id, is_patient=False)
    with engine.read(app.engine) as conn:
        thread = threads.fetch(conn, ThreadId(thread_id))
        if thread is None:
            raise NotFound("thread", thread_id, hint="`interlock runs` names them.")
        thread_id = thread.thread_id
        total = points.count_points(conn, thread_id, ALL)
        return History(
            thread=thread,
            workflow=workflows.fetch(conn, thread.workflow),
            points=tuple(
                points.fetch_points(
                    conn,
                    thread_id,
                    wanted,
                    limit=limit,
                    before=CheckpointId(before) if before else None,
                )
            ),
            count=total if wanted.is_free else points.count_points(conn, thread_id, wanted),
            total=total,
            spans=tuple(points.fetch_spans(conn, thread_id)),
            head_id=checkpoints.newest_id(conn, thread_id),
            forks=tuple(forks.fetch_for_thread(conn, thread_id, limit=MAX_FORKS)),
            runs=tuple(runs.fetch_many(conn, thread_id=thread_id, limit=MAX_RUNS)),
            cards=tuple(
                approvals.fetch_summaries(
                    conn, statuses=(), thread_id=thread_id, limit=MAX_CARDS, newest_first=True
                )
            ),
            decisions=tuple(decisions.fetch_for_thread(conn, thread_id, limit=MAX_CARDS)),
            missing=missing,
        )


def list_points(
    app: App,
    thread_id: str,
    wanted: PointFilter = ALL,
    *,
    limit: int = 100,
    before: str | None = None,
    wait_s: float = 10.0,
) -> tuple[list[Point], CheckpointId | None]:
    """
    Points of a thread, newest first, and the id of its head; a worker may have to read the older ones.

    Raises:
        NotFound: No such thread.
    """
    if limit > 1 or before is not None or not wanted.is_free:  # the newest is always there
        completing.complete(app, thread_id, wait_s=wait_s)
    with engine.read(app.engine) as conn:
        if threads.fetch(conn, ThreadId(thread_id)) is None:
            raise NotFound("thread", thread_id, hint="`interlock runs` names them.")
        found = points.fetch_points(
            conn,
            ThreadId(thread_id),
            wanted,
            limit=limit,
            before=CheckpointId(before) if before else None,
        )
        return found, checkpoints.newest_id(conn, ThreadId(thread_id))


def read_point(app: App, thread_id: str, checkpoint_id: str) -> PointDetail:
    """
    One point of a thread with what was asked and decided there and what ran to get there.

    Raises:
        NotFound: No such thread, or no such checkpoint of it.
    """
    with engine.read(app.engine) as conn:
        point = points.fetch_point(conn, ThreadId(thread_id), CheckpointId(checkpoint_id))
        if point is None:
            raise NotFound("checkpoint", checkpoint_id, hint=WHERE_POINTS_ARE)
        cards = approvals.fetch_summaries(
            conn,
            statuses=(),
            thread_id=point.thread_id,
            limit=MAX_CARDS,
            newest_first=True,
        )
        here = tuple(card for card in cards if card.checkpoint_id == checkpoint_id)
        taken = [d for card in here for d in decisions.fetch_for_approval(conn, card.approval_id)]
        return PointDetail(
            point=point,
            cards=here,
            decisions=tuple(sorted(taken, key=lambda d: (d.decided_at, d.decision_id))),
            nodes=_find_ran(conn, point),
        )


def _find_ran(conn: Connection, point: Point) -> tuple[NodeRun, ...]:
    """
    What ran between the point before and this one: in the run that made either, or one between.

    Nothing else moves a thread meanwhile. Another branch has steps of the same numbers.
    """
    parent = checkpoints.fetch(conn, point.thread_id, point.parent_id) if point.parent_id else None
    if not point.ran or point.run_id is None or parent is None:
        return ()
    found = [
        n for n in nodes.fetch_step(conn, point.thread_id, point.step) if "|" not in n.namespace
    ]
    known = runs.fetch_by_ids(conn, {n.run_id for n in found} | {point.run_id})
    last = known.get(point.run_id)
    first = runs.fetch(conn, parent.run_id) if parent.run_id else last
    if first is None or last is None:
        return ()
    return tuple(
        n
        for n in found
        if (run := known.get(n.run_id)) and first.created_at <= run.created_at <= last.created_at
    )


def compare(app: App, thread_id: str, one: str, other: str, *, wait_s: float = 10.0) -> Comparison:
    """
    Compare the states of two points of a thread.

    Raises:
        NotFound: No such thread, or no such checkpoint of it.
        NoWorker: A state has to be read by a worker, and none is alive or it took too long.
    """
    before = reading.state(app, thread_id, one, wait_s=wait_s)
    after = reading.state(app, thread_id, other, wait_s=wait_s)
    return Comparison(before=before, after=after, diff=diffing.diff(before.values, after.values))
