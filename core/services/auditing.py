"""Reading the audit: lists, one entry, all of it for a file; whether it is as it was written."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from interlock.core.errors import NotFound
from interlock.core.model.audit_chain import Chain, Head, Verification
from interlock.core.model.audit_lists import AuditCount, AuditEntry, AuditFilter, AuditPage
from interlock.core.model.flags import Flag
from interlock.core.services import flagging
from interlock.core.services.context import App
from interlock.core.services.permitting import require_house
from interlock.core.settings import Settings
from interlock.core.store import audit, audit_heads, audit_lists, engine

logger = logging.getLogger(__name__)

NOTE_EVERY = timedelta(hours=1)
NOTE_ENTRIES = 1000
EXPORT_BATCH = 500  # entries held in memory while a file is written


def list_entries(
    app: App, wanted: AuditFilter, *, limit: int = 100, before: int | None = None
) -> AuditPage:
    """One page of entries, the latest first; `before` is what the last page said."""
    require_house(app, "The audit")
    with engine.read(app.engine) as conn:
        return audit_lists.fetch_page(conn, wanted, limit=limit, before=before)


def count_entries(app: App, wanted: AuditFilter) -> AuditCount:
    """How many entries fit, as far as they are counted."""
    require_house(app, "The audit")
    with engine.read(app.engine) as conn:
        return audit_lists.count(conn, wanted)


def list_names(app: App) -> tuple[list[str], list[str]]:
    """Who did something, and what was done, to choose from."""
    require_house(app, "The audit")
    with engine.read(app.engine) as conn:
        return audit_lists.fetch_names(conn, "actor"), audit_lists.fetch_names(conn, "action")


def get_entry(app: App, seq: int) -> AuditEntry:
    """
    One entry.

    Raises:
        NotFound: No such entry.
    """
    require_house(app, "The audit")
    with engine.read(app.engine) as conn:
        found = audit.fetch_one(conn, seq)
    if found is None:
        raise NotFound("audit entry", str(seq), hint="`interlock audit list` lists them.")
    return found


def read_all(app: App, wanted: AuditFilter, *, limit: int | None = None) -> Iterator[AuditEntry]:
    """
    All entries that fit, or the latest so many, the latest first; what is added meanwhile is not among them.

    Raises:
        SwitchedOff: Exports are.
    """
    flagging.require(app, Flag.EXPORTS)
    before, left = None, limit
    while left is None or left > 0:
        size = EXPORT_BATCH if left is None else min(left, EXPORT_BATCH)
        page = list_entries(app, wanted, limit=size, before=before)
        yield from page.entries
        left = None if left is None else left - len(page.entries)
        before = page.before
        if before is None:
            return


def verify(app: App, *, by: str = "", max_s: float | None = None) -> Verification:
    """
    See whether the audit is as it was written, and as its noted heads say.

    Args:
        app: The parts.
        by: What asks; where it is given and the whole chain holds, its head is noted.
        max_s: How long it may take; what was not looked at then is said.
    """
    require_house(app, "The audit")
    heads = _read_heads(app)
    chain, is_whole = _look(app, Chain(heads=heads), None, max_s)
    if is_whole:
        chain.end()
    noted_at = max((head.at for head in heads), default=None)
    now = app.clock.now()
    found = Verification(
        at=now,
        problems=tuple(chain.problems),
        count=chain.count,
        last_seq=chain.last_seq,
        is_whole=is_whole,
        heads_count=len(heads),
        noted_at=noted_at,
        place=_say_place(app.settings),
    )
    if by and found.holds and is_whole:
        _note(app, chain, now=now, by=by)
    return found


def note_head(app: App) -> bool:
    """
    Note the chain's head where an hour has gone or 1000 entries were added since the last; whether it was.

    What was added since is looked at before; a chain that does not hold is told in the log, not noted.
    """
    heads, now = _read_heads(app), app.clock.now()
    last = max(heads, key=lambda head: (head.seq, head.at), default=None)
    with engine.read(app.engine) as conn:
        newest = audit.fetch_head(conn)
        noted_hash = audit.fetch_hash(conn, last.seq) if last else None
    seq = newest[0] if newest else 0
    if last is not None and (seq < last.seq or noted_hash != last.hash):
        logger.error("audit_broken", extra={"reason": f"Entry {last.seq} is not as it was noted."})
        return False
    added = seq - (last.seq if last else 0)
    is_old = last is None or now - last.at >= NOTE_EVERY
    if not added or not (is_old or added >= NOTE_ENTRIES):
        return False
    chain, _ = _look(app, Chain(after=last), last.seq if last else None, None)
    if chain.problems:
        logger.error("audit_broken", extra={"reason": chain.problems[0].said})
        return False
    return _note(app, chain, now=now, by="worker")


def find_last_look(app: App) -> Head | None:
    """The newest head that was noted after all of the chain had been looked at."""
    looked = [head for head in _read_heads(app) if head.by != "worker"]
    return max(looked, key=lambda head: head.at, default=None)


def _look(app: App, chain: Chain, after_seq: int | None, max_s: float | None) -> tuple[Chain, bool]:
    """Look at all entries, each batch by itself: they are only ever added at the end."""
    end = None if max_s is None else time.monotonic() + max_s
    while True:
        with engine.read(app.engine) as conn:
            links = audit.fetch_links(conn, after_seq=after_seq, limit=audit.BATCH)
        for link in links:
            chain.see(link)
            after_seq = link.seq
        if len(links) < audit.BATCH:
            return chain, True
        if end is not None and time.monotonic() > end:
            return chain, False


def _path(settings: Settings) -> Path | None:
    """Where heads are noted; None where this host has no data folder."""
    return settings.data_dir / audit_heads.NAME if settings.data_dir.is_dir() else None


def _say_place(settings: Settings) -> str:
    path = _path(settings)
    return str(path) if path is not None else ""


def _name(settings: Settings) -> str:
    """Which database a head is of: that of the folder may be moved with it, others go by their address."""
    return "embedded" if settings.database is None else audit_heads.name_of(settings.database_url)


def _read_heads(app: App) -> tuple[Head, ...]:
    path = _path(app.settings)
    try:
        return audit_heads.read(path, database=_name(app.settings)) if path else ()
    except OSError as exc:
        logger.warning("audit_heads_not_read", extra={"reason": str(exc)})
        return ()


def _note(app: App, chain: Chain, *, now: datetime, by: str) -> bool:
    path = _path(app.settings)
    if path is None or not chain.last_seq:
        return False
    database = _name(app.settings)
    head = Head(seq=chain.last_seq, hash=chain.last_hash, at=now, by=by, database=database)
    try:
        audit_heads.note(path, head)
    except OSError as exc:
        logger.warning("audit_head_not_noted", extra={"reason": str(exc)})
        return False
    return True
