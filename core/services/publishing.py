"""
What the workers of one database serve between them: the cards that are shown, and who takes which runs.

Workers may have different projects, parts of one, or older and newer code during a deploy. Each settles
it for itself from the same rows, whenever these have changed; who comes to the same result writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from interlock.core.model import serving
from interlock.core.model.serving import EVERYTHING, Coverage, Served
from interlock.core.model.workers import Worker
from interlock.core.model.workflows import Workflow
from interlock.core.queue.port import Serves
from interlock.core.services.context import App, fetch_now
from interlock.core.store import dialect, engine, publications, topics, workflows
from interlock.core.types import WorkerId


@dataclass(frozen=True)
class Publication:
    """What one worker has to serve: the cards of what it has loaded, and what it was told to serve."""

    worker: Worker
    cards: Sequence[Workflow]
    coverage: Coverage = EVERYTHING


@dataclass(frozen=True)
class Standing:
    """What came of settling; `seen` is what was settled from, `is_alone` with nothing left to others."""

    serves: Serves = field(default_factory=Serves)
    seen: tuple[Served, ...] = ()
    is_alone: bool = True


def enter(app: App, publication: Publication) -> Standing:
    """Serve: from now on others leave this worker what only it can carry out."""
    versions = {card.name: serving.fingerprint_of(card) for card in publication.cards}
    worker = publication.worker
    with engine.write(app.engine) as conn:
        dialect.lock_all(conn, dialect.Lock.PUBLISH)
        now = fetch_now(app, conn)
        publications.enter(conn, worker.worker_id, versions)
        publications.note_versions(conn, versions, project=worker.project, now=now)
        return _settle(conn, publication)


def settle(app: App, publication: Publication, standing: Standing) -> Standing:
    """
    Settle anew where workers have come or gone; the same as before where not.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    with engine.read(app.engine) as conn:
        if tuple(publications.fetch_served(conn)) == standing.seen:
            return standing
    with engine.write(app.engine) as conn:
        # Whoever holds it may have been stopped: who waited for it could not take over from that one.
        if not dialect.try_lock(conn, dialect.Lock.PUBLISH):
            return standing
        return _settle(conn, publication)


def withdraw(app: App, worker_id: WorkerId) -> None:
    """Take no more runs: what only this worker could carry out is left to whoever takes it."""
    with engine.write(app.engine) as conn:
        publications.withdraw(conn, worker_id)


def _settle(conn: Connection, publication: Publication) -> Standing:
    worker, coverage = publication.worker, publication.coverage
    served = publications.fetch_served(conn)
    versions = publications.fetch_versions(conn)
    current = serving.find_current(served, versions)
    own = [c for c in publication.cards if current.get(c.name) == serving.fingerprint_of(c)]
    gone = serving.find_gone(
        workflows.fetch_policies(conn),
        served,
        publications.fetch_names(conn, project=worker.project),
        is_only_project=publications.fetch_projects(conn) <= {worker.project},
        coverage=coverage,
    )
    if workflows.replace(conn, own, gone):
        topics.bump(conn, "workflows")
    foreign = serving.find_foreign(served, worker.worker_id)
    known = workflows.fetch_policies(conn)
    names = [card.name for card in publication.cards]
    serves = Serves(
        workflows=serving.find_taken(names, foreign, coverage),
        leaves=foreign if coverage.is_all else frozenset(),
        loaded=frozenset(card.name for card in publication.cards if card.error is None),
        tenants={
            name: tenant for name, each in known.items() if (tenant := serving.tenant_of(each))
        },
        shares={name: serving.share_of(each) for name, each in known.items()},
    )
    return Standing(serves, tuple(served), is_alone=coverage.is_all and not foreign)
