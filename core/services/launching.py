"""Starting a run: the input is checked, the thread must be free, run and job are written together."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from interlock.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from interlock.core.model import json_values, schemas
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Thread
from interlock.core.model.workflows import Workflow
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.services.context import App
from interlock.core.store import approvals, audit, engine, runs, threads, topics, workflows
from interlock.core.types import JobId, Json, RunId, ThreadId, new_id

MAX_THREAD_ID_LENGTH = 200  # what the tables hold
EVERY_NODE = "*"


@dataclass(frozen=True, kw_only=True)
class Launch:
    """
    What to start. `input` and `context` are JSON; breakpoints are node names or `*`.

    `recursion_limit` None takes the graph's own or the setting's; `thread_id` None makes a new thread.
    """

    workflow: str
    input: Json
    context: Json = None
    thread_id: str | None = None
    break_before: tuple[str, ...] = ()
    break_after: tuple[str, ...] = ()
    recursion_limit: int | None = None
    priority: int = 0


def launch(app: App, request: Launch, *, actor: str) -> Run:
    """
    Start a run of a workflow on a new or a free thread.

    Returns:
        The queued run.

    Raises:
        NotFound: No such workflow.
        InvalidInput: The workflow is not loaded, or the input, context or an option does not fit.
        Conflict: The thread waits for a human, is busy, or belongs to another workflow. A new
            input would silently abandon the waiting question (law 2).
    """
    with engine.read(app.engine) as conn:
        workflow = workflows.fetch(conn, request.workflow)
        known = [] if workflow else [w.name for w in workflows.fetch_names(conn)]
    if workflow is None:
        raise NotFound("workflow", request.workflow, hint=_name_known(known))
    _check(workflow, request)
    now = app.clock.now()
    run_id = RunId(new_id())
    thread_id = ThreadId(request.thread_id or new_id())
    options = RunOptions(
        break_before=request.break_before,
        break_after=request.break_after,
        recursion_limit=request.recursion_limit,
    )
    run = Run(
        run_id=run_id,
        thread_id=thread_id,
        workflow=workflow.name,
        kind=RunKind.START,
        status=RunStatus.QUEUED,
        input=request.input,
        context=request.context,
        options=options,
        priority=request.priority,
        created_at=now,
        created_by=actor,
    )
    with engine.write(app.engine) as conn:
        _claim_thread(conn, run)
        runs.insert(conn, run)
        app.queue.enqueue(conn, job_for(run), now=now)
        topics.bump(conn, "runs")  # before the audit, as everywhere: both lock until the commit
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="launch",
            object_=f"run:{run_id}",
            after={"workflow": workflow.name, "thread_id": thread_id},
        )
    return run


def job_for(run: Run) -> NewJob:
    """The job that carries a run out; it holds the lock of the run's thread (law 3)."""
    return NewJob(
        job_id=JobId(run.run_id),
        kind=JobKind.RUN,
        lock=run.thread_id,
        payload={"run_id": run.run_id},
        priority=run.priority,
    )


def _claim_thread(conn: Connection, run: Run) -> None:
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
    if existing is not None and existing.workflow != run.workflow:
        raise Conflict(
            f"Thread {run.thread_id} belongs to the workflow {existing.workflow!r}.",
            hint="Launch on a new thread.",
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


def _check(workflow: Workflow, request: Launch) -> None:
    if workflow.error is not None:
        raise InvalidInput(
            f"The workflow {workflow.name!r} could not be loaded: {workflow.error}",
            hint="Mend it and restart the worker.",
        )
    problems = list(check_input(workflow, request.input))
    problems += _check_context(workflow, request.context)
    problems = problems or _find_unstorable(request)
    for option, nodes in (
        ("break_before", request.break_before),
        ("break_after", request.break_after),
    ):
        top = {n for n in workflow.nodes if "/" not in n}
        problems += [
            FieldProblem(option, f"{n!r} is not a node; the nodes are {', '.join(sorted(top))}")
            for n in nodes
            if n != EVERY_NODE and n not in top
        ]
    if request.recursion_limit is not None and request.recursion_limit < 1:
        problems.append(FieldProblem("recursion_limit", "must be at least 1"))
    if request.thread_id is not None and not _is_id(request.thread_id):
        problems.append(
            FieldProblem(
                "thread_id",
                f"must be 1 to {MAX_THREAD_ID_LENGTH} printable characters without spaces at its ends",
            )
        )
    if problems:
        raise InvalidInput(f"{workflow.name!r} cannot be launched with this.", problems=problems)


def check_input(workflow: Workflow, value: Json) -> list[FieldProblem]:
    """
    Compare an input with the workflow's schema; a workflow without one takes any JSON but null.

    LangGraph drops unknown keys of a TypedDict silently (facts: langgraph 4), so they are refused
    here: a misspelt field would otherwise start a run without its value.
    """
    if value is None:
        return [FieldProblem("", "an input is needed; null starts nothing")]
    problems = schemas.check_input(value, workflow.input_schema)
    if workflow.input_schema is None:
        return problems
    properties = workflow.input_schema.get("properties")
    if properties and isinstance(value, dict):
        known = ", ".join(properties)
        problems += [
            FieldProblem(key, f"is not a field of this workflow; the fields are {known}")
            for key in value
            if key not in properties
            and workflow.input_schema.get("additionalProperties") in (None, False)
            and not any(p.path == key for p in problems)
        ]
    return problems


def _check_context(workflow: Workflow, context: Json) -> list[FieldProblem]:
    """A graph without a schema of its own may still read a context from its config."""
    if workflow.context_schema is None:
        is_fit = context is None or isinstance(context, dict)
        return [] if is_fit else [FieldProblem("context", "must be an object")]
    found = schemas.check({} if context is None else context, workflow.context_schema)
    return [FieldProblem(f"context.{p.path}".rstrip("."), p.message) for p in found]


def _find_unstorable(request: Launch) -> list[FieldProblem]:
    in_context = json_values.find_unstorable(request.context)
    return [
        *json_values.find_unstorable(request.input),
        *(FieldProblem(f"context.{p.path}".rstrip("."), p.message) for p in in_context),
    ]


def _is_id(value: str) -> bool:
    fits = 0 < len(value) <= MAX_THREAD_ID_LENGTH and value == value.strip()
    return fits and value.isprintable()


def _name_known(names: list[str]) -> str:
    return (
        f"The workflows are: {', '.join(names)}." if names else "No worker has published any yet."
    )
