"""Commands for caches: what they hold and have saved, and clearing them."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.core.cli import printing
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import UsageError
from interlock.core.services import caching, figure_documents


def caches(call: Call) -> None:
    """List the caches, those that hit the least first."""
    found = caching.list_caches(call.open())
    if call.as_json:
        printing.print_json([figure_documents.of_cache(each) for each in found])
        return
    printing.print_table(
        [
            "workflow",
            "node",
            "hit",
            "hits",
            "misses",
            "stores",
            "entries",
            "bound",
            "size",
            "saved",
        ],
        [
            (
                each.place.workflow,
                each.place.path,
                _say_ratio(each.counts.hit_ratio),
                each.counts.hits,
                each.counts.misses,
                each.counts.stores,
                each.entries,
                each.max_entries,
                printing.size(each.size_bytes),
                printing.duration(each.counts.saved_ms),
            )
            for each in found
        ],
        empty="No policy has a cache; interlock.toml puts them on nodes, tools and models.",
        whole=["workflow", "node"],
    )


def clear(
    call: Call,
    workflow: Annotated[
        str | None, typer.Option("--workflow", metavar="NAME", help="Only of this workflow.")
    ] = None,
    node: Annotated[
        str | None,
        typer.Option("--node", metavar="PATH", help="Only of this node, as `caches` prints it."),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            "--pattern",
            metavar="GLOB",
            help="Only where `workflow/node` or the question matches: `*` and `?` stand for any.",
        ),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option("--event", metavar="NAME", help="Only what policies clear by this event."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is cached.")] = False,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Clear what all the options given name, in every worker."""
    is_named = any(each is not None for each in (workflow, node, pattern, event))
    if is_named == everything:
        raise UsageError(
            "Name what to clear by --workflow, --node, --pattern or --event, or give --all."
        )
    app = call.open()
    count = caching.clear(
        app,
        workflow=workflow,
        node=node,
        pattern=pattern,
        event=event,
        actor=actor_of(app, who),
        reason=reason,
    )
    if call.as_json:
        printing.print_json({"cleared": count})
    else:
        printing.print_fields({"cleared": count})


def _say_ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio * 100:.1f} %"
