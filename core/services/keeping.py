"""What a worker's caches ask of the database, one transaction each; operators use `caching`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.model.caches import Counts, Entry, Place
from interlock.core.model.runs import Run
from interlock.core.services.context import App
from interlock.core.store import cache_counts, caches, dialect, engine, topics
from interlock.core.store.caches import Touch
from interlock.core.store.dialect import Lock

CLEARED = "cache-clears"  # the topic whose head rises with every clearing
SHOWN = "caches"  # the topic of the screens
COUNTED = timedelta(days=90)  # how long counts are kept, and how far back they are summed
MINUTES_COUNTED = timedelta(hours=25)  # for so long by the minute: a window of a day is exact
MAX_FOLDED = 12  # hours made of minutes at once


@dataclass(frozen=True)
class Looked:
    """What the database has of what was asked, and how many clearings there were by then."""

    entries: Mapping[tuple[str, str], Entry]
    clears: int


def find_launcher(app: App, run: Run) -> str:
    """Who launched what a run goes on with; who answered its cards is somebody else."""
    if run.previous_run_id is None:
        return run.created_by
    with engine.read(app.engine) as conn:
        return caches.fetch_launcher(conn, run.thread_id, until=run.created_at) or run.created_by


def count_clears(app: App) -> int:
    """How many clearings there were: what was read before the newest may be gone."""
    with engine.read(app.engine) as conn:
        return _clears(conn)


def look_up(app: App, ids: Sequence[tuple[str, str]], *, now: datetime) -> Looked:
    """The entries with these ids that may be used."""
    with engine.read(app.engine) as conn:
        found = caches.fetch_many(conn, ids)
        return Looked({e.id: e for e in found if not e.has_expired(now)}, _clears(conn))


def list_vectors(app: App, namespace: str, *, now: datetime) -> list[tuple[str, bytes]]:
    """Keys and vectors of what a question may be near to."""
    with engine.read(app.engine) as conn:
        return caches.fetch_vectors(conn, namespace, now=now)


def keep(app: App, entry: Entry, *, clears: int, max_entries: int | None) -> int | None:
    """
    Keep an entry.

    Args:
        app: The parts.
        entry: What to keep.
        clears: The number of clearings when the making of it began.
        max_entries: The bound of its place, to be held now; None leaves that for another time.

    Returns:
        How many others had to go. None if there was a clearing meanwhile: then it is not kept,
        since it may be made of what the clearing was about.
    """
    with engine.write(app.engine) as conn:
        if _clears(conn) != clears:
            return None
        caches.keep(conn, entry)
        if max_entries is None:
            return 0
        return caches.evict(conn, entry.place, max_entries=max_entries)


def claim(
    app: App, entry_id: tuple[str, str], place: Place, *, owner: str, now: datetime, until: datetime
) -> bool:
    """Be the one who makes an entry; False where somebody else is, or where it is there by now."""
    with engine.write(app.engine) as conn:
        return caches.claim(conn, entry_id, place, owner=owner, now=now, until=until)


def hold_claims(app: App, ids: Sequence[tuple[str, str]], *, owner: str, until: datetime) -> None:
    """Keep claims for longer: their entries are still being made."""
    with engine.write(app.engine) as conn:
        caches.hold_claims(conn, ids, owner=owner, until=until)


def drop_claims(app: App, ids: Sequence[tuple[str, str]], *, owner: str) -> None:
    """Let others make entries that did not come about."""
    with engine.write(app.engine) as conn:
        caches.drop_claims(conn, ids, owner=owner)


def note(
    app: App, counts: Mapping[tuple[Place, datetime], Counts], touches: Sequence[Touch]
) -> None:
    """Add to what is counted, and note which entries were used."""
    with engine.write(app.engine) as conn:
        caches.touch(conn, touches)
        cache_counts.add(conn, counts)
        if counts:
            topics.bump(conn, SHOWN)


def tidy(app: App, *, now: datetime) -> int:
    """
    Delete entries that may not be used any more, and counts of long ago.

    Counts that are not new are added up to hours, some hours at a time: the page sums 90 days of them.

    Returns:
        How many entries were deleted.
    """
    with engine.write(app.engine) as conn:
        dialect.lock_all(conn, Lock.FIGURES)
        cache_counts.delete_old(conn, before=(now - COUNTED).replace(second=0, microsecond=0))
        cache_counts.fold(conn, before=now - MINUTES_COUNTED, max_hours=MAX_FOLDED)
        return caches.delete_expired(conn, now=now)


def _clears(conn: Connection) -> int:
    return topics.fetch_heads(conn).get(CLEARED, 0)
