"""What each worker serves, and the versions of workflows there have been."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, exists, select, union

from interlock.core.model.serving import Served, Version
from interlock.core.store import dialect
from interlock.core.store.schema import (
    jobs,
    worker_workflows,
    workers,
    workflow_versions,
    workflows,
)
from interlock.core.store.workers import DEAD
from interlock.core.types import WorkerId

MAX_ROWS = 100_000
KEPT = timedelta(days=90)  # a version, counted from when it was first served

_ENTER = dialect.upsert(worker_workflows)
_NOTE = dialect.insert_new(workflow_versions)
_WITHDRAW = delete(worker_workflows).where(worker_workflows.c.worker_id == bindparam("of_id"))
_LIVES = workers.c.status != DEAD
_SERVED = (
    select(worker_workflows)
    .join(workers, workers.c.worker_id == worker_workflows.c.worker_id)
    .where(_LIVES)
    .order_by(worker_workflows.c.worker_id, worker_workflows.c.workflow)
    .limit(MAX_ROWS)
)
_IS_SERVED = exists().where(
    worker_workflows.c.workflow == workflow_versions.c.workflow,
    worker_workflows.c.fingerprint == workflow_versions.c.fingerprint,
)
_VERSIONS = select(workflow_versions).where(_IS_SERVED).limit(MAX_ROWS)
_NAMES = (
    select(workflow_versions.c.workflow)
    .where(workflow_versions.c.project == bindparam("of_project"))
    .distinct()
    .limit(MAX_ROWS)
)
_FORGET = delete(workflow_versions).where(
    workflow_versions.c.first_at < bindparam("until"), ~_IS_SERVED
)
_SOUND = (
    select(worker_workflows.c.workflow)
    .join(workers, workers.c.worker_id == worker_workflows.c.worker_id)
    .where(
        _LIVES,
        worker_workflows.c.workflow.in_(bindparam("names", expanding=True)),
        worker_workflows.c.fingerprint.is_not(None),
    )
)
_PROJECTS = select(workers.c.project).where(_LIVES).distinct().limit(1000)
_SERVED_NOW = (
    select(worker_workflows.c.workflow)
    .join(workers, workers.c.worker_id == worker_workflows.c.worker_id)
    .where(
        _LIVES,
        workers.c.heartbeat_at >= bindparam("since"),
        worker_workflows.c.fingerprint.is_not(None),
    )
)
_IS_ANY_SERVED = select(
    exists(_SERVED_NOW.with_only_columns(worker_workflows.c.workflow))
).execution_options(interlock_sees_all=True)
# Both sides of everybody: of what is not seen it would seem that no worker serves it.
_UNSERVED = (
    union(
        select(workflows.c.name).where(
            workflows.c.error.is_(None), workflows.c.name.not_in(_SERVED_NOW)
        ),
        select(jobs.c.workflow).where(
            jobs.c.status == "todo", jobs.c.workflow != "", jobs.c.workflow.not_in(_SERVED_NOW)
        ),
    )
    .limit(1000)
    .execution_options(interlock_sees_all=True)
)


def enter(conn: Connection, worker_id: WorkerId, versions: Mapping[str, str | None]) -> None:
    """Say what a worker serves: each workflow with its version, None where it did not load."""
    rows = [
        {"worker_id": worker_id, "workflow": name, "fingerprint": version}
        for name, version in sorted(versions.items())
    ]
    if rows:
        conn.execute(_ENTER.on(conn), rows)


def note_versions(
    conn: Connection, versions: Mapping[str, str | None], *, project: str, now: datetime
) -> None:
    """Keep when each version was first served; forget those that nobody has served for long."""
    conn.execute(_FORGET, {"until": now - KEPT})
    rows = [
        {"workflow": name, "fingerprint": version, "project": project, "first_at": now}
        for name, version in sorted(versions.items())
        if version is not None
    ]
    if rows:
        conn.execute(_NOTE.on(conn), rows)


def withdraw(conn: Connection, worker_id: WorkerId) -> None:
    """A worker serves nothing any more."""
    conn.execute(_WITHDRAW, {"of_id": worker_id})


def fetch_served(conn: Connection) -> list[Served]:
    """What the workers serve that nobody has found dead."""
    return [Served(r.worker_id, r.workflow, r.fingerprint) for r in conn.execute(_SERVED)]


def find_served(conn: Connection, names: Collection[str]) -> set[str]:
    """Which of these workflows some worker can carry out that nobody has found dead."""
    return set(conn.execute(_SOUND, {"names": list(names)}).scalars())


def fetch_versions(conn: Connection) -> dict[tuple[str, str], Version]:
    """The versions that are served, by workflow and fingerprint."""
    return {
        (row.workflow, row.fingerprint): Version(row.first_at, row.project)
        for row in conn.execute(_VERSIONS)
    }


def fetch_names(conn: Connection, *, project: str) -> set[str]:
    """The workflows that a project has had."""
    return set(conn.execute(_NAMES, {"of_project": project}).scalars())


def fetch_projects(conn: Connection) -> set[str]:
    """The projects of the workers that nobody has found dead."""
    return set(conn.execute(_PROJECTS).scalars())


def find_unserved(conn: Connection, *, since: datetime) -> list[str]:
    """
    Workflows of whichever tenant that can be launched, or of which something is due, and that no
    worker serves.

    Nothing where no worker has given a sign of life since a moment: that is told by itself.
    """
    if not conn.execute(_IS_ANY_SERVED, {"since": since}).scalar_one():
        return []
    return sorted(conn.execute(_UNSERVED, {"since": since}).scalars())
