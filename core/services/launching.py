"""Starting a run: the input is checked, the thread must be free, run and job are written together."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from interlock.core.model import input_limits, variants
from interlock.core.model.flags import Flag
from interlock.core.model.people import Permission
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Origin, Thread
from interlock.core.model.workflows import Workflow
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.services import backlog, checking, flagging, limiting
from interlock.core.services.context import App
from interlock.core.services.finding import require_sound
from interlock.core.services.permitting import command
from interlock.core.store import approvals, audit, engine, runs, threads, topics, workflows
from interlock.core.types import JobId, Json, RunId, ThreadId, new_id


@dataclass(frozen=True, kw_only=True)
class Launch:
    """
    What to start. `input` and `context` are JSON; breakpoints are node names or `*`.

    `recursion_limit` None takes the graph's own or the setting's; `thread_id` None makes a new thread;
    `variant` is a name, or names with weights (`a 90, b 10`) of which one is drawn; a thread that
    has one of them keeps it.
    `asks_on_failure`: a human is asked when it fails.
    """

    workflow: str
    input: Json
    context: Json = None
    thread_id: str | None = None
    break_before: tuple[str, ...] = ()
    break_after: tuple[str, ...] = ()
    recursion_limit: int | None = None
    priority: int = 0
    variant: str = ""
    asks_on_failure: bool = False


@command(Permission.LAUNCH)
def launch(app: App, request: Launch, *, actor: str) -> Run:
    """
    Start a run of a workflow on a new or a free thread.

    Returns:
        The queued run.

    Raises:
        NotFound: No such workflow.
        InvalidInput: The workflow is not loaded, or the input, context or an option does not fit.
        RateLimited: It was launched as often as its policy allows; the error says until when.
        QueueFull: Too many runs wait for a worker; the error says when to try again.
        SwitchedOff: Launches are.
        Conflict: The thread waits for a human, is busy, or belongs to another workflow. A new
            input would silently abandon the waiting question (law 2).
    """
    workflow = fetch_workflow(app, request.workflow)
    prepared = prepare(app, workflow, request)
    run = make_run(prepared, actor=actor, now=app.clock.now())
    with engine.write(app.engine) as conn:
        flagging.require_within(conn, Flag.LAUNCHES)
        backlog.require_room(app, conn, run.workflow, now=run.created_at)
        limiting.take_launch(conn, workflow, actor=actor, now=run.created_at)
        run = _keep_variant(conn, run, prepared)
        add(conn, app, run)
        topics.bump(conn, "runs")
        audit.append(
            conn,
            at=run.created_at,
            actor=actor,
            action="launch",
            object_=f"run:{run.run_id}",
            after={"workflow": run.workflow, "thread_id": run.thread_id},
        )
    return run


def fetch_workflow(app: App, name: str) -> Workflow:
    """
    The workflow of this name.

    Raises:
        NotFound: No worker has published it.
    """
    with engine.glance(app.engine) as conn:
        workflow = workflows.fetch(conn, name)
    if workflow is None:
        with engine.read(app.engine) as conn:
            known = [found.name for found in workflows.fetch_names(conn)]
        raise NotFound("workflow", name, hint=_name_known(known))
    return workflow


def make_run(request: Launch, *, actor: str, now: datetime, batch_id: str | None = None) -> Run:
    """The run that a checked request asks for; where it names several variants, one is drawn."""
    return Run(
        run_id=RunId(new_id()),
        thread_id=ThreadId(request.thread_id or new_id()),
        workflow=request.workflow,
        kind=RunKind.START,
        status=RunStatus.QUEUED,
        input=request.input,
        context=request.context,
        options=RunOptions(
            break_before=request.break_before,
            break_after=request.break_after,
            recursion_limit=request.recursion_limit,
            asks_on_failure=request.asks_on_failure,
        ),
        priority=request.priority,
        created_at=now,
        created_by=actor,
        variant=variants.draw(variants.parse(request.variant), random.random()),  # noqa: S311
        batch_id=batch_id,
    )


def _keep_variant(conn: Connection, run: Run, request: Launch) -> Run:
    """The run with the variant its thread has, if it was drawn from it: a talk does not change sides."""
    shares = variants.parse(request.variant)
    if request.thread_id is None or len(shares) < 2:
        return run
    thread = threads.fetch(conn, run.thread_id)
    last_id = thread.last_run_id if thread is not None else None
    last = runs.fetch(conn, last_id) if last_id is not None else None
    is_among = last is not None and any(s.weight and s.name == last.variant for s in shares)
    return replace(run, variant=last.variant) if last is not None and is_among else run


def add(conn: Connection, app: App, run: Run) -> None:
    """
    Write a run and its job, in the caller's transaction.

    Raises:
        Conflict: Its thread is not free.
    """
    _claim_thread(conn, run, is_attached=app.settings.attach is not None)
    runs.insert(conn, run)
    app.queue.enqueue(conn, job_for(run), now=run.created_at)


def job_for(run: Run) -> NewJob:
    """The job that carries a run out; it holds the lock of the run's thread (law 3)."""
    return NewJob(
        job_id=JobId(run.run_id),
        kind=JobKind.RUN,
        lock=run.thread_id,
        payload={"run_id": run.run_id},
        priority=run.priority,
        workflow=run.workflow,
    )


