"""Is a workflow fit to be run: its published card and what its runs did, looked at for `doctor`."""

from __future__ import annotations

from interlock.core.model import workflow_checks
from interlock.core.model.workflow_checks import Extremes, Finding
from interlock.core.model.workflows import Workflow
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine, extremes


def examine(app: App, workflow: Workflow) -> list[Finding]:
    """Look at a workflow and at what its newest runs did here."""
    with engine.read(app.engine) as conn:
        seen = extremes.fetch(conn, workflow.name)
    return _check(workflow, seen, app.settings)


def examine_unrun(workflow: Workflow, settings: Settings) -> list[Finding]:
    """Look at a workflow of which no run is known, as before the first start."""
    return _check(workflow, Extremes(), settings)


def _check(workflow: Workflow, seen: Extremes, settings: Settings) -> list[Finding]:
    return workflow_checks.check(workflow, seen, recursion_limit=settings.recursion_limit)
