"""
The figures that the alerts' rules look at, read from the raw rows.

What is usual changes slowly and costs more to read, so it is read apart and seldom.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from interlock.core.model import alert_rules
from interlock.core.model.alerts import (
    AlertFigures,
    WorkflowHistory,
    WorkflowReading,
)
from interlock.core.services.context import App
from interlock.core.services.observing import ALIVE_S
from interlock.core.store import alert_figures, engine, workers

DAYS = 7
DAY = timedelta(days=1)
SPAN = timedelta(seconds=alert_rules.TRAFFIC_S)
SPANS_BEFORE = 4


def read_figures(app: App, history: Mapping[str, WorkflowHistory]) -> AlertFigures:
    """See how everything is at this moment."""
    now = app.clock.now()
    window = now - timedelta(seconds=alert_rules.WINDOW_S)
    with engine.read(app.engine) as conn:
        started = alert_figures.count_started(conn, start=now - SPAN, end=now)
        ended = alert_figures.count_ended(conn, start=window)
        means = alert_figures.fetch_mean_ms(conn, start=window)
        failures = alert_figures.fetch_failures(
            conn,
            kinds=[kind.value for kind in alert_rules.FAILURES],
            start=now - timedelta(seconds=alert_rules.FAILURES_S),
        )
        breakers = alert_figures.fetch_open_breakers(conn)
        known = workers.fetch_all(conn)
    return AlertFigures(
        at=now,
        workflows=tuple(
            _read_workflow(name, started, ended, means) for name in sorted({*started, *ended})
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


def _is_alive(heartbeat_at: datetime, now: datetime) -> bool:
    return heartbeat_at >= now - timedelta(seconds=ALIVE_S)


def _read_workflow(
    name: str,
    started: Mapping[str, int],
    ended: Mapping[str, tuple[int, int]],
    means: Mapping[str, float],
) -> WorkflowReading:
    done, failed = ended.get(name, (0, 0))
    return WorkflowReading(
        workflow=name,
        ended=done + failed,
        failed=failed,
        mean_ms=means.get(name),
        started=started.get(name, 0),
    )