def _claim_thread(conn: Connection, run: Run, *, is_attached: bool) -> None:
    thread = Thread(
        thread_id=run.thread_id,
        workflow=run.workflow,
        head_checkpoint_id=None,
        last_run_id=run.run_id,
        created_at=run.created_at,
        updated_at=run.created_at,
    )
    if threads.insert(conn, thread):
        return
    existing = threads.lock(conn, run.thread_id)
    if existing is None:  # it is there, and of a tenant whose threads are not seen
        raise Conflict(f"Thread {run.thread_id} is in use.", hint="Launch on a new thread.")
    if existing.workflow == threads.NO_WORKFLOW:
        threads.adopt(conn, run.thread_id, run.workflow)
    elif existing.workflow != run.workflow:
        raise Conflict(
            f"Thread {run.thread_id} belongs to the workflow {existing.workflow!r}.",
            hint="Launch on a new thread.",
        )
    require_sound(existing)
    if existing.origin is Origin.ATTACHED and not is_attached:
        raise Conflict(
            f"Thread {run.thread_id} is in the database of another application, which is not attached.",
            hint="Start Interlock with --attach, or launch on a new thread.",
        )
    waiting = approvals.fetch_summaries(conn, thread_id=run.thread_id, limit=1)
    if waiting:
        raise Conflict(
            f"Thread {run.thread_id} waits for a human: {waiting[0].title!r}.",
            hint=f"Decide card {waiting[0].approval_id} first, or cancel its run.",
        )
    busy = runs.find_open_or_held(conn, run.thread_id)
    if busy:
        raise Conflict(
            f"Thread {run.thread_id} is busy with run {busy[0].run_id} ({busy[0].status}).",
            hint="Wait for it, or cancel it.",
        )
    threads.touch(conn, run.thread_id, last_run_id=run.run_id, now=run.created_at)


def prepare(app: App, workflow: Workflow, request: Launch) -> Launch:
    """
    The request as it will be carried out: its texts trimmed, all of it checked, its variant drawn.

    Raises:
        InvalidInput: The workflow is not loaded, or something does not fit; all of it is named.
    """
    require_loaded(workflow)
    limits = checking.limits_of(app.settings)
    trimmed = replace(
        request,
        input=input_limits.trim(request.input, limits),
        context=input_limits.trim(request.context, limits),
    )
    problems = [
        *checking.check_input(workflow, trimmed.input, limits),
        *find_option_problems(app, workflow, trimmed),
    ]
    if problems:
        raise InvalidInput(f"{workflow.name!r} cannot be launched with this.", problems=problems)
    return with_policy(workflow, trimmed)


def with_policy(workflow: Workflow, request: Launch) -> Launch:
    """The request with the workflow's own priority and variants, where it names none itself."""
    policy = workflow.policy if isinstance(workflow.policy, dict) else {}
    weights = policy.get("variants", {})
    return replace(
        request,
        priority=request.priority or policy.get("priority") or 0,
        variant=request.variant or ", ".join(f"{name} {weights[name]:f}" for name in weights),
    )


def find_option_problems(app: App, workflow: Workflow, request: Launch) -> list[FieldProblem]:
    """What is wrong with a request apart from its input."""
    found = [
        *checking.check_context(workflow, request.context, checking.limits_of(app.settings)),
        *checking.check_options(
            workflow,
            break_before=request.break_before,
            break_after=request.break_after,
            recursion_limit=request.recursion_limit,
            priority=request.priority,
            thread_id=request.thread_id,
        ),
    ]
    try:
        variants.parse(request.variant)
    except InvalidInput as exc:
        found += exc.problems
    return found


def require_loaded(workflow: Workflow) -> None:
    """
    Raises:
        InvalidInput: The workflow's code could not be imported.
    """
    if workflow.error is not None:
        raise InvalidInput(
            f"The workflow {workflow.name!r} could not be loaded: {workflow.error}",
            hint="Mend it and restart the worker.",
        )


def _name_known(names: list[str]) -> str:
    return (
        f"The workflows are: {', '.join(names)}." if names else "No worker has published any yet."
    )
