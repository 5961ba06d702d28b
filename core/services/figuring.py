"""
Keeping rows of figures by minute, hour and day, made from the raw rows once they are settled.

Every step may be repeated: a minute's rows are replaced, hours are added up from minutes and days
from hours. Whoever finds that another worker was first leaves it at that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.model.spans import DAY, EPOCH, HOUR, MINUTE, Tier, floor
from interlock.core.model.tallies import Tallies
from interlock.core.services.context import App
from interlock.core.store import dialect, engine, pruning, raw_figures, rollups
from interlock.core.store.dialect import Lock

SETTLED = timedelta(seconds=60)  # after a minute's end: by then its rows are written
LATE = timedelta(seconds=30)  # a row that is written so long after its end may have missed that
MINUTES_KEPT = timedelta(days=3)
MAX_DUE = 60  # minutes made anew in one step

_FINER = {Tier.HOUR: Tier.MINUTE, Tier.DAY: Tier.HOUR}


def kept_since(now: datetime) -> datetime:
    """From when on rows by minute are there; before, the shortest are by hour."""
    return floor(now - MINUTES_KEPT, HOUR)


def mark_late(conn: Connection, moments: Iterable[datetime | None], *, now: datetime) -> None:
    """Have the minutes made anew in which something ended that is written only now."""
    rollups.mark_due(conn, [m for m in moments if m is not None and m < now - LATE])


def roll(app: App) -> bool:
    """
    Go on by an hour at most, and make some minutes anew that are not true any more.

    Returns:
        Whether there may be more to do at once.
    """
    has_redone = _redo(app)
    return _go_on(app) or has_redone


def rebuild(app: App) -> int:
    """
    Make all rows anew for which there are raw rows; older ones stay, and all until the last hour of
    which some are gone.

    Returns:
        How many steps it took, one an hour in which something happened.
    """
    with engine.read(app.engine) as conn:
        gone = pruning.last_in_parts(conn)
        first = raw_figures.find_first(conn, after=gone or EPOCH)
    with engine.write(app.engine) as conn:
        dialect.lock_all(conn, Lock.FIGURES)
        rollups.clear_since(conn, _first_to_clear(first, gone))
    steps = 0
    while roll(app):
        steps += 1
    return steps


def _first_to_clear(first: datetime | None, gone: datetime | None) -> datetime:
    if first is None:
        return EPOCH if gone is None else gone
    return floor(first, DAY) if gone is None else max(floor(first, DAY), gone)


def _go_on(app: App) -> bool:
    now = app.clock.now()
    limit = floor(now - SETTLED, MINUTE)
    with engine.read(app.engine) as conn:
        until = rollups.rolled_until(conn)
        first = raw_figures.find_first(conn, after=until or EPOCH)
        if first is None or first >= limit:
            return False
        start = floor(first, MINUTE)
        end = min(floor(start, HOUR) + HOUR, limit)
        minutes = raw_figures.count_by_minute(conn, start, end)
    with engine.write(app.engine) as conn:
        dialect.lock_all(conn, Lock.FIGURES)
        if rollups.rolled_until(conn) != until:
            return True  # another worker was first
        _finish(conn, until, start)
        if end < kept_since(now):
            _put_hour(conn, floor(start, HOUR), minutes)
        else:
            rollups.put(conn, Tier.MINUTE, minutes)
            if end == floor(start, HOUR) + HOUR:
                _add_up(conn, Tier.HOUR, floor(start, HOUR))
        if end == floor(start, DAY) + DAY:
            _add_up(conn, Tier.DAY, floor(start, DAY))
        if rollups.rolled_until(conn) == until:  # no row says that this stretch is done
            rollups.mark_until(conn, end)
        rollups.clear_before(conn, Tier.MINUTE, min(kept_since(now), floor(start, HOUR)))
    return True


def _finish(conn: Connection, until: datetime | None, start: datetime) -> None:
    """Nothing more happened in the hour and the day that were begun last: add them up."""
    for tier in (Tier.HOUR, Tier.DAY):
        if until is not None and floor(until, tier.length) not in (
            until,
            floor(start, tier.length),
        ):
            _add_up(conn, tier, floor(until, tier.length))


def _add_up(conn: Connection, tier: Tier, start: datetime) -> None:
    found = rollups.fetch(conn, _FINER[tier], start, start + tier.length)
    rollups.put(conn, tier, {start: found})


def _put_hour(conn: Connection, hour: datetime, minutes: Mapping[datetime, Tallies]) -> None:
    """An hour for which minutes are not kept; those that were rolled when it was new are there."""
    found = rollups.fetch(conn, Tier.MINUTE, hour, hour + HOUR)
    for tallies in minutes.values():
        found.add(tallies)
    rollups.put(conn, Tier.HOUR, {hour: found})


def _redo(app: App) -> bool:
    """Make due minutes anew, with the hours and days that they are part of."""
    with engine.read(app.engine) as conn:
        if not rollups.fetch_due(conn, limit=1):
            return False
    with engine.write(app.engine) as conn:
        dialect.lock_all(conn, Lock.FIGURES)
        until = rollups.rolled_until(conn)
        due = rollups.fetch_due(conn, limit=MAX_DUE)
        rollups.settle_due(conn, due)  # before they are counted: what comes later marks them again
        gone = pruning.find_in_parts(conn, {floor(minute, HOUR) for minute in due})
        rolled = [
            minute
            for minute in due
            if until is not None and minute < until and floor(minute, HOUR) not in gone
        ]
        for hour in sorted({floor(minute, HOUR) for minute in rolled}):
            _redo_hour(conn, hour, [m for m in rolled if floor(m, HOUR) == hour], app.clock.now())
            if (
                until is not None
                and hour < floor(until, HOUR)
                and hour >= kept_since(app.clock.now())
            ):
                _add_up(conn, Tier.HOUR, hour)
        for day in sorted({floor(minute, DAY) for minute in rolled}):
            if until is not None and day < floor(until, DAY):
                _add_up(conn, Tier.DAY, day)
    return len(due) == MAX_DUE


def _redo_hour(
    conn: Connection, hour: datetime, minutes: Iterable[datetime], now: datetime
) -> None:
    if hour < kept_since(now):
        found = Tallies()
        for tallies in raw_figures.count_by_minute(conn, hour, hour + HOUR).values():
            found.add(tallies)
        rollups.put(conn, Tier.HOUR, {hour: found})
        return
    for minute in minutes:
        counted = raw_figures.count_by_minute(conn, minute, minute + MINUTE)
        rollups.put(conn, Tier.MINUTE, {minute: counted.get(minute, Tallies())})
