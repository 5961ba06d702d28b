"""Commands about figures: metrics, rate."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from interlock.core.cli import printing
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.cli.reading import RunIdArgument, WorkflowOption, when
from interlock.core.errors import UsageError
from interlock.core.model.figures import Metrics, NodeFigures, WorkflowFigures
from interlock.core.model.inbox_filters import read_age
from interlock.core.services import figure_documents, figuring, rating
from interlock.core.services import metrics as measured

MAX_WINDOW = timedelta(days=366)


def metrics(
    call: Call,
    window: Annotated[
        str,
        typer.Option("--window", metavar="AGE", help="How far back: 90s, 5m, 1h, 7d."),
    ] = "1h",
    workflow: WorkflowOption = None,
    variant: Annotated[
        str | None, typer.Option("--variant", metavar="NAME", help="Only runs of this variant.")
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make all figures anew from the rows first.")
    ] = False,
) -> None:
    """Show how workflows and nodes do, the worst nodes first."""
    length = read_age(window)
    if length is None or not timedelta() < length <= MAX_WINDOW:
        raise UsageError("--window takes an age such as 90s, 5m, 1h or 7d, at most 366d.")
    app = call.open()
    if rebuild:
        count = figuring.rebuild(app)
        printing.say(f"The figures of {count} hours were made anew.")
    found = measured.read(app, measured.last(app, length, workflow=workflow, variant=variant))
    if call.as_json:
        printing.print_json(figure_documents.of_metrics(found))
        return
    _print(found)


def rate(
    call: Call,
    run_id: RunIdArgument,
    stars: Annotated[int, typer.Argument(metavar="1..5", help="5 is best.")],
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Rate a finished run; the last rating holds."""
    app = call.open()
    run = rating.rate(app, run_id, stars, actor=actor_of(app, who), reason=reason)
    if call.as_json:
        printing.print_json({"run_id": run.run_id, "rating": stars})
    else:
        printing.print_text(f"Run {run.run_id} is rated {stars}.")


def _print(found: Metrics) -> None:
    window = found.window
    printing.print_text(f"{when(window.start)} to {when(window.end)}")
    if not found.is_whole:
        printing.say("Some minutes of it are just being counted anew.")
    printing.print_text("")
    printing.print_table(
        ["workflow", "started", "completed", "failed", "success", "mean", "p95", "p99"],
        [_workflow(one) for one in found.workflows],
        empty="No run began or ended in this time.",
        whole=["workflow"],
    )
    if found.nodes:
        printing.print_text("")
    printing.print_table(
        [
            *("workflow", "node", "runs", "errors", "attempts", "interrupted", "cached"),
            *("mean", "p50", "p95", "p99", "share", "wait"),
        ],
        [_node(one) for one in found.nodes],
        empty="No node ended in this time.",
        whole=["workflow", "node"],
    )


def _workflow(one: WorkflowFigures) -> tuple[Any, ...]:
    times = (printing.duration(ms) for ms in (one.mean_ms, one.p95_ms, one.p99_ms))
    return (
        one.workflow,
        one.started,
        one.completed,
        one.failed,
        _percent(one.success_ratio),
        *times,
    )


def _node(one: NodeFigures) -> tuple[Any, ...]:
    times = (printing.duration(ms) for ms in (one.mean_ms, one.p50_ms, one.p95_ms, one.p99_ms))
    return (
        one.workflow,
        one.path,
        one.runs,
        one.errors,
        one.attempts,
        one.interrupted,
        one.cached,
        *times,
        _percent(one.share_ratio),
        printing.duration(one.wait_s * 1000) if one.wait_s else "",
    )


def _percent(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio * 100:.3g} %"
