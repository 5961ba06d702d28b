"""
How often caches gave something, and what that saved: by the minute at first, by the hour when it is old.

A row of an hour is one at the hour's start, to which the hour's minutes were added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, case, cast, delete, extract, func, select

from interlock.core.model.caches import COUNTED, Counts, Place
from interlock.core.model.spans import HOUR, floor
from interlock.core.store import dialect
from interlock.core.store.schema_sight import cache_counters

MAX_PLACES = 10_000
_HOUR_S = 3600
_PLACE = (cache_counters.c.workflow, cache_counters.c.path)
_SINCE = cache_counters.c.start >= bindparam("since")
_TOTALS = tuple(func.sum(cache_counters.c[name]) for name in COUNTED)
_SUMS = select(*_PLACE, *_TOTALS).where(_SINCE).group_by(*_PLACE).limit(MAX_PLACES)
_FIRST_MINUTE = (
    select(cache_counters.c.start)
    .where(
        cache_counters.c.start < bindparam("before"),
        cast(extract("epoch", cache_counters.c.start), BigInteger) % _HOUR_S != 0,
    )
    .order_by(cache_counters.c.start)
    .limit(1)
)
_TAKE_MINUTES = (
    delete(cache_counters)
    .where(cache_counters.c.start > bindparam("hour"), cache_counters.c.start < bindparam("until"))
    .returning(*_PLACE, *(cache_counters.c[name] for name in COUNTED))
)


def _adding(insert: Any) -> Any:
    more = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["workflow", "path", "start"],
        set_={name: cache_counters.c[name] + more[name] for name in COUNTED},
    )


_ADD = dialect.PerDialect(
    {name: _adding(make(cache_counters)) for name, make in dialect.ROW_BY_ROW.items()}
)


def add(conn: Connection, counts: Mapping[tuple[Place, datetime], Counts]) -> None:
    """Add what happened in some minutes at some places to what is counted of them."""
    rows = [
        {"workflow": place.workflow, "path": place.path, "start": start}
        | {name: getattr(some, name) for name in COUNTED}
        for (place, start), some in sorted(counts.items(), key=lambda item: item[0])
    ]
    if rows:
        conn.execute(_ADD.on(conn), rows)


def delete_old(conn: Connection, *, before: datetime) -> None:
    """Delete what was counted before a time."""
    conn.execute(delete(cache_counters).where(cache_counters.c.start < before))


def fold(conn: Connection, *, before: datetime, max_hours: int) -> int:
    """
    Add minutes up to hours, the oldest first.

    Args:
        conn: The transaction; nobody else folds meanwhile.
        before: Hours that end at this time at the latest.
        max_hours: So many at most.

    Returns:
        How many hours were made of minutes.
    """
    for count in range(max_hours):
        first = conn.execute(_FIRST_MINUTE, {"before": floor(before, HOUR)}).scalar()
        if first is None:
            return count
        _fold_hour(conn, floor(first, HOUR))
    return max_hours


def _fold_hour(conn: Connection, hour: datetime) -> None:
    # What is deleted is what is added: a minute that is counted meanwhile stays for the next time.
    found: dict[tuple[Place, datetime], Counts] = {}
    taken = conn.execute(_TAKE_MINUTES, {"hour": hour, "until": hour + HOUR}).all()
    for workflow, path, *values in taken:
        found.setdefault((Place(workflow, path), hour), Counts()).add(_counts_of(values))
    add(conn, found)


def fetch_sums(conn: Connection, *, since: datetime) -> dict[Place, Counts]:
    """What was counted at each place since a time."""
    rows = conn.execute(_SUMS, {"since": since}).all()
    return {Place(workflow, path): _counts_of(values) for workflow, path, *values in rows}


def fetch_spans(
    conn: Connection, starts: Sequence[datetime]
) -> dict[Place, dict[datetime, Counts]]:
    """
    What was counted at each place in some spans of time, by their starts; added up by the database.

    Args:
        conn: The connection.
        starts: When each span begins, in order; it ends where the next one begins, the last is open.
    """
    span = case(
        *(
            (cache_counters.c.start >= bindparam(f"start_{n}"), n)
            for n in reversed(range(1, len(starts)))
        ),
        else_=0,
    ).label("span")
    statement = select(*_PLACE, span, *_TOTALS).where(_SINCE).group_by(*_PLACE, span)
    given = {f"start_{n}": start for n, start in enumerate(starts[1:], start=1)}
    found: dict[Place, dict[datetime, Counts]] = {}
    rows = conn.execute(
        statement.limit(MAX_PLACES * len(starts)), given | {"since": starts[0]}
    ).all()
    for workflow, path, n, *values in rows:
        found.setdefault(Place(workflow, path), {})[starts[n]] = _counts_of(values)
    return found


def _counts_of(values: Sequence[Any]) -> Counts:
    """Postgres adds whole numbers up to a decimal."""
    values_by_name: dict[str, Any] = {
        name: float(value) if name.startswith("saved") else int(value)
        for name, value in zip(COUNTED, values, strict=True)
    }
    return Counts(**values_by_name)
