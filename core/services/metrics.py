"""Reading figures, for screens, command line, alerts and Prometheus: the same numbers everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.model import measuring
from interlock.core.model.figures import Heat, Metrics, Series, Window, WorkflowFigures
from interlock.core.model.histogram import Histogram
from interlock.core.model.spans import (
    DAY,
    HOUR,
    MINUTE,
    Piece,
    Tier,
    ceil,
    floor,
    plan,
    series_span,
    split,
    starts,
)
from interlock.core.model.tallies import Tallies
from interlock.core.services import figuring
from interlock.core.services.context import App
from interlock.core.store import engine, raw_figures, reviews, rollups
from interlock.core.store.rollups import Detail

MAX_DUE = 1000
LONG = timedelta(days=8)  # a window as long has a heatmap by day


def last(app: App, length: timedelta, **which: str | None) -> Window:
    """The window that ends now; `which` are `workflow` and `variant`."""
    now = app.clock.now()
    return Window(start=now - length, end=now, **which)


def read(app: App, window: Window) -> Metrics:
    """
    All figures of a window, from one reading of the database.

    Where there are no figures by minute any more (`figuring.MINUTES_KEPT`), a window begins and ends
    with an hour; the one that is given back says so.
    """
    with engine.read(app.engine) as conn:
        source = _Source(conn, app.clock.now(), window)
        window = source.window
        before = source.before()
        tallies = source.tally(window.start, window.end)
        reviewed = reviews.fetch(conn, window)
        breakers = reviews.fetch_breakers(conn)
        nodes = measuring.measure_nodes(tallies, breakers)
        workflows, variants = measuring.measure_workflows(
            tallies,
            seconds=window.seconds,
            failed_last_hour=source.count_failed(window.end - HOUR, window.end),
        )
        return Metrics(
            window=window,
            totals=measuring.measure_totals(tallies, reviewed, seconds=window.seconds),
            before=measuring.measure_totals(
                source.tally(before.start, before.end, Detail.COUNTS),
                reviews.fetch(conn, before),
                seconds=before.seconds,
            ),
            nodes=nodes,
            workflows=workflows,
            variants=variants,
            errors=measuring.measure_errors(tallies),
            reviewers=measuring.measure_reviewers(reviewed),
            series=source.series(),
            heat=source.heat(list(measuring.busiest(nodes))),
            variant_names=source.name_variants(variants),
            is_whole=source.is_whole(),
        )


def read_tallies(app: App, window: Window) -> Tallies:
    """What is counted in a window, without anything made of it: for alerts and Prometheus."""
    with engine.read(app.engine) as conn:
        source = _Source(conn, app.clock.now(), window)
        return source.tally(source.window.start, source.window.end)


class _Source:
    """One reading of the database, for one window."""

    def __init__(self, conn: Connection, now: datetime, window: Window) -> None:
        self._conn = conn
        self._read: dict[Piece, Mapping[datetime, Tallies]] = {}
        self._minutes: dict[Piece, Tallies] = {}  # all of them together
        self._rolled_until = rollups.rolled_until(conn)
        self._kept_since = figuring.kept_since(now)
        self.window = replace(
            window, start=self._align(window.start), end=self._align_end(window.end)
        )

    def _align(self, moment: datetime) -> datetime:
        return moment if moment >= self._kept_since else floor(moment, HOUR)

    def _align_end(self, moment: datetime) -> datetime:
        return moment if moment >= self._kept_since else ceil(moment, HOUR)

    def before(self) -> Window:
        """The window just before, as long."""
        length = self.window.end - self.window.start
        start = self._align(self.window.start - length)
        return replace(self.window, start=start, end=self.window.start)

    def tally(self, start: datetime, end: datetime, nodes: Detail = Detail.ALL) -> Tallies:
        """Everything from `start` to before `end`; of nodes as much as is needed."""
        found = Tallies()
        for piece in plan(start, end, self._rolled_until):
            if piece.tier is None:
                for tallies in self._raw(piece).values():
                    found.add(tallies)
            elif piece.tier is Tier.MINUTE and nodes is Detail.ALL:
                found.add(self._add_up_minutes(piece))
            else:
                self._fetch(piece, found, nodes)
        return found

    def _add_up_minutes(self, piece: Piece) -> Tallies:
        """Read once: the heatmap's newest hour is of the same rows, and there are many of them."""
        if piece not in self._minutes:
            self._minutes[piece] = self._fetch(piece, Tallies())
        return self._minutes[piece]

    def _fetch(self, piece: Piece, into: Tallies, nodes: Detail = Detail.ALL) -> Tallies:
        assert piece.tier is not None
        return rollups.fetch(
            self._conn, piece.tier, piece.start, piece.end, nodes=nodes, into=into, **self._which
        )

    def count_failed(self, start: datetime, end: datetime) -> dict[tuple[str, str], int]:
        """How many executions failed, by (workflow, variant)."""
        found: dict[tuple[str, str], int] = {}
        for piece in plan(start, end, self._rolled_until):
            if piece.tier is None:
                raw = [run for t in self._raw(piece).values() for run in t.runs.items()]
                failed = [(key, run.failed) for key, run in raw]
            else:
                failed = list(
                    rollups.fetch_failed(
                        self._conn, piece.tier, piece.start, piece.end, **self._which
                    ).items()
                )
            for key, count in failed:
                found[key] = found.get(key, 0) + count
        return found

    def name_variants(self, measured: Sequence[WorkflowFigures]) -> list[str]:
        """Those of the window's one workflow: of those measured, and all that were added up before."""
        workflow = self.window.workflow
        if workflow is None:
            return []
        found = {figures.variant for figures in measured}
        for piece in plan(self.window.start, self.window.end, self._rolled_until):
            if piece.tier is not None:
                found |= rollups.fetch_variants(
                    self._conn, piece.tier, piece.start, piece.end, workflow=workflow
                )
        return sorted(found - {""})

    def series(self) -> Series:
        """Points over the window."""
        start, end = self.window.start, self.window.end
        is_old = start < self._kept_since
        span = max(series_span(end - start), HOUR if is_old else MINUTE)
        spans: dict[datetime, Tallies] = {}
        for piece in plan(start, end, self._rolled_until, longest=_tier_within(span)):
            if piece.tier is None:
                found = self._raw(piece)
            else:
                found = rollups.fetch_points(
                    self._conn, piece.tier, piece.start, piece.end, **self._which
                )
            for moment, tallies in found.items():
                at = floor(moment, span)
                if piece.tier is not None and at not in spans:
                    spans[at] = tallies  # nobody else has it
                else:
                    spans.setdefault(at, Tallies()).add(tallies)
        return measuring.measure_series(spans, starts(start, end, span), span)

    def heat(self, nodes: Sequence[tuple[str, str]]) -> Heat:
        """Medians of some nodes hour by hour, or day by day in a long window."""
        start, end = self.window.start, self.window.end
        span = DAY if end - start >= LONG else HOUR
        cells: dict[tuple[str, str], dict[datetime, Histogram]] = {node: {} for node in nodes}
        medians: dict[tuple[str, str], dict[datetime, float | None]] = {node: {} for node in nodes}
        for piece in plan(start, end, self._rolled_until, longest=_tier_within(span)):
            merged = nodes
            if piece.tier is not None and piece.tier.length == span:
                merged = self._take_medians(piece, nodes, medians)
            for moment, node, histogram in self._durations(piece, span, merged):
                cells[node].setdefault(floor(moment, span), Histogram()).merge(histogram)
        for node, by_start in cells.items():
            medians[node] |= {moment: one.percentile(0.5) for moment, one in by_start.items()}
        return measuring.measure_heat(
            medians, starts(start, end, span), is_one_workflow=self.window.workflow is not None
        )

    def _take_medians(
        self,
        piece: Piece,
        nodes: Sequence[tuple[str, str]],
        medians: dict[tuple[str, str], dict[datetime, float | None]],
    ) -> Sequence[tuple[str, str]]:
        """Take the medians that stand in the rows; the nodes whose variants have to be merged."""
        assert piece.tier is not None
        several: dict[tuple[str, str], None] = {}
        for moment, node, median in rollups.fetch_medians(
            self._conn, piece.tier, piece.start, piece.end, nodes, variant=self.window.variant
        ):
            if moment in medians[node]:
                several[node] = None
            medians[node][moment] = median
        return list(several)

    def _durations(
        self, piece: Piece, span: timedelta, nodes: Sequence[tuple[str, str]]
    ) -> Iterator[tuple[datetime, tuple[str, str], Histogram]]:
        """Those of each node in each span that the piece touches, maybe in several parts."""
        if piece.tier is None:
            for minute, tallies in self._raw(piece).items():
                for (workflow, path, _), tally in tallies.nodes.items():
                    if (workflow, path) in nodes:
                        yield minute, (workflow, path), tally.histogram
            return
        is_each = piece.tier.length == span
        parts = [(piece.start, piece.end)] if is_each else split(piece, span)
        if len(parts) == 1 and piece in self._minutes:
            for (workflow, path, _), tally in self._minutes[piece].nodes.items():
                if (workflow, path) in nodes and tally.runs:
                    yield piece.start, (workflow, path), tally.histogram
            return
        for start, end in parts:
            yield from rollups.fetch_histograms(
                self._conn,
                piece.tier,
                start,
                end,
                nodes,
                variant=self.window.variant,
                is_each=is_each,
            )

    def _raw(self, piece: Piece) -> Mapping[datetime, Tallies]:
        """Read once however many figures need it."""
        if piece not in self._read:
            self._read[piece] = raw_figures.count_by_minute(
                self._conn, piece.start, piece.end, **self._which
            )
        return self._read[piece]

    @property
    def _which(self) -> dict[str, str | None]:
        return {"workflow": self.window.workflow, "variant": self.window.variant}

    def is_whole(self) -> bool:
        """Whether no minute of the window waits to be made anew."""
        due = rollups.fetch_due(self._conn, limit=MAX_DUE)
        return not any(self.window.start - MINUTE < minute < self.window.end for minute in due)


def _tier_within(span: timedelta) -> Tier:
    """The longest tier whose spans fit into these."""
    return max((t for t in Tier if t.length <= span), key=lambda t: t.length)
