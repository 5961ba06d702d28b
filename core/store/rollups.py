"""
Rows of figures by minute, hour and day: written once from the raw rows, added up ever after.

`error_types` of a workflow's rows holds what has no column of its own: errors by type, who started
executions, minutes with an end and with nothing but failures, ratings and their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, delete, func, select

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
from interlock.core.store.rollup_queries import Query
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

_POINT_COUNTS = ("completed", "failed", "min_ms", "max_ms")  # what a point over time is made of

_FRACTIONS = frozenset({"sum_ms", "min_ms", "max_ms", "wait_s", "cost"})
_EXTREMES: Mapping[str, Any] = {"min_ms": func.min, "max_ms": func.max}


class Detail(StrEnum):
    """How much of nodes is read: all, or everything but durations and errors."""

    ALL = "all"
    COUNTS = "counts"


def _sums(table: Any, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(_EXTREMES.get(name, func.sum)(table.c[name]).label(name) for name in names)


_NODE_KEY = (metric_rollups.c.workflow, metric_rollups.c.path, metric_rollups.c.variant)
_RUN_KEY = (run_rollups.c.workflow, run_rollups.c.variant)
# Many histograms come as one text: reading them row by row took most of the time (measured).
_NODE_HISTOGRAMS = dialect.join_texts(metric_rollups.c.histogram)
_RUN_HISTOGRAMS = dialect.join_texts(run_rollups.c.histogram)
_ALL_NODES = Query(*_sums(metric_rollups, _NODE_COUNTS), _NODE_HISTOGRAMS, by=_NODE_KEY)
_NODE_SUMS = Query(*_sums(metric_rollups, _NODE_COUNTS), by=_NODE_KEY)
_ERRORS = Query(*_NODE_KEY, metric_rollups.c.error_types, where=[metric_rollups.c.errors > 0])
_ALL_RUNS = Query(
    *_sums(run_rollups, _RUN_COUNTS),
    _RUN_HISTOGRAMS,
    dialect.join_texts(run_rollups.c.error_types),
    by=_RUN_KEY,
)
_VARIANTS = Query(by=[run_rollups.c.variant])
_FAILED = Query(func.sum(run_rollups.c.failed), by=_RUN_KEY)
_POINTS = Query(*_sums(run_rollups, _POINT_COUNTS), _RUN_HISTOGRAMS, by=[run_rollups.c.start])
_NODE_POINTS = Query(
    func.sum(metric_rollups.c.cached),
    func.sum(metric_rollups.c.wait_s),
    by=[metric_rollups.c.start],
)
_RAN = (metric_rollups.c.runs > 0,)
_MEDIAN = dialect.last_number(metric_rollups.c.histogram)  # as `Histogram.as_json` writes it
_START_AND_MEDIAN = cast(dialect.epoch_s(metric_rollups.c.start), Text) + "," + _MEDIAN
_MEDIANS = Query(dialect.join_texts(_START_AND_MEDIAN), by=_NODE_KEY[:2], where=_RAN)
_EACH_HISTOGRAM = Query(_NODE_HISTOGRAMS, by=[metric_rollups.c.start, *_NODE_KEY[:2]], where=_RAN)
_HISTOGRAMS = Query(_NODE_HISTOGRAMS, by=_NODE_KEY[:2], where=_RAN)


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
    into: Tallies | None = None,
) -> Tallies:
    """
    All rows of a tier from `start` to before `end`, added up.

    Args:
        conn: The connection.
        tier: How long the spans of the rows are.
        start: Included.
        end: Not included.
        workflow: Only of this one.
        variant: Only of this one; "" is without any.
        nodes: How much is read of nodes.
        into: What they are added to, and given back; an empty one by default.
    """
    found = Tallies() if into is None else into
    which = {"workflow": workflow, "variant": variant}
    query = _ALL_NODES if nodes is Detail.ALL else _NODE_SUMS
    for row in query.run(conn, tier, start, end, **which):
        _read_node(found.node(*row[:3]), row[3:])
    if nodes is Detail.ALL:
        for name, path, of, error_types in _ERRORS.run(conn, tier, start, end, **which):
            tally = found.node(name, path, of)
            for error_type, error in errors_from_json(error_types).items():
                tally.add_error(error_type, error)
    for row in _ALL_RUNS.run(conn, tier, start, end, **which):
        _read_run(found.run(*row[:2]), row[2:])
    return found


def fetch_variants(
    conn: Connection, tier: Tier, start: datetime, end: datetime, *, workflow: str
) -> set[str]:
    """The variants of a workflow that there are rows of."""
    return {row.variant for row in _VARIANTS.run(conn, tier, start, end, workflow=workflow)}


def fetch_failed(
    conn: Connection, tier: Tier, start: datetime, end: datetime, **which: str | None
) -> dict[tuple[str, str], int]:
    """How many executions failed in the rows of a tier, by (workflow, variant)."""
    rows = _FAILED.run(conn, tier, start, end, **which)
    return {(workflow, variant): int(failed) for workflow, variant, failed in rows}


def fetch_points(
    conn: Connection, tier: Tier, start: datetime, end: datetime, **which: str | None
) -> dict[datetime, Tallies]:
    """Each span of a tier as a point over time needs it, all workflows and nodes together."""
    found: dict[datetime, Tallies] = {}
    for moment, *counts, histograms in _POINTS.run(conn, tier, start, end, **which):
        tally = found.setdefault(moment, Tallies()).run("", "")
        tally.add(RunTally(**_numbers(_POINT_COUNTS, counts)))
        _merge(tally.histogram, histograms)
    for moment, cached, wait_s in _NODE_POINTS.run(conn, tier, start, end, **which):
        node = found.setdefault(moment, Tallies()).node("", "", "")
        node.cached, node.wait_s = int(cached), float(wait_s)
    return found


def fetch_medians(
    conn: Connection,
    tier: Tier,
    start: datetime,
    end: datetime,
    nodes: Collection[tuple[str, str]],
    *,
    variant: str | None = None,
) -> Iterator[tuple[datetime, tuple[str, str], float]]:
    """The median of some nodes in each span of a tier; of each variant by itself."""
    for workflow, path, joined in _MEDIANS.run(
        conn, tier, start, end, variant=variant, nodes=list(nodes)
    ):
        numbers = iter(encoding.load_numbers(f"[{joined}]"))
        for seconds, median in zip(numbers, numbers, strict=True):
            yield datetime.fromtimestamp(seconds, UTC), (workflow, path), median


def fetch_histograms(
    conn: Connection,
    tier: Tier,
    start: datetime,
    end: datetime,
    nodes: Collection[tuple[str, str]],
    *,
    variant: str | None = None,
    is_each: bool,
) -> Iterator[tuple[datetime, tuple[str, str], Histogram]]:
    """The durations of some nodes: in each span of a tier, or in all of them together, at `start`."""
    query = _EACH_HISTOGRAM if is_each else _HISTOGRAMS
    which = {"variant": variant, "nodes": list(nodes)}
    for *moment, workflow, path, histograms in query.run(conn, tier, start, end, **which):
        histogram = Histogram()
        _merge(histogram, histograms)
        yield moment[0] if moment else start, (workflow, path), histogram


def _read_node(tally: NodeTally, values: Sequence[Any]) -> None:
    """The sums of `_NODE_COUNTS`, and the histograms where they were read."""
    tally.add(NodeTally(**_numbers(_NODE_COUNTS, values)))
    for histograms in values[len(_NODE_COUNTS) :]:
        _merge(tally.histogram, histograms)


def _read_run(tally: RunTally, values: Sequence[Any]) -> None:
    """The sums of `_RUN_COUNTS`, the histograms, and what has no column of its own."""
    *sums, histograms, mores = values
    tally.add(RunTally(**_numbers(_RUN_COUNTS, sums)))
    _merge(tally.histogram, histograms)
    for more in encoding.load_json(f"[{mores}]"):
        tally.minutes += more["minutes"]
        tally.down_minutes += more["down_minutes"]
        tally.rated += more["rated"]
        tally.ratings += more["ratings"]
        for name, count in more["types"].items():
            tally.error_types[name] = tally.error_types.get(name, 0) + count
        tally.add_users(more["users"])


def _numbers(names: Sequence[str], sums: Sequence[Any]) -> dict[str, Any]:
    """The sums by name; Postgres adds whole numbers up to a decimal."""
    return {
        name: value if value is None or name in _FRACTIONS else int(value)
        for name, value in zip(names, sums, strict=False)
    }


def _merge(histogram: Histogram, stored: str) -> None:
    for one in encoding.load_numbers(f"[{stored}]"):
        histogram.merge_json(one)


def _more(tally: RunTally) -> Json:
    return {
        "types": tally.error_types,
        "users": sorted(tally.users),
        "minutes": tally.minutes,
        "down_minutes": tally.down_minutes,
        "rated": tally.rated,
        "ratings": tally.ratings,
    }
