"""
Alerts: see what is wrong, keep it, and let people acknowledge and silence it.

`evaluate` is called every few seconds by whoever works; several at once do no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from interlock.core.model import alert_moves, alert_rules
from interlock.core.model.alerts import (
    RULES,
    SEEN,
    Alert,
    AlertFigures,
    AlertStatus,
    Finding,
    RuleName,
    Rules,
    Silence,
)
from interlock.core.model.people import Permission
from interlock.core.services.context import App
from interlock.core.services.permitting import (
    command,
    is_about_seen,
    is_of_house,
    require_house,
)
from interlock.core.store import alerts, audit, engine, topics
from interlock.core.types import new_id

TOPIC = "alerts"
KEEP = timedelta(hours=1)  # ended alerts are still looked at: their end may have to be told
MAX_SILENCE_S = 30 * 86_400.0
MAX_REASON_CHARS = 2000


@dataclass(frozen=True, kw_only=True)
class AlertList:
    """What the page shows: what holds, what has ended, and what is kept quiet."""

    open: tuple[Alert, ...]
    ended: tuple[Alert, ...]
    silences: tuple[Silence, ...]
    at: datetime


def settle(
    app: App,
    figures: AlertFigures,
    *,
    rules: Rules = RULES,
    covered: Collection[RuleName] = alert_rules.COVERED,
) -> tuple[Alert, ...]:
    """
    Bring the alerts level with the figures of this moment.

    Args:
        app: The application.
        figures: What is seen now.
        rules: The bounds.
        covered: Rules that the figures are whole for; alerts of others stay as they are.

    Returns:
        Those that people have yet to be told of.
    """
    wanted = {name: rule for name, rule in rules.items() if name in covered}
    findings = [f for f in alert_rules.find(figures, rules) if f.rule in wanted]
    return _settle(app, findings, rules=rules, covered=covered)


def _settle(
    app: App, findings: Sequence[Finding], *, rules: Rules, covered: Collection[RuleName]
) -> tuple[Alert, ...]:
    now = app.clock.now()
    since = now - KEEP - timedelta(seconds=max(rule.hold_off_s for rule in rules.values()))
    with engine.read(app.engine) as conn:
        known = alerts.fetch_unsettled(conn, since=since)
        has_open = any(a.status is not AlertStatus.RESOLVED for a in known)
    if findings or has_open:  # else there is nothing to write, and no writer is kept waiting
        with engine.write(app.engine) as conn:
            alerts.lock(conn)
            known = alerts.fetch_unsettled(conn, since=since)
            moves = alert_moves.settle(
                findings,
                known,
                silences=alerts.fetch_silences(conn, now=now),
                rules=rules,
                covered=covered,
                now=now,
                make_id=new_id,
            )
            if moves:
                alerts.put(conn, moves.put, known=[a.alert_id for a in known])
                alerts.drop(conn, moves.drop)
                topics.bump(conn, TOPIC)
                known = alerts.fetch_unsettled(conn, since=since)
    return alert_moves.find_untold(known, rules, now=now)


def keep_outage(app: App, told: Alert) -> Alert:
    """Keep what could not be written while it lasted: that the database did not answer, until now."""
    now = app.clock.now()
    kept = replace(told, status=AlertStatus.RESOLVED, seen_at=now, resolved_at=now, notified_at=now)
    with engine.write(app.engine) as conn:
        alerts.put(conn, [kept], known=())
        topics.bump(conn, TOPIC)
    return kept


def claim_telling(app: App, alert: Alert) -> datetime | None:
    """Take it upon this process to tell people of an alert; None if another has."""
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        return now if alerts.note_told(conn, alert, at=now) else None


def give_back_telling(app: App, alert: Alert, *, claimed_at: datetime) -> None:
    """Telling failed: let it be tried again."""
    with engine.write(app.engine) as conn:
        alerts.take_back(conn, alert, at=claimed_at)


def list_alerts(app: App, *, ended_count: int = 50, ended_offset: int = 0) -> AlertList:
    """What holds now, newest first, what has ended, and the silences in force."""
    now = app.clock.now()
    with engine.read(app.engine) as conn:
        held = alerts.fetch_many(conn, statuses=sorted(SEEN), limit=500)
        ended = alerts.fetch_many(
            conn, statuses=[AlertStatus.RESOLVED], limit=ended_count, offset=ended_offset
        )
        silences = alerts.fetch_silences(conn, now=now)
    return AlertList(
        open=tuple(each for each in held if is_about_seen(app, each.object)),
        ended=tuple(each for each in ended if is_about_seen(app, each.object)),
        silences=tuple(each for each in silences if is_about_seen(app, each.object)),
        at=now,
    )


def count_calling(app: App) -> int:
    """How many alerts ask for somebody: neither acknowledged nor silenced."""
    with engine.read(app.engine) as conn:
        if is_of_house(app):
            return alerts.count_calling(conn)
        found = alerts.fetch_many(conn, statuses=sorted(SEEN), limit=500)
    return sum(1 for each in found if each.is_calling and is_about_seen(app, each.object))


@command(Permission.GUARD)
def acknowledge(app: App, alert_id: str, *, actor: str, reason: str = "") -> Alert:
    """
    Say that somebody looks after an alert; it stays until its cause has gone.

    Raises:
        NotFound: No such alert.
        Conflict: It has ended, or somebody looks after it already.
    """
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        alerts.lock(conn)
        old = _find(app, conn, alert_id)
        if old.status is not AlertStatus.OPEN:
            raise Conflict(_say_why_not(old))
        new = replace(
            old,
            status=AlertStatus.ACKNOWLEDGED,
            acknowledged_at=now,
            acknowledged_by=actor,
            note=reason,
        )
        alerts.put(conn, [new], known=[alert_id])
        topics.bump(conn, TOPIC)
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="acknowledge",
            object_=f"alert:{alert_id}",
            before={"status": old.status.value},
            after=_said(new),
            reason=reason,
        )
    return new


@command(Permission.GUARD)
def silence(
    app: App,
    alert_id: str,
    *,
    for_s: float,
    actor: str,
    reason: str = "",
    whole_rule: bool = False,
) -> Silence:
    """
    Tell nobody of an alert's cause until a while has passed; it is still kept, and shown as silenced.

    Args:
        app: The application.
        alert_id: An alert of that cause.
        for_s: For how long.
        actor: Who asks for it.
        reason: Why; kept with it.
        whole_rule: Whatever else the same rule is about, too.

    Raises:
        NotFound: No such alert.
        InvalidInput: The time is not within a month.
    """
    if not 0 < for_s <= MAX_SILENCE_S:
        days = MAX_SILENCE_S / 86_400
        raise InvalidInput(
            "An alert cannot be silenced for that long.",
            problems=[FieldProblem("for", f"must be more than 0 and at most {days:g} days")],
        )
    if whole_rule:
        require_house(app, "A rule")
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        alerts.lock(conn)
        old = _find(app, conn, alert_id)
        made = Silence(
            silence_id=new_id(),
            rule=old.rule.value,
            object="" if whole_rule else old.object,
            until=now + timedelta(seconds=for_s),
            created_at=now,
            created_by=actor,
            reason=reason,
        )
        alerts.insert_silence(conn, made)
        _hush(conn, alerts.fetch_silences(conn, now=now), now)
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="silence",
            object_=f"alert:{alert_id}",
            after={"silence_id": made.silence_id, "rule": made.rule, "object": made.object}
            | {"until": made.until.isoformat()},
            reason=reason,
        )
    return made


@command(Permission.GUARD)
def end_silence(app: App, silence_id: str, *, actor: str, reason: str = "") -> None:
    """
    End a silence before its time; what still holds is told again.

    Raises:
        NotFound: No such silence.
    """
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        alerts.lock(conn)
        old = alerts.fetch_silence(conn, silence_id)
        if old is None or not is_about_seen(app, old.object):
            raise NotFound("silence", silence_id)
        alerts.remove_silence(conn, silence_id)
        _hush(conn, alerts.fetch_silences(conn, now=now), now)
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="end silence",
            object_=f"silence:{silence_id}",
            before={"rule": old.rule, "object": old.object, "until": old.until.isoformat()},
            reason=reason,
        )


def _hush(conn: Connection, silences: Sequence[Silence], now: datetime) -> None:
    """Mark at once what is kept quiet; the next settling would, some seconds later."""
    found = alerts.fetch_many(conn, statuses=sorted(SEEN), limit=500)
    changed = [b for a in found if (b := alert_moves.hush(a, silences, now)) != a]
    alerts.put(conn, changed, known=[a.alert_id for a in found])
    topics.bump(conn, TOPIC)


def _find(app: App, conn: Connection, alert_id: str) -> Alert:
    found = alerts.fetch(conn, alert_id)
    is_there = found is not None and is_about_seen(app, found.object)
    if found is None or not is_there or found.status is AlertStatus.PENDING:
        raise NotFound("alert", alert_id, hint="`interlock alerts` lists them.")
    return found


def _say_why_not(alert: Alert) -> str:
    if alert.status is AlertStatus.RESOLVED:
        return f"Alert {alert.alert_id} has ended already."
    return f"{alert.acknowledged_by} looks after alert {alert.alert_id} already."


def _said(alert: Alert) -> Mapping[str, str]:
    return {"status": alert.status.value, "rule": alert.rule.value, "object": alert.object}
