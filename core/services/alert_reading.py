"""
What the alerts' rules look at: the same figures as on every page, and what is usual.

The latter changes slowly and costs more to read, so it is read apart and seldom.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from interlock.core.model import alert_rules
from interlock.core.model.alerts import (
    AlertFigures,
    CardsReading,
    WorkflowHistory,
    WorkflowReading,
)
from interlock.core.model.tallies import RunTally, Tallies
from interlock.core.services import metrics
from interlock.core.services.context import App
from interlock.core.services.observing import ALIVE_S
from interlock.core.store import alert_figures, deadlines, engine, workers

DAYS = 7
DAY = timedelta(days=1)
WINDOW = timedelta(seconds=alert_rules.WINDOW_S)
SPAN = timedelta(seconds=alert_rules.TRAFFIC_S)
SPANS_BEFORE = 4


def read_figures(app: App, history: Mapping[str, WorkflowHistory]) -> AlertFigures:
    """See how everything is at this moment."""
    now = app.clock.now()
    counted = _join(metrics.read_tallies(app, metrics.last(app, WINDOW)))
    with engine.read(app.engine) as conn:
        started = alert_figures.count_started(conn, start=now - SPAN, end=now)
        failures = alert_figures.fetch_failures(
            conn,
            kinds=[kind.value for kind in alert_rules.FAILURES],
            start=now - timedelta(seconds=alert_rules.FAILURES_S),
        )
        breakers = alert_figures.fetch_open_breakers(conn)
        overdue = deadlines.fetch_overdue(conn, now=now)
        escalated = deadlines.fetch_escalated(conn)
        known = workers.fetch_all(conn)
    return AlertFigures(
        at=now,
        overdue=tuple(_read_cards(each) for each in overdue),
        escalated=tuple(_read_cards(each) for each in escalated),
        workflows=tuple(
            _read_workflow(name, started.get(name, 0), counted.get(name, RunTally()))
            for name in sorted({*started, *counted})
        ),
        history=history,
        breakers=tuple(breakers),
        failures=tuple(failures),
        workers_alive=sum(_is_alive(w.heartbeat_at, now) for w in known),
        newest_heartbeat_at=max((w.heartbeat_at for w in known), default=None),
    )


def read_workers(app: App) -> AlertFigures:
    """Only whether workers are there, for whoever watches over them."""
    now = app.clock.now()
    with engine.read(app.engine) as conn:
        known = workers.fetch_all(conn)
    return AlertFigures(
        at=now,
        workers_alive=sum(_is_alive(w.heartbeat_at, now) for w in known),
        newest_heartbeat_at=max((w.heartbeat_at for w in known), default=None),
    )


def read_history(app: App) -> dict[str, WorkflowHistory]:
    """What is usual for each workflow at such a time."""
    now = app.clock.now()
    with engine.read(app.engine) as conn:
        since = alert_figures.fetch_known_since(conn, start=now - DAYS * DAY - SPAN)
        days = [now - n * DAY for n in range(1, DAYS + 1)]
        spans = [now - n * SPAN for n in range(1, SPANS_BEFORE + 1)]
        counts = {
            end: alert_figures.count_started(conn, start=end - SPAN, end=end)
            for end in {*days, *spans}
        }
        hours = alert_figures.fetch_hours(conn, start=now - DAYS * DAY, end=now)
    return {
        name: WorkflowHistory(
            usual_started=alert_rules.usual_traffic(
                [counts[end].get(name, 0) for end in days if first <= end - SPAN],
                [counts[end].get(name, 0) for end in spans if first <= end - SPAN],
            ),
            error_p95=alert_rules.usual_errors(hours.get(name, [])),
        )
        for name, first in since.items()
    }


def _read_cards(counted: deadlines.Counted) -> CardsReading:
    return CardsReading(workflow=counted.workflow, count=counted.count, group=counted.group)


def _is_alive(heartbeat_at: datetime, now: datetime) -> bool:
    return heartbeat_at >= now - timedelta(seconds=ALIVE_S)


def _join(tallies: Tallies) -> dict[str, RunTally]:
    """Of each workflow, all its variants together."""
    joined: dict[str, RunTally] = {}
    for (workflow, _), tally in tallies.runs.items():
        joined.setdefault(workflow, RunTally()).add(tally)
    return joined


def _read_workflow(name: str, started: int, tally: RunTally) -> WorkflowReading:
    ended = tally.completed + tally.failed
    return WorkflowReading(
        workflow=name,
        ended=ended,
        failed=tally.failed,
        mean_ms=tally.sum_ms / ended if ended else None,
        started=started,
    )
