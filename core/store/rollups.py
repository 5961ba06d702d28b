"""
Rows of figures by minute, hour and day: written once from the raw rows, added up ever after.

`error_types` of a workflow's rows holds what has no column of its own: errors by type, who started
executions, minutes with an end and with nothing but failures, ratings and their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select

from interlock.core.model.histogram import Histogram
from interlock.core.model.spans import MINUTE, Tier, floor
from interlock.core.model.tallies import (
    NodeTally,
    RunTally,
    Tallies,
    errors_as_json,
    errors_from_json,
)
from interlock.core.store import bulk, dialect, encoding
from interlock.core.store.schema import metric_rollups, rollup_due, run_rollups
from interlock.core.types import Json

MAX_DUE = 500  # minutes that are made anew at once
_TABLES = (metric_rollups, run_rollups)
_MARKED = "until"  # the tier of one row of no figures: nothing was there to be counted before it
_PUT_NODES = bulk.upsert(metric_rollups)
_PUT_RUNS = bulk.upsert(run_rollups)
# An update, as that waits for who is just making the minute anew, and makes him wait for this one.
_MARK = dialect.upsert(rollup_due, change={"start": rollup_due.c.start})
_DUE = select(rollup_due.c.start).order_by(rollup_due.c.start).limit(bindparam("limit"))
_NODE_COUNTS = (
    *("runs", "errors", "attempts", "interrupted", "cached", "short_circuited", "degraded"),
    *("sum_ms", "min_ms", "max_ms", "wait_s", "tokens_in", "tokens_out", "cost"),
)
_RUN_COUNTS = (
    *("started", "completed", "failed", "cancelled", "degraded", "nodes"),
    *("sum_ms", "min_ms", "max_ms", "tokens_in", "tokens_out", "cost"),
)

_FRACTIONS = frozenset({"sum_ms", "min_ms", "max_ms", "wait_s", "cost"})
_EXTREMES: Mapping[str, Any] = {"min_ms": func.min, "max_ms": func.max}


class Detail(StrEnum):
    """How much of nodes is read: all, everything but durations and errors, or nothing."""

    ALL = "all"
    COUNTS = "counts"
    NONE = "none"


def _sums(table: Any, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(_EXTREMES.get(name, func.sum)(table.c[name]).label(name) for name in names)


_NODE_KEY = (metric_rollups.c.workflow, metric_rollups.c.path, metric_rollups.c.variant)
_RUN_KEY = (run_rollups.c.workflow, run_rollups.c.variant)
# Many histograms come as one text: reading them row by row took most of the time (measured).
_NODE_HISTOGRAMS = dialect.join_texts(metric_rollups.c.histogram).label("histograms")
_MEDIAN = dialect.number_at(metric_rollups.c.histogram, 2)  # as `Histogram.as_json` writes it
_SUMS = _sums(metric_rollups, _NODE_COUNTS)
_RUN_SUMS = (
    *_sums(run_rollups, _RUN_COUNTS),
    dialect.join_texts(run_rollups.c.histogram).label("histograms"),
    dialect.join_texts(run_rollups.c.error_types).label("more"),
)


def put(conn: Connection, tier: Tier, spans: Mapping[datetime, Tallies]) -> None:
    """Write the figures of spans; what stood there for them is gone."""
    clear(conn, tier, list(spans))
    _PUT_NODES.run(
        conn,
        [
            {
                "tier": tier.value,
                "start": start,
                "workflow": workflow,
                "path": path,
                "variant": variant,
                "histogram": tally.histogram.as_json(),
                "error_types": errors_as_json(tally.error_types),
                **{name: getattr(tally, name) for name in _NODE_COUNTS},
            }
            for start, tallies in spans.items()
            for (workflow, path, variant), tally in tallies.nodes.items()
        ],
    )
    _PUT_RUNS.run(
        conn,
        [
            {
                "tier": tier.value,
                "start": start,
                "workflow": workflow,
                "variant": variant,
                "histogram": tally.histogram.as_json(),
                "error_types": _more(tally),
                **{name: getattr(tally, name) for name in _RUN_COUNTS},
            }
            for start, tallies in spans.items()
            for (workflow, variant), tally in tallies.runs.items()
        ],
    )


def clear(conn: Connection, tier: Tier, starts: Collection[datetime]) -> None:
    """Remove the rows of spans."""
    given = [{"of_tier": tier.value, "of_start": start} for start in starts]
    for table in _TABLES if given else ():
        conn.execute(
            delete(table).where(
                table.c.tier == bindparam("of_tier"), table.c.start == bindparam("of_start")
            ),
            given,
        )


def clear_before(conn: Connection, tier: Tier, start: datetime) -> None:
    """Remove the rows of a tier that are older."""
    for table in _TABLES:
        conn.execute(delete(table).where(table.c.tier == tier.value, table.c.start < start))


def clear_since(conn: Connection, start: datetime) -> None:
    """Remove the rows of every tier from a moment on, and all that was due."""
    for table in _TABLES:
        conn.execute(delete(table).where(table.c.start >= start))
    conn.execute(delete(rollup_due))


def rolled_until(conn: Connection) -> datetime | None:
    """Before when rows are there for all that happened; a whole minute. None: there are none."""
    ends = [
        newest + tier.length
        for tier in (Tier.MINUTE, Tier.HOUR)
        for table in _TABLES
        if (newest := _newest(conn, table, tier.value)) is not None
    ]
    marked = _newest(conn, run_rollups, _MARKED)
    return max(ends if marked is None else [*ends, marked], default=None)


def mark_until(conn: Connection, moment: datetime) -> None:
    """Note how far it was counted, where no row says so as there was nothing to count."""
    conn.execute(delete(run_rollups).where(run_rollups.c.tier == _MARKED))
    none: dict[str, Any] = {
        "tier": _MARKED,
        "start": moment,
        "workflow": "",
        "variant": "",
        "histogram": RunTally().histogram.as_json(),
        "error_types": _more(RunTally()),
    }
    conn.execute(run_rollups.insert(), none)


def _newest(conn: Connection, table: Any, tier: str) -> datetime | None:
    found: datetime | None = conn.execute(
        select(func.max(table.c.start)).where(table.c.tier == tier)
    ).scalar_one()
    return found


def mark_due(conn: Connection, moments: Iterable[datetime]) -> None:
    """Note that the minutes of these moments have to be made anew."""
    starts = {floor(moment, MINUTE) for moment in moments}
    if starts:
        conn.execute(_MARK.on(conn), [{"start": start} for start in sorted(starts)])


def fetch_due(conn: Connection, *, limit: int = MAX_DUE) -> list[datetime]:
    """Minutes that have to be made anew, oldest first."""
    return list(conn.execute(_DUE, {"limit": limit}).scalars())


def settle_due(conn: Connection, starts: Collection[datetime]) -> None:
    """These minutes are made anew."""
    if starts:
        statement = delete(rollup_due).where(rollup_due.c.start == bindparam("of_start"))
        conn.execute(statement, [{"of_start": start} for start in starts])


def fetch(
    conn: Connection,
    tier: Tier,
    start: datetime,
    end: datetime,
    *,
    workflow: str | None = None,
    variant: str | None = None,
    nodes: Detail = Detail.ALL,
) -> Tallies:
    """All rows of a tier from `start` to before `end`, added up; of nodes as much as is needed."""
    found = Tallies()
    statement, given = _select(metric_rollups, tier, start, end, workflow, variant)
    if nodes is not Detail.NONE:
        sums = _SUMS if nodes is Detail.COUNTS else (*_SUMS, _NODE_HISTOGRAMS)
        for row in conn.execute(
            statement.with_only_columns(*_NODE_KEY, *sums).group_by(*_NODE_KEY), given
        ):
            _read_node(found.node(*row[:3]), row, has_histogram=nodes is Detail.ALL)
    if nodes is Detail.ALL:
        errors = statement.with_only_columns(*_NODE_KEY, metric_rollups.c.error_types)
        for row in conn.execute(errors.where(metric_rollups.c.errors > 0), given):
            tally = found.node(*row[:3])
            for name, error in errors_from_json(row.error_types).items():
                tally.add_error(name, error)
    statement, given = _select(run_rollups, tier, start, end, workflow, variant)
    for row in conn.execute(
        statement.with_only_columns(*_RUN_KEY, *_RUN_SUMS).group_by(*_RUN_KEY), given
    ):
        _read_run(found.run(row.workflow, row.variant), row)
    return found


def fetch_runs(
    conn: Connection,
    tier: Tier,
    start: datetime,
    end: datetime,
    *,
    workflow: str | None = None,
    variant: str | None = None,
) -> dict[datetime, Tallies]:
    """The executions in each span of a tier, with what was cached and waited for in all nodes."""
    found: dict[datetime, Tallies] = {}
    statement, given = _select(run_rollups, tier, start, end, workflow, variant)
    for row in conn.execute(
        statement.with_only_columns(run_rollups.c.start, *_RUN_SUMS).group_by(run_rollups.c.start),
        given,
    ):
        _read_run(found.setdefault(row.start, Tallies()).run("", ""), row)
    statement, given = _select(metric_rollups, tier, start, end, workflow, variant)
    sums = statement.with_only_columns(
        metric_rollups.c.start,
        func.sum(metric_rollups.c.cached).label("cached"),
        func.sum(metric_rollups.c.wait_s).label("wait_s"),
    ).group_by(metric_rollups.c.start)
    for row in conn.execute(sums, given):
        tally = found.setdefault(row.start, Tallies()).node("", "", "")
        tally.cached, tally.wait_s = int(row.cached), float(row.wait_s)
    return found


def fetch_medians(
    conn: Connection,
    tier: Tier,
    start: datetime,
    end: datetime,
    nodes: Collection[tuple[str, str]],
    *,
    variant: str | None = None,
) -> Iterator[tuple[datetime, tuple[str, str], float | None]]:
    """The median of some nodes in each span of a tier; None where it is of several variants."""
    for workflow, statement, given in _of_nodes(tier, start, end, nodes, variant):
        key = (metric_rollups.c.start, metric_rollups.c.path)
        medians = statement.with_only_columns(*key, func.count(), func.min(_MEDIAN)).group_by(*key)
        for moment, path, count, median in conn.execute(medians, given):
            yield moment, (workflow, path), median if count == 1 else None


def fetch_histograms(
    conn: Connection,
    tier: Tier,
    start: datetime,
    end: datetime,
    nodes: Collection[tuple[str, str]],
    *,
    variant: str | None = None,
) -> Iterator[tuple[datetime, tuple[str, str], Json]]:
    """The stored histogram of some nodes in each span of a tier, by (workflow, path)."""
    for workflow, statement, given in _of_nodes(tier, start, end, nodes, variant):
        for moment, path, histogram in conn.execute(
            statement.with_only_columns(
                metric_rollups.c.start, metric_rollups.c.path, metric_rollups.c.histogram
            ),
            given,
        ):
            yield moment, (workflow, path), histogram


def _of_nodes(
    tier: Tier,
    start: datetime,
    end: datetime,
    nodes: Collection[tuple[str, str]],
    variant: str | None,
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for workflow in sorted({workflow for workflow, _ in nodes}):
        statement, given = _select(metric_rollups, tier, start, end, workflow, variant)
        paths = [path for of, path in nodes if of == workflow]
        only = metric_rollups.c.path.in_(paths), metric_rollups.c.runs > 0
        yield workflow, statement.where(*only), given


def _select(
    table: Any,
    tier: Tier,
    start: datetime,
    end: datetime,
    workflow: str | None,
    variant: str | None,
) -> tuple[Any, dict[str, Any]]:
    statement = select(table).where(
        table.c.tier == bindparam("of_tier"),
        table.c.start >= bindparam("of_start"),
        table.c.start < bindparam("of_end"),
    )
    given: dict[str, Any] = {"of_tier": tier.value, "of_start": start, "of_end": end}
    for name, value in (("workflow", workflow), ("variant", variant)):
        if value is not None:
            statement = statement.where(table.c[name] == bindparam(f"of_{name}"))
            given[f"of_{name}"] = value
    return statement, given


def _read_node(tally: NodeTally, row: Row[Any], *, has_histogram: bool) -> None:
    for name in _NODE_COUNTS:
        setattr(tally, name, _number(name, getattr(row, name)))
    if has_histogram:
        _merge(tally.histogram, row.histograms)


def _read_run(tally: RunTally, row: Row[Any]) -> None:
    for name in _RUN_COUNTS:
        setattr(tally, name, _number(name, getattr(row, name)))
    _merge(tally.histogram, row.histograms)
    for more in encoding.load_json(f"[{row.more}]"):
        tally.minutes += more["minutes"]
        tally.down_minutes += more["down_minutes"]
        tally.rated += more["rated"]
        tally.ratings += more["ratings"]
        for name, count in more["types"].items():
            tally.error_types[name] = tally.error_types.get(name, 0) + count
        for user in more["users"]:
            tally.add_user(user)


def _merge(histogram: Histogram, stored: str) -> None:
    for one in encoding.load_json(f"[{stored}]"):
        histogram.merge_json(one)


def _number(name: str, value: Any) -> Any:
    """Postgres adds whole numbers up to a decimal."""
    return value if value is None or name in _FRACTIONS else int(value)


def _more(tally: RunTally) -> Json:
    return {
        "types": tally.error_types,
        "users": sorted(tally.users),
        "minutes": tally.minutes,
        "down_minutes": tally.down_minutes,
        "rated": tally.rated,
        "ratings": tally.ratings,
    }
