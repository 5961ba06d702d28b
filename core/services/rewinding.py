"""
Setting a thread back: what it would do, and doing it (law 6: history is not rewritten, only forked).

What stands against a change is looked for first. The change is one transaction under the thread's
lock: that the thread stands where it was judged is seen to, the cards of the branch that is left are
superseded, and a run is queued that makes the fork. So of two people one wins, and a decision that
comes later finds its card superseded.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.errors import Conflict, InterlockError, InvalidInput, NotFound
from interlock.core.model import rewind_json
from interlock.core.model.flags import Flag
from interlock.core.model.history import Fork, PlannedAnswer
from interlock.core.model.people import Permission
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import HELD, Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Origin, Thread
from interlock.core.services import (
    checking,
    flagging,
    forking,
    staging,
    standing,
    standing_in,
    voting,
)
from interlock.core.services.beside import NOTHING, Beside
from interlock.core.services.carding import supersede_cards
from interlock.core.services.context import App
from interlock.core.services.forking import ForkRequest
from interlock.core.services.launching import job_for
from interlock.core.services.permitting import command
from interlock.core.services.pruning import BEING_DELETED
from interlock.core.services.staging import Staged
from interlock.core.services.standing import Standing
from interlock.core.services.transferring import BEING_TAKEN_IN
from interlock.core.store import audit, engine, forks, runs, threads, topics
from interlock.core.types import CheckpointId, Json, RunId, ThreadId, new_id

__all__ = ["ForkRequest", "Staged", "apply", "preview"]


def preview(
    app: App,
    thread_id: str,
    request: ForkRequest,
    *,
    expected_head: str | None = None,
    with_difference: bool = False,
    wait_s: float = 10.0,
) -> Staged:
    """
    Tell what a change would do, and why it cannot be made if it cannot; nothing is written.

    Args:
        app: The parts.
        thread_id: The thread.
        request: What is wanted; what it does not say yet is not missed.
        expected_head: The head that was seen; None for whatever it is now.
        with_difference: Compare the point's state with the head's, too.
        wait_s: How long to wait for the states.

    Raises:
        NotFound: No such thread, or no such card.
        InvalidInput: An edit does not fit the state, or an answer its question.
    """
    staged = staging.stage(
        app,
        thread_id,
        request.intend(CheckpointId(expected_head) if expected_head else None),
        with_difference=with_difference,
        wait_s=wait_s,
    )
    with engine.read(app.engine) as conn:
        forking.check(conn, ThreadId(thread_id), request)
    return staged


@command(Permission.STEER)
def apply(
    app: App,
    thread_id: str,
    request: ForkRequest,
    *,
    expected_head: str | None = None,
    actor: str,
    reason: str,
    also: Beside = NOTHING,
) -> Run:
    """
    Set a thread back, or copy it.

    Args:
        app: The parts.
        thread_id: The thread.
        request: What is to be done.
        expected_head: The head that the operator saw; None for whatever it is now.
        actor: Who does it.
        reason: Why; it is required.
        also: What else is written if it is done.

    Returns:
        The queued run that does it; of a copy it is the first of the new thread.

    Raises:
        NotFound: No such thread, point or card.
        NotAllowed: It would be done in the place of a node whose cards others decide, or of them.
        InvalidInput: There is no reason, or it cannot be done here, or something given does not fit.
        Conflict: A run is going on, or the thread has moved; `winner` says who moved it.
        SwitchedOff: The time machine is.
    """
    if not reason.strip():
        raise InvalidInput("Say why: a reason is required to set a thread back or to copy it.")
    flagging.require(app, Flag.TIME_MACHINE)
    forking.require_whole(request)
    head = CheckpointId(expected_head) if expected_head else None

    return standing.act(
        app,
        ThreadId(thread_id),
        request.checkpoint_id,
        judge=lambda conn, stands: _judge(app, conn, thread_id, stands, request, head),
        carry_out=lambda conn, judged: _carry_out(
            app, conn, request, judged, actor=actor, reason=reason, also=also
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """A change that can be made as long as its thread stands there."""

    standing: Standing
    source: Thread
    staged: Staged
    answers: tuple[PlannedAnswer, ...]


def _judge(
    app: App,
    conn: Connection,
    thread_id: str,
    stands: Standing,
    request: ForkRequest,
    head: CheckpointId | None,
) -> _Judged:
    source = stands.thread
    if source is None:
        raise NotFound("thread", thread_id, hint=staging.WHERE_THREADS_ARE)
    situation = staging.read_situation(conn, source.thread_id, request.checkpoint_id)
    staged = staging.judge(situation, request.intend(head))
    if staged.problems:
        raise _with_winner(conn, source, staged.problems[0].as_error())
    forking.check(conn, source.thread_id, request)
    if request.verb not in {RewindVerb.COPY, RewindVerb.STOP}:
        standing_in.require_may(
            conn,
            app.person,
            source,
            verb=request.verb,
            checkpoint_id=request.checkpoint_id,
            as_node=staged.preview.as_node,
        )
    if request.approval_id is not None:
        voting.require_may_change(conn, request.approval_id, app.person)
    answers = forking.plan_answers(conn, source.thread_id, request)
    return _Judged(standing=stands, source=source, staged=staged, answers=answers)


def _carry_out(
    app: App,
    conn: Connection,
    request: ForkRequest,
    judged: _Judged,
    *,
    actor: str,
    reason: str,
    also: Beside,
) -> Run:
    source, staged, now = judged.source, judged.staged, app.clock.now()
    is_copy = request.verb is RewindVerb.COPY
    if is_copy:
        run = _add_copy(conn, source, request, now=now, actor=actor, reason=reason)
    else:
        run = _add_rewind(conn, source, request, now=now, actor=actor, reason=reason)
    fork = Fork(
        fork_id=new_id(),
        thread_id=run.thread_id,
        run_id=run.run_id,
        verb=request.verb,
        target_id=request.checkpoint_id,
        left_id=None if is_copy else staged.head_id,
        from_thread_id=source.thread_id if is_copy else None,
        actor=actor,
        reason=reason,
        created_at=now,
        as_node=staged.preview.as_node,
        edits=request.edits,
        answers=judged.answers,
        preview=rewind_json.as_json(staged.preview),
    )
    forks.insert(conn, fork)
    app.queue.enqueue(conn, job_for(run), now=now)
    also.write(conn, run.run_id)
    topics.bump(conn, "inbox", "runs", "threads", *also.topics)
    audit.append(
        conn,
        at=now,
        actor=actor,
        action=f"rewind:{request.verb}",
        object_=f"thread:{source.thread_id}",
        before={"head": staged.head_id},
        after=_tell(run, fork),
        reason=reason,
    )
    also.tell(conn, run.run_id)
    return run


def _add_rewind(
    conn: Connection,
    source: Thread,
    request: ForkRequest,
    *,
    now: datetime,
    actor: str,
    reason: str,
) -> Run:
    """Queue a run that goes on in the place of the last one; who was asked is not asked any more."""
    held = runs.find_open_or_held(conn, source.thread_id)
    last = held[-1] if held else _fetch_last(conn, source)
    for run in held:
        runs.move(conn, run.run_id, from_=HELD, to=RunStatus.CONTINUED)
    supersede_cards(conn, source.thread_id, now=now)
    run = _make_run(source, last, now=now, kind=RunKind.REWIND, actor=actor, reason=reason)
    run = replace(run, options=replace(run.options, stands=request.stands))
    runs.insert(conn, run)
    threads.touch(conn, source.thread_id, last_run_id=run.run_id, now=now)
    return run


def _add_copy(
    conn: Connection,
    source: Thread,
    request: ForkRequest,
    *,
    now: datetime,
    actor: str,
    reason: str,
) -> Run:
    """Make a thread of its own for a point, with the run that fills it."""
    _check_copy(source, request)
    last = _fetch_last(conn, source)
    thread = replace(source, thread_id=request.new_thread_id or ThreadId(new_id()))
    run = _make_run(thread, last, now=now, kind=RunKind.COPY, actor=actor, reason=reason)
    made = Thread(
        thread_id=thread.thread_id,
        workflow=source.workflow,
        head_checkpoint_id=None,
        last_run_id=run.run_id,
        created_at=now,
        updated_at=now,
        origin=Origin.COPY,
        from_thread_id=source.thread_id,
        from_checkpoint_id=request.checkpoint_id,
    )
    if not threads.insert(conn, made):
        raise Conflict(
            f"There is a thread {thread.thread_id} already.", hint="Choose another id, or none."
        )
    run = replace(run, previous_run_id=None, batch_id=None)
    runs.insert(conn, run)
    return run


def _check_copy(source: Thread, request: ForkRequest) -> None:
    named = request.new_thread_id
    problems = checking.check_thread_id(named) if named is not None else []
    if problems:
        raise InvalidInput("This cannot be a thread's id.", problems=problems)
    if source.trouble in (BEING_DELETED, BEING_TAKEN_IN):
        raise Conflict(f"Thread {source.thread_id} cannot be copied: {source.trouble}")


def _make_run(
    thread: Thread, last: Run | None, *, now: datetime, kind: RunKind, actor: str, reason: str
) -> Run:
    """A run like the last one: with its context, options and variant."""
    return Run(
        run_id=RunId(new_id()),
        thread_id=thread.thread_id,
        workflow=thread.workflow,
        kind=kind,
        status=RunStatus.QUEUED,
        input=None,
        context=last.context if last is not None else None,
        options=last.options if last is not None else RunOptions(),
        priority=last.priority if last is not None else 0,
        created_at=now,
        created_by=actor,
        previous_run_id=last.run_id if last is not None else None,
        reason=reason,
        variant=last.variant if last is not None else "",
        batch_id=last.batch_id if last is not None else None,
    )


def _fetch_last(conn: Connection, thread: Thread) -> Run | None:
    return runs.fetch(conn, thread.last_run_id) if thread.last_run_id is not None else None


def _tell(run: Run, fork: Fork) -> dict[str, Json]:
    """What is kept of it in the audit: all that was chosen."""
    return {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "checkpoint_id": fork.target_id,
        "as_node": fork.as_node,
        "edits": [asdict(edit) for edit in fork.edits],
        "answers": [asdict(answer) for answer in fork.answers],
    }


def _with_winner(conn: Connection, thread: Thread, error: InterlockError) -> InterlockError:
    """A lost race with who won it: the run that is going on, or that moved the thread last."""
    last = _fetch_last(conn, thread)
    if not isinstance(error, Conflict) or last is None:
        return error
    fork = forks.fetch_for_run(conn, last.run_id)
    what = f"{fork.verb} ({fork.reason})" if fork is not None else str(last.kind)
    winner: dict[str, Json] = {
        "run_id": last.run_id,
        "kind": str(last.kind),
        "verb": str(fork.verb) if fork is not None else None,
        "status": str(last.status),
        "actor": last.created_by,
        "reason": fork.reason if fork is not None else last.reason,
        "created_at": last.created_at.isoformat(),
        "head": thread.head_checkpoint_id,
    }
    told = f"The last to move it was {last.created_by}: {what}, {last.created_at:%Y-%m-%d %H:%M:%S} UTC."
    return Conflict(error.message, winner=winner, hint=told)
