"""Acts upon all runs that failed with one error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from interlock.core.cli import printing
from interlock.core.cli.call import Call
from interlock.core.errors import UsageError
from interlock.core.model.run_lists import RunFilter, Told
from interlock.core.services import browsing

MAX_AT_ONCE = 10_000

OptionalRunIdArgument = Annotated[
    str | None, typer.Argument(metavar="RUN_ID", help="As `runs` prints it.")
]
ErrorOption = Annotated[
    str | None,
    typer.Option(
        "--error",
        metavar="TYPE",
        help="Instead of one run: all that failed with this error and were not gone on with.",
    ),
]

Act = Callable[..., tuple[Told, ...]]


def choose(run_id: str | None, error: str | None, workflow: str | None) -> str | RunFilter:
    """
    The run that is meant, or which failed ones.

    Raises:
        UsageError: Both a run and an error were given, or neither.
    """
    if (run_id is None) == (error is None):
        raise UsageError("Give either a run's id or --error TYPE.")
    if run_id is not None and workflow is not None:
        raise UsageError("--workflow goes with --error alone.")
    return RunFilter(error_type=error, workflow=workflow) if run_id is None else run_id


def act_on(call: Call, act: Act, wanted: RunFilter, *, actor: str, reason: str) -> int:
    """Act upon every run that is meant and tell what came of each; 1 if something was refused."""
    app = call.open()
    found = browsing.find_failed(app, wanted, limit=MAX_AT_ONCE)
    told = act(app, found, actor=actor, reason=reason)
    if call.as_json:
        printing.print_json(
            [
                {"run_id": t.run_id, "new_run_id": t.new_run_id, "refusal": t.refusal or None}
                for t in told
            ]
        )
    else:
        printing.print_table(
            ["run_id", "new_run_id", "refusal"],
            [(t.run_id, t.new_run_id, t.refusal) for t in told],
            empty=f"No run that failed with {wanted.error_type} is left to be gone on with.",
            whole=["run_id", "new_run_id"],
        )
    return 0 if all(t.is_done for t in told) else 1
