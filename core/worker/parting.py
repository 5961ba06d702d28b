"""The part of a project that a worker serves: named workflows, or those of named tenants."""

from __future__ import annotations

from dataclasses import replace

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.graphs.project import Project
from interlock.core.model.serving import Coverage
from interlock.core.settings import Settings


def coverage_of(settings: Settings) -> Coverage:
    """What the settings say; nothing is everything."""
    return Coverage(
        workflows=frozenset(settings.worker_workflows) or None,
        tenants=frozenset(settings.worker_tenants) or None,
    )


def part_of(project: Project, settings: Settings) -> Project:
    """
    The project with the graphs alone that this worker serves: the others are not even imported.

    Raises:
        InvalidInput: A workflow or a tenant is not there, or nothing is left, or another application's
            database is to be followed, which takes all of them.
    """
    coverage = coverage_of(settings)
    if coverage.is_all:
        return project
    if settings.attach is not None:
        raise InvalidInput(
            "A worker that follows another application's database serves all of its project.",
            hint="Leave out --workflows and --tenants, or --attach.",
        )
    tenants = {
        spec.name: project.policies.for_workflow(spec.name).tenant or "" for spec in project.graphs
    }
    problems = [
        FieldProblem(option, f"{project.path} has no {what} {name!r}; it has {_list(there)}.")
        for option, what, given, there in (
            ("workflows", "graph", coverage.workflows, set(tenants)),
            ("tenants", "workflow of", coverage.tenants, {t for t in tenants.values() if t}),
        )
        for name in sorted((given or set()) - there)
    ]
    if problems:
        raise InvalidInput("This worker cannot serve what it was told to:", problems=problems)
    kept = tuple(spec for spec in project.graphs if coverage.covers(spec.name, tenants[spec.name]))
    if not kept:
        raise InvalidInput(
            "None of these workflows is of these tenants, so there is nothing to serve."
        )
    return replace(project, graphs=kept)


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
