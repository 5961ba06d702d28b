"""
What becomes of alerts as time goes on: they begin, last, end, come back, and are told to people.

One alert a cause, however often it comes and goes within its hold-off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from interlock.core.model.alerts import (
    SEEN,
    Alert,
    AlertStatus,
    Finding,
    RuleName,
    Rules,
    Severity,
    Silence,
)

REFRESH = timedelta(seconds=60)  # how old `seen_at` may get while nothing else changes


@dataclass(frozen=True)
class Moves:
    """What is to be written: `put` are new or changed alerts, `drop` ids of some that never fired."""

    put: tuple[Alert, ...] = ()
    drop: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.put or self.drop)


def settle(
    findings: Iterable[Finding],
    known: Sequence[Alert],
    *,
    silences: Sequence[Silence],
    rules: Rules,
    covered: Collection[RuleName],
    now: datetime,
    make_id: Callable[[], str],
) -> Moves:
    """
    Bring the alerts level with what is wrong now.

    Args:
        findings: What is wrong.
        known: Alerts that have not ended, and those that ended within their hold-off.
        silences: Those in force.
        rules: The bounds.
        covered: Rules that `findings` is whole for: what they no longer find has ended.
        now: Aware UTC time.
        make_id: Makes the id of a new alert.
    """
    wrong = {(f.rule, f.object): f for f in findings}
    newest = _newest(known)
    put: list[Alert] = []
    for key, finding in wrong.items():
        old = newest.get(key)
        if old is not None and _has_gone(old, rules, now):
            old = None
        fresh = _begin(finding, now, make_id()) if old is None else _go_on(old, finding, now)
        fresh = _fire(fresh, rules[finding.rule].for_s, now)
        put.append(hush(fresh, silences, now))
    gone = [a for key, a in newest.items() if key not in wrong and a.rule in covered]
    put += [_end(a, now) for a in gone if a.status in SEEN]
    stored = {a.alert_id: a for a in known}
    return Moves(
        put=tuple(a for a in put if _is_news(a, stored.get(a.alert_id))),
        drop=tuple(a.alert_id for a in gone if a.status is AlertStatus.PENDING),
    )


def find_untold(alerts: Iterable[Alert], rules: Rules, *, now: datetime) -> tuple[Alert, ...]:
    """
    Which alerts people are to be told of: those that fired, and the end of those they were told of.

    An end is told when it has lasted as long as the hold-off. What is silenced or `info` is not told.
    """
    return tuple(a for a in alerts if _is_untold(a, rules, now))


def _is_untold(alert: Alert, rules: Rules, now: datetime) -> bool:
    if alert.silenced or alert.severity is Severity.INFO:
        return False
    if alert.resolved_at is None:
        return alert.status is AlertStatus.OPEN and alert.notified_at is None
    is_told = alert.notified_at is None or alert.notified_at >= alert.resolved_at
    return not is_told and _has_gone(alert, rules, now)


def _newest(known: Sequence[Alert]) -> dict[tuple[RuleName, str], Alert]:
    """One of each cause: the one that has not ended, else the one that ended last."""
    found: dict[tuple[RuleName, str], Alert] = {}
    for alert in sorted(known, key=lambda a: (a.resolved_at is None, a.resolved_at or a.fired_at)):
        found[alert.rule, alert.object] = alert
    return found


def _has_gone(alert: Alert, rules: Rules, now: datetime) -> bool:
    hold_off = timedelta(seconds=rules[alert.rule].hold_off_s)
    return alert.resolved_at is not None and now >= alert.resolved_at + hold_off


def _begin(finding: Finding, now: datetime, alert_id: str) -> Alert:
    return Alert(
        **vars(finding), alert_id=alert_id, status=AlertStatus.PENDING, fired_at=now, seen_at=now
    )


def _go_on(old: Alert, finding: Finding, now: datetime) -> Alert:
    status = old.status
    if old.resolved_at is not None:  # it came back: whoever looked after it still does
        status = AlertStatus.ACKNOWLEDGED if old.acknowledged_at else AlertStatus.OPEN
    return replace(old, **vars(finding), status=status, seen_at=now, resolved_at=None)


def _fire(alert: Alert, for_s: float, now: datetime) -> Alert:
    is_due = now >= alert.fired_at + timedelta(seconds=for_s)
    if alert.status is AlertStatus.PENDING and is_due:
        return replace(alert, status=AlertStatus.OPEN)
    return alert


def hush(alert: Alert, silences: Sequence[Silence], now: datetime) -> Alert:
    """The alert, marked as silenced if one of these keeps it quiet now."""
    is_silenced = any(s.covers(alert.rule, alert.object, now=now) for s in silences)
    return replace(alert, silenced=is_silenced)


def _end(alert: Alert, now: datetime) -> Alert:
    return replace(alert, status=AlertStatus.RESOLVED, resolved_at=now)


def _is_news(alert: Alert, stored: Alert | None) -> bool:
    if stored is None or alert.seen_at - stored.seen_at >= REFRESH:
        return True
    return replace(alert, seen_at=stored.seen_at) != stored
