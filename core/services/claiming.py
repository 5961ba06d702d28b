"""Handing runs to a worker: what it takes with it, and when a job is given up (law 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.model.approvals import STANDING, Approval, Kind
from interlock.core.model.delivery import HANDED_OVER, Delivery, is_suspect
from interlock.core.model.holds import Hold
from interlock.core.model.nodes import NodeRun
from interlock.core.model.runs import FORKING, Run, RunKind, RunStatus
from interlock.core.queue.port import SERVES_ALL, Job, JobKind, Serves
from interlock.core.services import unreadable
from interlock.core.services.context import App
from interlock.core.services.provenance import is_from_elsewhere
from interlock.core.services.unreadable import UNREADABLE
from interlock.core.store import (
    approvals,
    batches,
    decisions,
    engine,
    events,
    forks,
    holds,
    nodes,
    publications,
    runs,
    topics,
)
from interlock.core.types import CheckpointId, JobId, Json, RunId, ThreadId, WorkerId

MAX_CHAIN = 1000  # retries of retries that are followed back; far beyond what a person does
ENDED_EARLY = (
    "The worker that was reading it ended before it was done, so it is not tried again. Ask once more;"
    " if a worker ends each time, this is what ends it."
)


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """
    A job with all its worker needs, so that carrying it out reads no app table.

    `askers` are the namespaces of the tasks that asked on the thread before.
    """

    job: Job
    run: Run
    delivery: Delivery
    verb: Mapping[str, Json] | None
    askers: frozenset[str]
    last_seq: int
    indexed_to: CheckpointId | None

    @property
    def is_suspect(self) -> bool:
        """Whether it may kill its worker, so that nothing should run beside it."""
        return is_suspect(self.job.progress)


@dataclass(frozen=True)
class Claim:
    """
    What one claim brought: runs to carry out, and errands: states and steps to read.

    `has_left` some to others that have come since the worker looked who serves what.
    """

    runs: tuple[Claimed, ...]
    errands: tuple[Job, ...]
    has_left: bool = False


@dataclass(frozen=True)
class Seen:
    """What a look at the database found."""

    is_any_due: bool
    cancelled: frozenset[RunId]
    holds: tuple[Hold, ...] = ()


def look(
    app: App,
    run_ids: Sequence[RunId],
    *,
    only_errands: bool = False,
    serves: Serves = SERVES_ALL,
) -> Seen:
    """
    See whether a claim is worth the database's only writer, which of these runs somebody asked to
    cancel, and what is held; a plain read. `only_errands`: there is no room for another run.
    """
    with engine.read(app.engine) as conn:
        return Seen(
            is_any_due=app.queue.is_any_due(
                conn, now=app.clock.now(), only_errands=only_errands, serves=serves
            ),
            cancelled=frozenset(runs.fetch_cancel_requests(conn, run_ids=run_ids))
            if run_ids
            else frozenset(),
            holds=tuple(holds.fetch_all(conn)) if run_ids else (),
        )


def claim_jobs(
    app: App,
    worker_id: WorkerId,
    *,
    limit: int,
    only_errands: bool = False,
    serves: Serves = SERVES_ALL,
) -> Claim:
    """
    Take up to `limit` due jobs; one whose run has ended meanwhile is closed on the way.

    So is an errand that was handed out before: it stands before all runs, and one that kills its
    worker would kill each that comes, with all that runs there. What cannot be decrypted here fails.
    """
    claimed: list[tuple[Job, Run]] = []
    errands: list[Job] = []
    with engine.write(app.engine) as conn:
        now = app.clock.now()  # once it is our turn to write: no run starts before it was created
        jobs = app.queue.claim(
            conn,
            worker_id=worker_id,
            limit=limit,
            now=now,
            only_errands=only_errands,
            serves=serves,
        )
        kept = _leave_to_others(app, conn, jobs, serves)
        has_left = len(kept) < len(jobs)
        carried = [job for job in kept if job.kind is JobKind.RUN]
        for job in kept:
            if job.kind is JobKind.RUN:
                continue
            if job.unread is not None:
                app.queue.finish(conn, job.job_id, failed=True, result=str(job.unread))
            elif job.deliveries > 1 and job.progress != HANDED_OVER:
                app.queue.finish(conn, job.job_id, failed=True, result=ENDED_EARLY)
            else:
                errands.append(job)
        found, errors = unreadable.fetch_runs(conn, [_run_id(job) for job in carried])
        for job in carried:
            run = found.get(_run_id(job))
            if run is None or not run.is_open:
                app.queue.finish(conn, job.job_id)
            else:
                claimed.append((job, _started(run, now)))
        started = [run for _, run in claimed]
        batches.start_runs(conn, started)
        indexed = batches.newest_checkpoints(conn, [run.thread_id for run in started])
        described: list[Claimed] = []
        for job, run in claimed:
            error = job.unread or errors.get(run.run_id)
            try:
                if error is None:
                    indexed_to = indexed.get(run.thread_id)
                    is_shared = app.settings.attach is not None
                    told = _describe(conn, job, run, indexed_to=indexed_to, is_shared=is_shared)
                    described.append(told)
            except UNREADABLE as exc:
                error = exc
            if error is not None:
                unreadable.fail(app, conn, job, run, error)
        if claimed:
            topics.bump(conn, "runs")
    return Claim(tuple(described), tuple(errands), has_left)


def _leave_to_others(
    app: App, conn: Connection, jobs: Sequence[Job], serves: Serves
) -> Sequence[Job]:
    """Hand back what this worker has no code for and another has, which came in a deploy just now."""
    strange = {job.workflow for job in jobs if job.workflow} - (serves.loaded or set())
    if serves.loaded is None or not strange:
        return jobs
    theirs = publications.find_served(conn, strange)
    for job in jobs:
        if job.workflow in theirs:
            app.queue.note_progress(conn, job.job_id, progress=HANDED_OVER)
            app.queue.hand_back(conn, job)
    return [job for job in jobs if job.workflow not in theirs]


def put_back_unheard(app: App, worker_id: WorkerId, carried: Sequence[JobId]) -> int:
    """
    Hand back the jobs that this worker claimed and does not carry: the database went away while it
    claimed them. Nothing of them was begun, so they count as handed over in good order.
    """
    with engine.write(app.engine) as conn:
        unheard = app.queue.put_back(conn, worker_id=worker_id, but=carried)
        for job_id in unheard:
            app.queue.note_progress(conn, job_id, progress=HANDED_OVER)
        return len(unheard)


def come_back(app: App, worker_id: WorkerId, claimed: Claimed, *, steps: int) -> bool:
    """
    After an outage in which a run went on in memory: mark it so, as long as it is this worker's.

    Args:
        app: The parts.
        worker_id: Who carries the run.
        claimed: The run.
        steps: How many of its steps were kept since it was claimed; 0 if it only waited.

    Returns:
        Whether it is; if not, somebody took it over since, and nothing is marked.
    """
    run = claimed.run
    with engine.write(app.engine) as conn:
        if not app.queue.is_claimed(conn, claimed.job, worker_id=worker_id):
            return False
        if steps:
            runs.mark_not_durable(conn, run.run_id, run.steps_in_memory + steps)
            topics.bump(conn, "runs", "inbox")
        return True


def mark_repeated(app: App, run_id: RunId) -> None:
    """A worker died that may have kept steps of a run in its memory: they are done again."""
    with engine.write(app.engine) as conn:
        runs.mark_repeated(conn, run_id)
        topics.bump(conn, "runs", "inbox")


def note_tries(app: App, job: Job, note: str) -> None:
    """Keep with a job how often it was handed out at the same checkpoint."""
    with engine.write(app.engine) as conn:
        app.queue.note_progress(conn, job.job_id, progress=note)


def fetch_attempts(app: App, thread_id: ThreadId, task_ids: Sequence[str]) -> list[NodeRun]:
    """What is recorded of these tasks of a thread."""
    with engine.read(app.engine) as conn:
        return nodes.fetch_for_tasks(conn, thread_id, task_ids)


def _run_id(job: Job) -> RunId:
    return RunId(job.job_id if job.unread is not None else str(job.payload["run_id"]))


def _started(run: Run, now: datetime) -> Run:
    return replace(
        run,
        status=RunStatus.RUNNING,
        started_at=run.started_at or max(now, run.created_at),  # by whichever host's clock
        deliveries=run.deliveries + 1,
    )


def _describe(
    conn: Connection, job: Job, run: Run, *, indexed_to: CheckpointId | None, is_shared: bool
) -> Claimed:
    chain = _chain(conn, run)
    origin = chain[-1]
    is_retry = run.kind is RunKind.RETRY
    verb, card = _read_verb(conn, origin)
    carried = replace(run, input=origin.input) if is_retry else run
    return Claimed(
        job=job,
        run=carried,
        delivery=Delivery(
            kind=origin.kind,
            is_first=not is_retry
            and (run.deliveries == 1 or (is_shared and _is_unheard(conn, run))),
            is_retry=is_retry,
            own_run_ids=frozenset(r.run_id for r in chain),
            answers=_read_answers(conn, run, is_retry=is_retry),
            card_checkpoint_id=card.checkpoint_id if card is not None else None,
            is_after_failure=card is not None and card.kind is Kind.FAILURE,
            head=None,
            fork=forks.fetch_for_run(conn, origin.run_id) if origin.kind in FORKING else None,
            is_shared=is_shared,
            places=_find_places(conn, chain) if is_shared else frozenset(),
        ),
        verb=verb,
        askers=_find_askers(conn, run),
        last_seq=events.last_seq(conn, run.run_id) if run.deliveries > 1 else 0,
        indexed_to=indexed_to,
    )


def _chain(conn: Connection, run: Run) -> Sequence[Run]:
    """The run and, for a retry, the runs it retries, back to the first."""
    chain = [run]
    while chain[-1].kind is RunKind.RETRY and len(chain) < MAX_CHAIN:
        previous = chain[-1].previous_run_id
        found = runs.fetch(conn, previous) if previous is not None else None
        if found is None:
            break
        chain.append(found)
    return chain


def _is_unheard(conn: Connection, run: Run) -> bool:
    """Whether an answer was handed out before without any node having begun: held, or drained first."""
    return run.kind is RunKind.RESUME and not nodes.fetch_for_runs(conn, [run.run_id], limit=1)


def _find_places(conn: Connection, chain: Sequence[Run]) -> frozenset[CheckpointId]:
    """Where a run begins: at the cards it answers, and where those ended that it retries."""
    ends = [run.end_checkpoint_id for run in chain[1:]]
    decided = [d.approval_id for run in chain for d in decisions.fetch_for_run(conn, run.run_id)]
    cards = [approvals.fetch(conn, approval_id) for approval_id in decided]
    return frozenset(
        [*(card.checkpoint_id for card in cards if card is not None), *(e for e in ends if e)]
    )


def _read_answers(conn: Connection, run: Run, *, is_retry: bool) -> Mapping[str, Json]:
    """
    The answers this delivery may hand over, by interrupt id.

    A resume run carries the decisions that joined it. A retry carries every decision of the thread
    that its runs did not get through; which of them are stored already, the head tells. What a file
    says was decided is nobody's approval here.
    """
    if run.kind is RunKind.START:
        return {}
    if not is_retry:
        found = decisions.fetch_for_run(conn, run.run_id)
        cards = {d.approval_id: approvals.fetch(conn, d.approval_id) for d in found}
        return {
            card.interrupt_id: d.answer
            for d in found
            if (card := cards[d.approval_id]) is not None
            and card.interrupt_id is not None
            and d.refused is None
        }
    answers: dict[str, Json] = {}
    decided = approvals.fetch_many(
        conn, statuses=("decided",), thread_id=run.thread_id, limit=MAX_CHAIN, newest_first=True
    )
    for card in decided:
        newest = next(iter(decisions.fetch_for_approval(conn, card.approval_id)), None)
        if card.interrupt_id is None or newest is None or newest.refused is not None:
            continue
        carrier = runs.fetch(conn, newest.run_id)
        if carrier is None or carrier.status is RunStatus.QUEUED:
            continue
        if not is_from_elsewhere(conn, run.thread_id, carrier):
            answers[card.interrupt_id] = newest.answer
    return answers


def _find_askers(conn: Connection, run: Run) -> frozenset[str]:
    if run.kind is RunKind.START and run.deliveries == 1:
        return frozenset()  # whoever asked on this thread before is left behind by the new input
    cards = approvals.fetch_many(
        conn,
        statuses=("pending", "decided"),
        thread_id=run.thread_id,
        limit=MAX_CHAIN,
        newest_first=True,
    )
    return frozenset(card.namespace for card in cards if card.namespace)


def _read_verb(conn: Connection, origin: Run) -> tuple[Mapping[str, Json] | None, Approval | None]:
    if origin.kind is not RunKind.PROCEED:
        return None, None
    for decision in decisions.fetch_for_run(conn, origin.run_id):
        card = approvals.fetch(conn, decision.approval_id)
        if card is not None and card.kind in STANDING:
            kept = card.payload if card.kind is Kind.FAILURE else {}
            return {**decision.answer, "skips": kept.get("skips"), "node": kept.get("node")}, card
    return None, None
