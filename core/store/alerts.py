"""Alerts and silences: what is wrong, and whom it must not wake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, or_, select, update

from interlock.core.model.alerts import Alert, AlertStatus, RuleName, Severity, Silence
from interlock.core.store import dialect
from interlock.core.store.schema_sight import alert_silences, alerts

# A new one that lost the race for its cause's place is let go: the winner says the same.
_INSERT = dialect.insert_new(alerts)
_UPDATE = update(alerts).where(alerts.c.alert_id == bindparam("of_id"))
_DROP = delete(alerts).where(alerts.c.alert_id == bindparam("of_id"))
_FETCH = select(alerts).where(alerts.c.alert_id == bindparam("alert_id"))
_UNSETTLED = (
    select(alerts)
    .where(or_(alerts.c.status != "resolved", alerts.c.resolved_at >= bindparam("since")))
    .order_by(alerts.c.fired_at.desc(), alerts.c.alert_id.desc())
    .limit(bindparam("limit"))
)
_NEWEST = (
    select(alerts)
    .where(alerts.c.status.in_(bindparam("statuses", expanding=True)))
    .order_by(alerts.c.fired_at.desc(), alerts.c.alert_id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_CALLING = (
    select(func.count())
    .select_from(alerts)
    .where(alerts.c.status == AlertStatus.OPEN.value, ~alerts.c.silenced)
)
_TELL = (
    update(alerts)
    .where(alerts.c.alert_id == bindparam("of_id"))
    .where(alerts.c.notified_at.is_not_distinct_from(bindparam("before")))
    .values(notified_at=bindparam("at"))
)
_SILENCES = (
    select(alert_silences)
    .where(alert_silences.c.until > bindparam("now"))
    .order_by(alert_silences.c.until, alert_silences.c.silence_id)
    .limit(bindparam("limit"))
)
_SILENCE = select(alert_silences).where(alert_silences.c.silence_id == bindparam("silence_id"))
_END_SILENCE = delete(alert_silences).where(alert_silences.c.silence_id == bindparam("of_id"))


def lock(conn: Connection) -> None:
    """Let nobody else move alerts until the transaction ends."""
    dialect.lock_all(conn, dialect.Lock.ALERTS)


def put(conn: Connection, found: Iterable[Alert], *, known: Iterable[str]) -> None:
    """Write alerts; those whose ids are `known` are there already."""
    there = set(known)
    for alert in found:
        if alert.alert_id in there:
            conn.execute(_UPDATE.values(**_columns(alert)), {"of_id": alert.alert_id})
        else:
            conn.execute(_INSERT.on(conn), _columns(alert))


def drop(conn: Connection, ids: Sequence[str]) -> None:
    """Forget alerts that never fired."""
    if ids:
        conn.execute(_DROP, [{"of_id": alert_id} for alert_id in ids])


def fetch(conn: Connection, alert_id: str) -> Alert | None:
    """The alert of this id."""
    row = conn.execute(_FETCH, {"alert_id": alert_id}).one_or_none()
    return None if row is None else from_row(row)


def fetch_unsettled(conn: Connection, *, since: datetime, limit: int = 2000) -> list[Alert]:
    """Alerts that have not ended, or ended after a moment; newest first."""
    return [from_row(row) for row in conn.execute(_UNSETTLED, {"since": since, "limit": limit})]


def fetch_many(
    conn: Connection, *, statuses: Sequence[AlertStatus], limit: int, offset: int = 0
) -> list[Alert]:
    """Alerts of some statuses, newest first."""
    parameters = {"statuses": [s.value for s in statuses], "limit": limit, "offset": offset}
    return [from_row(row) for row in conn.execute(_NEWEST, parameters)]


def count_calling(conn: Connection) -> int:
    """How many ask for somebody: open, not silenced."""
    return int(conn.execute(_CALLING).scalar_one())


def note_told(conn: Connection, alert: Alert, *, at: datetime) -> bool:
    """Note that people are told of an alert; False if another process has just done so."""
    found = {"of_id": alert.alert_id, "before": alert.notified_at, "at": at}
    return conn.execute(_TELL, found).rowcount == 1


def take_back(conn: Connection, alert: Alert, *, at: datetime) -> None:
    """Note that telling failed, so that it is tried again; `at` is when it was noted."""
    found = {"of_id": alert.alert_id, "before": at, "at": alert.notified_at}
    conn.execute(_TELL, found)


def insert_silence(conn: Connection, silence: Silence) -> None:
    """Add a silence."""
    conn.execute(alert_silences.insert(), vars(silence))


def fetch_silence(conn: Connection, silence_id: str) -> Silence | None:
    """The silence of this id."""
    row = conn.execute(_SILENCE, {"silence_id": silence_id}).mappings().one_or_none()
    return None if row is None else Silence(**row)


def fetch_silences(conn: Connection, *, now: datetime, limit: int = 500) -> list[Silence]:
    """Silences in force, the one that ends first first."""
    rows = conn.execute(_SILENCES, {"now": now, "limit": limit}).mappings()
    return [Silence(**row) for row in rows]


def remove_silence(conn: Connection, silence_id: str) -> None:
    """End a silence now."""
    conn.execute(_END_SILENCE, {"of_id": silence_id})


def _columns(alert: Alert) -> dict[str, Any]:
    return vars(alert) | {
        "rule": alert.rule.value,
        "severity": alert.severity.value,
        "status": alert.status.value,
    }


def from_row(row: Row[Any]) -> Alert:
    """A whole row as an alert."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Alert(
        **values
        | {
            "rule": RuleName(row.rule),
            "severity": Severity(row.severity),
            "status": AlertStatus(row.status),
        }
    )
