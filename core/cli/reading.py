"""Commands that look: workflows, runs, run, step, inbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from interlock.core.cli import printing
from interlock.core.cli.call import Call
from interlock.core.errors import UsageError
from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary, Kind
from interlock.core.model.inbox_filters import InboxFilter, Risk, Sort, read_age
from interlock.core.model.run_lists import RunFilter
from interlock.core.model.runs import Run, RunStatus, RunSummary
from interlock.core.services import (
    assigning,
    browsing,
    card_documents,
    documents,
    observing,
    permitting,
    reading,
    sifting,
)
from interlock.core.types import ThreadId

WARNINGS_COUNT = 100  # of one run
MAX_LIMIT = 10_000

RunIdArgument = Annotated[str, typer.Argument(metavar="RUN_ID", help="As `runs` prints it.")]
ThreadIdArgument = Annotated[str, typer.Argument(metavar="THREAD_ID", help="As `runs` prints it.")]
ThreadOption = Annotated[
    str | None, typer.Option("--thread", metavar="ID", help="Only of this thread.")
]
WorkflowOption = Annotated[
    str | None, typer.Option("--workflow", metavar="NAME", help="Only of this workflow.")
]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, max=MAX_LIMIT, help="At most so many.")
]


def workflows(call: Call) -> None:
    """List what can be launched, and why something cannot."""
    found = observing.list_workflows(call.open())
    if call.as_json:
        printing.print_json([documents.of_workflow(workflow) for workflow in found])
        return
    printing.print_table(
        ["name", "nodes", "description"],
        [
            (w.name, len(w.nodes), f"NOT LOADED: {w.error}" if w.error else w.description)
            for w in found
        ],
        empty="No worker has published any workflow yet; `interlock up` starts one.",
        whole=["name", "description"],
    )


def runs(
    call: Call,
    status: Annotated[
        list[RunStatus] | None,
        typer.Option("--status", metavar="STATUS", help="Only these; may be repeated."),
    ] = None,
    thread: ThreadOption = None,
    workflow: WorkflowOption = None,
    search: Annotated[
        str,
        typer.Option(
            "--search",
            metavar="WORDS",
            help="Only with all these words: of the input, an id or its end, who launched it, the error.",
        ),
    ] = "",
    error: Annotated[
        str | None, typer.Option("--error", metavar="TYPE", help="Only with this error.")
    ] = None,
    degraded: Annotated[
        bool, typer.Option("--degraded", help="Only where a fallback served.")
    ] = False,
    limit: LimitOption = 100,
) -> None:
    """List runs, newest first."""
    wanted = RunFilter(
        statuses=tuple(status or ()),
        workflow=workflow,
        thread_id=ThreadId(thread) if thread else None,
        error_type=error,
        words=search,
        is_degraded=degraded,
    )
    found = browsing.list_runs(call.open(), wanted, limit=limit)
    if call.as_json:
        printing.print_json([documents.of_run(run) for run in found])
        return
    printing.print_table(
        ["run_id", "status", "workflow", "thread_id", "created", "error"],
        [
            (r.run_id, r.status, r.workflow, r.thread_id, when(r.created_at), failure(r))
            for r in found
        ],
        empty="No runs.",
        whole=["run_id", "thread_id", "workflow"],
    )


def run(call: Call, run_id: RunIdArgument) -> None:
    """Show one run: its state, its nodes, why it failed."""
    detail = observing.run_detail(call.open(), run_id)
    values = detail.snapshot.values if detail.snapshot is not None else None
    warnings = observing.list_events(call.open(), run_id, limit=WARNINGS_COUNT, kinds=["warning"])
    if call.as_json:
        printing.print_json(
            documents.of_run_detail(
                detail.run, values=values, nodes=detail.nodes, warnings=warnings
            )
        )
        return
    print_run(detail.run, values=values)
    for warning in map(documents.of_warning, warnings):
        printing.print_fields({"warning": f"{warning['node'] or 'run'}: {warning['text']}"})
    if detail.nodes:
        printing.print_text("")
    printing.print_table(
        ["node", "attempt", "status", "took", "error"],
        [
            (
                n.path,
                "fallback" if n.is_fallback else n.attempt,
                n.status,
                printing.duration(n.duration_ms),
                n.error_message,
            )
            for n in detail.nodes
        ],
        empty="No node has run yet.",
        whole=["node"],
    )
    pending = [a for a in detail.approvals if a.status is ApprovalStatus.PENDING]
    if pending:
        printing.print_text("")
        print_inbox(pending)


def step(
    call: Call,
    run_id: RunIdArgument,
    task_id: Annotated[str, typer.Argument(metavar="TASK_ID", help="As `run --json` prints it.")],
) -> None:
    """Show what one task of a run was handed and what it gave out, read by a worker."""
    found = reading.step(call.open(), run_id, task_id).as_json()
    if call.as_json:
        printing.print_json(found)
        return
    printing.print_fields(found)


def inbox(
    call: Call,
    status: Annotated[
        list[ApprovalStatus] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="Only these; may be repeated.",
            show_default="pending",
        ),
    ] = None,
    workflow: WorkflowOption = None,
    thread: ThreadOption = None,
    node: Annotated[
        str | None, typer.Option("--node", metavar="NAME", help="Only of this node.")
    ] = None,
    kind: Annotated[
        Kind | None, typer.Option("--kind", metavar="KIND", help="Only of this kind.")
    ] = None,
    risk: Annotated[
        Risk | None,
        typer.Option("--risk", metavar="RISK", help="Only of this risk: high, medium, low, none."),
    ] = None,
    search: Annotated[
        str,
        typer.Option("--search", metavar="WORDS", help="Only those that have all of these words."),
    ] = "",
    older: Annotated[
        str | None,
        typer.Option("--older", metavar="AGE", help="Only asked so long ago: 90s, 10m, 4h, 2d."),
    ] = None,
    approver: Annotated[
        str | None,
        typer.Option("--approver", metavar="NAME|group:NAME", help="Only those left to them."),
    ] = None,
    mine: Annotated[
        bool, typer.Option("--mine", help="Only those that you may decide and have not voted on.")
    ] = False,
    claimed_by: Annotated[
        str | None, typer.Option("--claimed-by", metavar="WHO", help="Only those that they have.")
    ] = None,
    unclaimed: Annotated[
        bool, typer.Option("--unclaimed", help="Only those that nobody has.")
    ] = False,
    sort: Annotated[
        Sort,
        typer.Option("--sort", metavar="ORDER", help="One of waiting, newest, risk, priority."),
    ] = Sort.WAITING,
    limit: LimitOption = 1000,
) -> None:
    """List what waits for a human, the longest waiting first."""
    age = read_age(older) if older is not None else timedelta()
    if age is None:
        raise UsageError("--older takes an age such as 90s, 10m, 4h or 2d.")
    app = call.open()
    wanted = InboxFilter(
        statuses=tuple(status or (ApprovalStatus.PENDING,)),
        workflow=workflow,
        thread_id=thread,
        node=node,
        kind=kind,
        risk=risk,
        text=search,
        asked_until=app.clock.now() - age if older is not None else None,
        approver=approver,
        mine=permitting.resolve(app) if mine else None,
        holder=claimed_by,
        is_free=unclaimed,
        as_of=app.clock.now(),
    )
    found = sifting.list_cards(app, wanted, sort=sort, limit=limit)
    if call.as_json:
        claims = assigning.fetch_claims(app, [card.approval_id for card in found])
        printing.print_json(
            [card_documents.of_listed(card, claims.get(card.approval_id)) for card in found]
        )
        return
    print_inbox(found)


def print_run(run: Run, *, values: object = None) -> None:
    """Print the fields of one run."""
    fields: dict[str, object] = {
        "run": run.run_id,
        "thread": run.thread_id,
        "workflow": run.workflow,
        "status": run.status,
        "created": f"{when(run.created_at)} by {run.created_by}",
        "ended": when(run.ended_at),
    }
    if run.error is not None:
        fields["error"] = failure(run)
        fields["stack"] = run.error.stack.rstrip()
    if values is not None:
        fields["values"] = values
    printing.print_fields(fields)


def print_inbox(approvals: Sequence[ApprovalSummary]) -> None:
    """Print cards as a table; their payloads are in `--json`."""
    printing.print_table(
        ["approval_id", "workflow", "node", "title", "allowed", "asked"],
        [
            (a.approval_id, a.workflow, a.node, a.title, " ".join(a.allowed), when(a.asked_at))
            for a in approvals
        ],
        empty="Nothing waits for a human.",
        whole=["approval_id", "workflow", "allowed"],
    )


def failure(run: RunSummary) -> str:
    """Why a run failed, in a line."""
    return "" if run.error is None else f"{run.error.type}: {run.error.message}"


def when(moment: datetime | None) -> str:
    """A moment as people read it."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
