"""Stopping and retrying runs, as an operator asks for it; the worker carries it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from interlock.core.errors import Conflict, InterlockError
from interlock.core.model.approvals import Approval
from interlock.core.model.nodes import RunEvent
from interlock.core.model.people import Permission
from interlock.core.model.run_lists import Told
from interlock.core.model.runs import (
    HELD,
    Run,
    RunKind,
    RunStatus,
    may_cancel,
    may_retry,
)
from interlock.core.services import asking, card_claims, undoing, voting
from interlock.core.services.carding import withdraw_cards
from interlock.core.services.context import App
from interlock.core.services.finding import find_run, require_sound
from interlock.core.services.launching import job_for
from interlock.core.services.permitting import command
from interlock.core.store import (
    approvals,
    audit,
    checkpoints,
    engine,
    events,
    rollups,
    runs,
    threads,
    topics,
)
from interlock.core.types import JobId, Json, RunId, new_id

MOST_CARDS = 1000  # of one run


@command(Permission.STEER)
def cancel(app: App, run_id: str, *, actor: str, reason: str = "") -> Run:
    """
    Cancel a run: a queued or held one at once, a running one as soon as its worker sees it.

    A sync node that runs at this moment runs to its end; its result is dropped (facts: langgraph 5).

    Raises:
        NotFound: No such run.
        Conflict: It has ended already.
    """
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        run = find_run(conn, run_id)
        threads.lock(conn, run.thread_id)
        run = find_run(conn, run_id)
        if not may_cancel(run.status):
            raise Conflict(f"Run {run_id} has ended already: it is {run.status}.")
        if run.status is RunStatus.RUNNING or not _cancel_at_once(app, conn, run):
            runs.request_cancel(conn, run.run_id, now=now)
        topics.bump(conn, "inbox", "runs")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="cancel",
            object_=f"run:{run_id}",
            before={"status": str(run.status)},
            reason=reason,
        )
        return find_run(conn, run_id)


def _cancel_at_once(app: App, conn: Connection, run: Run) -> bool:
    now = app.clock.now()
    if run.status is RunStatus.QUEUED and not app.queue.drop(conn, JobId(run.run_id)):
        return False  # a worker has just claimed it
    if not runs.move(
        conn,
        run.run_id,
        from_={RunStatus.QUEUED, *HELD},
        to=RunStatus.CANCELLED,
        ended_at=now,
    ):
        return False
    is_unbegun = run.status is RunStatus.QUEUED and not run.deliveries
    if not is_unbegun or not undoing.put_back(conn, run, head=None, now=now):
        withdraw_cards(conn, run.thread_id, now=now)
    return True


@command(Permission.STEER)
def retry(app: App, run_id: str, *, actor: str, reason: str = "") -> Run:
    """
    Go on with a failed or cancelled run where it stopped: finished nodes do not run again, given
    answers are kept and not asked for again.

    Returns:
        The new, queued run on the same thread.

    Raises:
        NotFound: No such run.
        NotAllowed: It asks what to do about its failure, and others decide that.
        InvalidInput: It takes several people to decide that.
        Conflict: It did not fail and was not cancelled, its thread has moved on since, or somebody else
            has the card that asks about its failure.
    """
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        old = find_run(conn, run_id)
        thread = threads.lock(conn, old.thread_id)
        old = find_run(conn, run_id)
        require_sound(thread)
        if not may_retry(old.status, has_error=old.error is not None):
            raise Conflict(
                f"Run {run_id} is {old.status}; only failed or cancelled runs are retried."
            )
        if thread is not None and thread.last_run_id != old.run_id:
            raise Conflict(
                f"The thread went on with run {thread.last_run_id} since.",
                hint="Retry that one, or set the thread back.",
            )
        if old.status is RunStatus.PAUSED:
            _require_may_retry(app, conn, old, actor=actor)
        if runs.move(conn, old.run_id, from_={RunStatus.PAUSED}, to=RunStatus.CONTINUED):
            asking.close_cards(conn, old.thread_id, now=now)
        new = replace(
            old,
            run_id=RunId(new_id()),
            kind=_kind_of_retry(old),
            status=RunStatus.QUEUED,
            created_at=now,
            created_by=actor,
            started_at=None,
            ended_at=None,
            error=None,
            cancel_requested_at=None,
            end_checkpoint_id=None,
            previous_run_id=old.run_id,
            reason=reason,
            deliveries=0,
        )
        runs.insert(conn, new)
        threads.touch(conn, old.thread_id, last_run_id=new.run_id, now=now)
        app.queue.enqueue(conn, job_for(new), now=now)
        topics.bump(conn, "inbox", "runs")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="retry",
            object_=f"run:{run_id}",
            after={"run_id": new.run_id},
            reason=reason,
        )
    return new


def _require_may_retry(app: App, conn: Connection, run: Run, *, actor: str) -> None:
    """A retry is what the card of its failure would decide, so it takes whoever decides that."""
    for card in approvals.fetch_many(conn, run_id=run.run_id, limit=MOST_CARDS):
        if app.person is not None:
            voting.require_alone(card, app.person)
        card_claims.settle(app, conn, card, actor=actor)


@command(Permission.STEER)
def retry_many(
    app: App, run_ids: Sequence[RunId], *, actor: str, reason: str = ""
) -> tuple[Told, ...]:
    """Retry each of these runs by itself; one that cannot be retried does not keep the others."""

    def go_on(run_id: RunId) -> RunId:
        return retry(app, run_id, actor=actor, reason=reason).run_id

    return tuple(_tell(run_id, go_on) for run_id in run_ids)


@command(Permission.STEER)
def cancel_many(
    app: App, run_ids: Sequence[RunId], *, actor: str, reason: str = ""
) -> tuple[Told, ...]:
    """
    Cancel each of these runs by itself; a failed one is given up.

    Given up, a run is cancelled: it is no longer among those that failed, keeps its error, and can
    still be retried.
    """

    def end(run_id: RunId) -> RunId | None:
        if not _give_up(app, run_id, actor=actor, reason=reason):
            cancel(app, run_id, actor=actor, reason=reason)
        return None

    return tuple(_tell(run_id, end) for run_id in run_ids)


def _give_up(app: App, run_id: RunId, *, actor: str, reason: str) -> bool:
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        threads.lock(conn, find_run(conn, run_id).thread_id)
        if not runs.move(conn, run_id, from_={RunStatus.FAILED}, to=RunStatus.CANCELLED):
            return False
        topics.bump(conn, "runs")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="give up",
            object_=f"run:{run_id}",
            before={"status": str(RunStatus.FAILED)},
            reason=reason,
        )
    return True


def _tell(run_id: RunId, act: Callable[[RunId], RunId | None]) -> Told:
    try:
        return Told(run_id=run_id, new_run_id=act(run_id))
    except InterlockError as exc:
        return Told(run_id=run_id, refusal=str(exc))


@command(Permission.STEER)
def ask(app: App, run_id: str, *, actor: str) -> Approval:
    """
    Put a failed run into the inbox: whoever decides its card retries it, edits the state, skips or stops.

    Returns:
        The card. The run is paused until it is decided.

    Raises:
        NotFound: No such run.
        Conflict: It did not fail, its thread has moved on since, or there is nowhere to go on from.
    """
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        run = find_run(conn, run_id)
        thread = threads.lock(conn, run.thread_id)
        run = find_run(conn, run_id)
        require_sound(thread)
        if run.status is not RunStatus.FAILED or run.error is None:
            raise Conflict(f"Run {run_id} is {run.status}; only failed runs are asked about.")
        if thread is not None and thread.last_run_id != run.run_id:
            raise Conflict(f"The thread went on with run {thread.last_run_id} since.")
        place = run.end_checkpoint_id
        entry = checkpoints.fetch(conn, run.thread_id, place) if place is not None else None
        if entry is None or not entry.next:
            raise Conflict(
                f"Run {run_id} failed before it stood anywhere that it could go on from.",
                hint="Retry it.",
            )
        if not runs.move(conn, run.run_id, from_={RunStatus.FAILED}, to=RunStatus.PAUSED):
            raise Conflict(f"Run {run_id} was retried or given up meanwhile.")
        if run.ended_at is not None:
            rollups.mark_due(conn, [run.ended_at])  # it counts as failed no more
        card = asking.put_card(conn, run, run.error, entry.checkpoint_id, due=entry.next, now=now)
        seq = events.last_seq(conn, run.run_id) + 1
        told: dict[str, Json] = {"approval_id": card.approval_id, "title": card.title}
        asked = RunEvent(
            run_id=run.run_id, seq=seq, kind="interrupt", path=card.node, at=now, data=told
        )
        events.insert_many(conn, [asked])
        topics.bump(conn, "inbox", "runs")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="ask",
            object_=f"run:{run_id}",
            after={"approval_id": card.approval_id},
        )
    return card


def _kind_of_retry(old: Run) -> RunKind:
    """
    A start that never reached its graph is sent again as it was; any other goes on from the head,
    with the decisions of the runs it retries.
    """
    is_unsent_start = old.started_at is None and old.kind is RunKind.START
    return RunKind.START if is_unsent_start else RunKind.RETRY
