"""
What only the project's classes can restore: the state of a thread at a checkpoint, unless it was kept,
and what a task was handed and gave out.

Only a worker has the project's classes; the one side of the errand asks here, the other answers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from interlock.core.errors import NotFound, NoWorker, StoreUnavailable
from interlock.core.model.history import Inner
from interlock.core.model.nodes import NodeRun
from interlock.core.model.runs import Run
from interlock.core.model.steps import Step
from interlock.core.model.threads import Snapshot
from interlock.core.queue.port import ERRAND_PRIORITY, Job, JobKind, NewJob
from interlock.core.services import observing
from interlock.core.services.context import App
from interlock.core.services.finding import find_run
from interlock.core.store import approvals, checkpoints, engine, nodes, runs, snapshots, threads
from interlock.core.types import CheckpointId, JobId, Json, ThreadId, new_id

MAX_CARDS = 1000  # of one thread, the newest


def state(
    app: App, thread_id: str, checkpoint_id: str | None = None, *, wait_s: float = 10.0
) -> Snapshot:
    """
    The state of a thread at a checkpoint, its newest by default.

    A state that no run ended with is read by a worker, which has the user's classes.

    Raises:
        NotFound: No such thread, or no such checkpoint of it.
        NoWorker: The state has to be read by a worker, and none is alive or it took too long.
    """
    thread, wanted, stored = _find_state(app, thread_id, checkpoint_id)
    if stored is not None:
        return stored
    wait_for(app, _ask_for_state(app, thread, wanted), what="state", wait_s=wait_s)
    with engine.read(app.engine) as conn:
        found = snapshots.fetch(conn, thread, wanted)
    assert found is not None  # stored together with the end of the job
    return found


def begin_state(
    app: App, thread_id: str, checkpoint_id: str | None = None
) -> tuple[CheckpointId, JobId | None]:
    """
    Which state that is, and the errand of a worker after which `state` has it; None where it is kept.

    Raises:
        NotFound: No such thread, or no such checkpoint of it.
        NoWorker: A worker has to read it, and none is alive.
    """
    thread, wanted, stored = _find_state(app, thread_id, checkpoint_id)
    return wanted, None if stored is not None else _ask_for_state(app, thread, wanted)


def _find_state(
    app: App, thread_id: str, checkpoint_id: str | None
) -> tuple[ThreadId, CheckpointId, Snapshot | None]:
    thread = ThreadId(thread_id)
    with engine.read(app.engine) as conn:
        known = threads.fetch(conn, thread)
        if known is None:
            raise NotFound("thread", thread_id)
        wanted = CheckpointId(checkpoint_id) if checkpoint_id else known.head_checkpoint_id
        stored = snapshots.fetch(conn, thread, wanted) if wanted else None
        is_known = wanted is not None and checkpoints.fetch(conn, thread, wanted) is not None
    if wanted is None or not (stored is not None or is_known):
        raise NotFound("checkpoint", checkpoint_id or f"of thread {thread_id}")
    return thread, wanted, stored


def _ask_for_state(app: App, thread_id: ThreadId, checkpoint_id: CheckpointId) -> JobId:
    payload = {"thread_id": thread_id, "checkpoint_id": checkpoint_id}
    return _send(
        app, JobKind.SNAPSHOT, payload, what="state", workflow=_workflow_of(app, thread_id)
    )


def beneath(
    app: App, thread_id: str, checkpoint_id: str, *, wait_s: float = 10.0
) -> tuple[Inner, ...]:
    """
    The states of the subgraphs beneath a checkpoint, read by a worker; nothing of them is kept.

    Raises:
        NotFound: No such checkpoint of this thread.
        NoWorker: No worker is alive, or none read it in time.
        StoreUnavailable: It cannot be read; the message says why.
    """
    with engine.read(app.engine) as conn:
        found = checkpoints.fetch(conn, ThreadId(thread_id), CheckpointId(checkpoint_id))
    if found is None:
        raise NotFound("checkpoint", checkpoint_id)
    payload = {"thread_id": thread_id, "checkpoint_id": checkpoint_id}
    told = ask_worker(
        app,
        JobKind.BENEATH,
        payload,
        what="subgraphs' state",
        wait_s=wait_s,
        workflow=_workflow_of(app, ThreadId(thread_id)),
    )
    return tuple(Inner.from_json(each) for each in told)


def step(app: App, run_id: str, task_id: str, *, wait_s: float = 10.0) -> Step:
    """
    What a task of a run was handed and what it gave out, read by a worker.

    Raises:
        NotFound: The run has no such task.
        NoWorker: No worker is alive, or none read it in time.
        StoreUnavailable: It cannot be read; the message says why.
    """
    with engine.read(app.engine) as conn:
        run = find_run(conn, run_id)
        known = nodes.fetch_for_tasks(conn, run.thread_id, [task_id])
    own = [node for node in known if node.run_id == run.run_id]
    if not own:
        raise NotFound("task", task_id, hint="`interlock run` lists those of a run.")
    payload = {
        "workflow": run.workflow,
        "thread_id": run.thread_id,
        "task_id": task_id,
        "namespace": own[-1].namespace,
        "step": own[-1].step,
    }
    told = ask_worker(app, JobKind.STEP, payload, what="step", wait_s=wait_s, workflow=run.workflow)
    return _as_own(app, run, own[-1], Step.from_json(told))


def _as_own(app: App, run: Run, node: NodeRun, step: Step) -> Step:
    """The step as this run had it: a later run of the same task replaces what is stored of it."""
    with engine.read(app.engine) as conn:
        known = nodes.fetch_for_tasks(conn, run.thread_id, [node.task_id])
        others = runs.fetch_by_ids(conn, {n.run_id for n in known} - {run.run_id})
        later = [
            r for r in others.values() if (r.created_at, r.run_id) > (run.created_at, run.run_id)
        ]
        if not later:
            return step
        cards = approvals.fetch_summaries(
            conn, statuses=(), thread_id=run.thread_id, limit=MAX_CARDS, newest_first=True
        )
    asked = {card.run_id for card in cards if node.task_id in card.namespace}
    return step.before(
        max(later, key=lambda r: (r.created_at, r.run_id)).run_id,
        error=f"{node.error_type}: {node.error_message or ''}" if node.error_type else None,
        has_asked=asked == {run.run_id},
    )


def ask_worker(
    app: App,
    kind: JobKind,
    payload: dict[str, Json],
    *,
    what: str,
    wait_s: float,
    workflow: str,
) -> Json:
    """Let a worker that serves the workflow read something, and wait for what it says."""
    job_id = _send(app, kind, payload, what=what, workflow=workflow)
    return wait_for(app, job_id, what=what, wait_s=wait_s)


def _workflow_of(app: App, thread_id: ThreadId) -> str:
    with engine.read(app.engine) as conn:
        known = threads.fetch(conn, thread_id)
    return "" if known is None else known.workflow


def _send(app: App, kind: JobKind, payload: dict[str, Json], *, what: str, workflow: str) -> JobId:
    require_worker(app, what=what)
    job = NewJob(
        job_id=JobId(new_id()),
        kind=kind,
        payload=payload,
        priority=ERRAND_PRIORITY,
        workflow=workflow,
    )
    with engine.write(app.engine) as conn:
        app.queue.enqueue(conn, job, now=app.clock.now())
    return job.job_id


def require_worker(app: App, *, what: str) -> None:
    """
    See that somebody could read something.

    Raises:
        NoWorker: No worker is alive.
    """
    if not observing.list_workers(app):
        raise NoWorker(
            f"A worker is needed to read this {what}, and none is alive.",
            hint="Start `interlock up`.",
        )


def wait_for(app: App, job_id: JobId, *, what: str, wait_s: float) -> Json:
    """
    Wait for what a worker reads.

    Raises:
        NoWorker: None did in time.
        StoreUnavailable: It cannot be read; the message says why.
    """
    deadline = time.monotonic() + wait_s
    while True:
        ended = look_for(app, job_id, what=what)
        if ended is not None:
            return ended.told
        if time.monotonic() >= deadline:
            raise was_not_read(what, wait_s)
        time.sleep(observing.POLL_S)


@dataclass(frozen=True)
class Ended:
    """An errand that a worker has ended, and what it told."""

    told: Json


def look_for(app: App, job_id: JobId, *, what: str) -> Ended | None:
    """
    What became of an errand; None while it is under way. For whoever waits without holding a thread.

    Raises:
        StoreUnavailable: It cannot be read; the message says why.
    """
    with engine.read(app.engine) as conn:
        ended = app.queue.fetch_result(conn, job_id)
    if ended is not None and ended[0] == "failed":
        raise StoreUnavailable(f"The {what} could not be read: {ended[1]}")
    return Ended(ended[1]) if ended is not None and ended[0] == "done" else None


def was_not_read(what: str, wait_s: float) -> NoWorker:
    """The error of whoever has waited long enough."""
    return NoWorker(f"No worker read the {what} within {wait_s:g} s.")


def workflow_of(app: App, thread_id: ThreadId) -> str:
    """
    The workflow of a thread.

    Raises:
        NotFound: No such thread.
    """
    with engine.read(app.engine) as conn:
        thread = threads.fetch(conn, thread_id)
    if thread is None:
        raise NotFound("thread", thread_id)
    return thread.workflow


def store_snapshot(app: App, job: Job, snapshot: Snapshot) -> None:
    """Keep the state and close the job together."""
    with engine.write(app.engine) as conn:
        snapshots.put(conn, snapshot)
        app.queue.finish(conn, job.job_id)


def hand_over(app: App, job: Job, read: Json) -> None:
    """Close the job with what was read; whoever asked takes it from there."""
    with engine.write(app.engine) as conn:
        app.queue.finish(conn, job.job_id, result=read)


def fail_job(app: App, job: Job, reason: str) -> None:
    """Close the job with the reason why nothing could be read."""
    with engine.write(app.engine) as conn:
        app.queue.finish(conn, job.job_id, failed=True, result=reason)
