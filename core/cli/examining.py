"""`interlock doctor --workflow W`: does it end, within its limit; what it does outside, weighs, calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from interlock.core.cli import printing
from interlock.core.cli.call import Call
from interlock.core.errors import InterlockError, NotFound
from interlock.core.graphs import project
from interlock.core.model.workflow_checks import Finding, Verdict
from interlock.core.model.workflows import Workflow
from interlock.core.services import examining, observing
from interlock.core.services.context import App
from interlock.core.settings import Settings

_WORDS = {Verdict.OK: "ok", Verdict.NOTE: "look", Verdict.WRONG: "WRONG"}


@dataclass(frozen=True)
class _Found:
    card: Workflow
    source: str


def examine(call: Call, settings: Settings, app: App | None, name: str) -> int:
    """
    Look at one workflow. Exits with 1 if something is wrong.

    What a living worker has published is what runs. Without one it is loaded from the project, in a
    process of its own, so that it can be looked at before the first start; else the last card counts.

    Raises:
        NotFound: Neither the project nor a worker knows it.
    """
    found = _find(settings, app, name)
    findings = (
        examining.examine_unrun(found.card, settings)
        if app is None
        else examining.examine(app, found.card)
    )
    is_fit = all(finding.verdict is not Verdict.WRONG for finding in findings)
    if call.as_json:
        printing.print_json(_document(name, found, findings, is_fit=is_fit))
    else:
        printing.print_text(f"{name}, {found.source}")
        printing.print_text("")
        printing.print_table(
            ["check", "result", "found"],
            [(f.name, _WORDS[f.verdict], f.message) for f in findings],
            empty="",
            whole=["found"],
        )
    return 0 if is_fit else 1


def _document(
    name: str, found: _Found, findings: list[Finding], *, is_fit: bool
) -> dict[str, object]:
    checks = [
        {
            "name": f.name,
            "ok": f.verdict is not Verdict.WRONG,
            "verdict": f.verdict.value,
            "message": f.message,
            "found": dict(f.found),
        }
        for f in findings
    ]
    return {"ok": is_fit, "workflow": name, "source": found.source, "checks": checks}


def _find(settings: Settings, app: App | None, name: str) -> _Found:
    published = None if app is None else _find_published(app, name)
    has_worker = app is not None and bool(observing.list_workers(app))
    if published is not None and has_worker:
        return _Found(published, f"as published {published.published_at:%Y-%m-%d %H:%M} UTC")
    if _is_in_project(settings.config, name):
        from interlock.core.worker.describing import describe_apart

        return _Found(describe_apart(settings, name), "as loaded from the project")
    if published is not None:
        when = f"{published.published_at:%Y-%m-%d %H:%M} UTC"
        return _Found(published, f"as published {when}; no worker is alive")
    raise NotFound("workflow", name, hint="`interlock workflows` lists those that are published.")


def _find_published(app: App, name: str) -> Workflow | None:
    try:
        return observing.get_workflow(app, name)
    except NotFound:
        return None


def _is_in_project(config: Path | None, name: str) -> bool:
    try:
        return any(graph.name == name for graph in project.read_project(config).graphs)
    except InterlockError:
        return False
