"""Keys of runs: their list, and one of them."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.dashboard.keys.making import digest, join


def runs_table(ids: Iterable[str]) -> str:
    """The list of runs with exactly these ids in this order."""
    return f"runs-table-{digest(ids)}"


def runs_status() -> str:
    """The filter by status."""
    return "runs-status"


def runs_workflow() -> str:
    """The filter by workflow."""
    return "runs-workflow"


def runs_page(turn: str) -> str:
    """The page number; `turn` counts how often it was turned elsewhere."""
    return join("runs-page", turn)


def runs_degraded() -> str:
    """Only runs in which a fallback served."""
    return "runs-degraded"


def runs_search() -> str:
    """The words that runs are looked for by."""
    return "runs-search"


def runs_error_off() -> str:
    """The button that takes the filter by error away."""
    return "runs-error-off"


def runs_group(what: str, error_type: str) -> str:
    """A part of a group of failed runs: `show`, `act`, `reason`, `retry` or `cancel`."""
    return join("runs-group", what, error_type)


def runs_report_off() -> str:
    """The button that puts the report of a group's act away."""
    return "runs-report-off"


def open_run(run_id: str) -> str:
    """A button or link that opens a run."""
    return join("open-run", run_id)


def run_cancel(run_id: str) -> str:
    """The button that cancels a run."""
    return join("run-cancel", run_id)


def run_ask(run_id: str) -> str:
    """The button that puts a failed run into the inbox."""
    return join("run-ask", run_id)


def run_retry(run_id: str) -> str:
    """The button that retries a run."""
    return join("run-retry", run_id)


def run_reason(run_id: str) -> str:
    """The reason for cancelling or retrying a run."""
    return join("run-reason", run_id)


def run_rating(run_id: str, rating: int | None) -> str:
    """The stars of a finished run; another key for each rating, as somebody else may give one."""
    return join("run-rating", run_id, str(rating or 0))


def run_tabs(run_id: str) -> str:
    """The tabs beneath a run."""
    return join("run-tabs", run_id)


def run_steps(ids: Iterable[str]) -> str:
    """The steps of a run, with exactly these attempts in this order."""
    return f"run-steps-{digest(ids)}"


def run_step(task_id: str) -> str:
    """What one chosen step was handed and gave out."""
    return join("run-step", task_id)


def run_step_again(task_id: str) -> str:
    """The button that reads a step once more."""
    return join("run-step-again", task_id)


def run_state_form(run_id: str) -> str:
    """The switch between the state to read and the state as JSON."""
    return join("run-state-form", run_id)


def run_older(what: str, run_id: str) -> str:
    """The button that shows older entries of a run's log or events."""
    return join("run-older", what, run_id)


def confirm(what: str, object_id: str) -> str:
    """The button that confirms an act that was asked for."""
    return join("confirm", what, object_id)
