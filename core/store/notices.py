"""The outbox: messages to people and programs, each until it arrived or was given up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    tuple_,
    update,
)

from interlock.core.model.notice_rules import Event, RuleKind
from interlock.core.model.notices import Notice, NoticeStatus, PublishedRule
from interlock.core.store import bulk, dialect
from interlock.core.store.schema_notices import notice_rules, notices

_INSERT = bulk.insert_new(notices)
_FETCH = select(notices).where(notices.c.notice_id == bindparam("of_id"))
_WAITS = notices.c.status == literal_column("'waiting'")
_IS_DUE = (
    _WAITS,
    notices.c.next_at <= bindparam("now"),
    (notices.c.claimed_until.is_(None)) | (notices.c.claimed_until <= bindparam("now")),
)
_PLACES = (
    select(notices.c.kind, notices.c.rule, notices.c.position)
    .where(*_IS_DUE)
    .distinct()
    .limit(1000)
)
_DUE = (
    select(notices)
    .where(
        *_IS_DUE,
        notices.c.kind == bindparam("of_kind"),
        notices.c.rule == bindparam("of_rule"),
        notices.c.position == bindparam("of_position"),
    )
    .order_by(notices.c.next_at, notices.c.notice_id)
    .limit(bindparam("limit"))
)
_CLAIM = (
    update(notices)
    .where(notices.c.notice_id == bindparam("of_id"), *_IS_DUE)
    .values(claimed_until=bindparam("until"))
)
_LET_GO = (
    update(notices)
    .where(
        notices.c.notice_id == bindparam("of_id"),
        _WAITS,
        notices.c.claimed_until == bindparam("until"),
    )
    .values(claimed_until=None)
)
_SETTLE = (
    update(notices)
    .where(
        notices.c.notice_id == bindparam("of_id"),
        _WAITS,
        notices.c.claimed_until == bindparam("until"),
    )
    .values(
        status=bindparam("new_status"),
        tries=bindparam("new_tries"),
        next_at=bindparam("new_next_at"),
        last_error=bindparam("new_last_error"),
        settled_at=bindparam("new_settled_at"),
        body=bindparam("new_body"),
        claimed_until=None,
    )
)
_AGAIN = (
    update(notices)
    .where(
        notices.c.notice_id == bindparam("of_id"),
        notices.c.status == NoticeStatus.GIVEN_UP.value,
    )
    .values(
        status=NoticeStatus.WAITING.value,
        tries=0,
        next_at=bindparam("now"),
        settled_at=None,
        claimed_until=None,
    )
)
_STRAY = (
    update(notices)
    .where(
        _WAITS,
        notices.c.next_at <= bindparam("before"),
        (notices.c.claimed_until.is_(None)) | (notices.c.claimed_until <= bindparam("now")),
        tuple_(notices.c.kind, notices.c.rule, notices.c.position).not_in(
            bindparam("known", expanding=True)
        ),
    )
    .values(
        status=NoticeStatus.GIVEN_UP.value,
        settled_at=bindparam("now"),
        last_error=bindparam("why"),
        claimed_until=None,
    )
)
_OLD = (
    select(notices.c.notice_id)
    .where(notices.c.settled_at <= bindparam("before"))
    .order_by(notices.c.settled_at)
    .limit(bindparam("limit"))
)
_PRUNE = delete(notices).where(notices.c.notice_id.in_(bindparam("ids", expanding=True)))
_NEWEST = (
    select(notices)
    .order_by(notices.c.created_at.desc(), notices.c.notice_id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_NEWEST_OF = _NEWEST.where(notices.c.status.in_(bindparam("statuses", expanding=True)))
_COUNTS = select(notices.c.status, func.count().label("total")).group_by(notices.c.status)

_RULES = select(notice_rules).order_by(notice_rules.c.kind, notice_rules.c.name).limit(1000)
_PUBLISH = dialect.upsert(notice_rules, keep=("added_at", "read_until"))
_NOTE = (
    update(notice_rules)
    .where(notice_rules.c.kind == bindparam("of_kind"), notice_rules.c.name == bindparam("of_name"))
    .values(read_until=bindparam("at"), seen_at=bindparam("at"))
)


def insert_new(conn: Connection, found: Sequence[Notice]) -> None:
    """Put messages into the outbox; one that is there already is left as it is."""
    _INSERT.run(conn, [_columns(notice) for notice in found])


def fetch(conn: Connection, notice_id: str) -> Notice | None:
    """The message of this id."""
    row = conn.execute(_FETCH, {"of_id": notice_id}).one_or_none()
    return None if row is None else _from_row(row)


def fetch_places(conn: Connection, *, now: datetime) -> list[tuple[str, str, int]]:
    """Kind, rule and position of the addresses for which something is due."""
    return [(row.kind, row.rule, row.position) for row in conn.execute(_PLACES, {"now": now})]


def claim_due(
    conn: Connection, place: tuple[str, str, int], *, now: datetime, until: datetime, limit: int
) -> list[Notice]:
    """Take what is due for one address, for as long as a try may last; others then leave it alone."""
    kind, rule, position = place
    where = {"of_kind": kind, "of_rule": rule, "of_position": position, "now": now, "limit": limit}
    found = [_from_row(row) for row in conn.execute(_DUE, where)]
    mark = {"now": now, "until": until}
    return [n for n in found if conn.execute(_CLAIM, mark | {"of_id": n.notice_id}).rowcount == 1]


def let_go(conn: Connection, ids: Collection[str], *, until: datetime) -> None:
    """Give back what was claimed until then and not tried."""
    if ids:
        conn.execute(_LET_GO, [{"of_id": each, "until": until} for each in ids])


def settle(
    conn: Connection, notice: Notice, changed: Mapping[str, Any], *, until: datetime
) -> bool:
    """Keep what came of a try; False if somebody else has the message by now."""
    new = {
        f"new_{name}": changed.get(name, getattr(notice, name))
        for name in ("status", "tries", "next_at", "last_error", "settled_at", "body")
    }
    given = new | {"of_id": notice.notice_id, "until": until}
    return conn.execute(_SETTLE, given).rowcount == 1


def try_again(conn: Connection, notice_id: str, *, now: datetime) -> bool:
    """Let a message that was given up be tried as if it were new."""
    return conn.execute(_AGAIN, {"of_id": notice_id, "now": now}).rowcount == 1


def give_up_stray(
    conn: Connection,
    *,
    known: Collection[tuple[str, str, int]],
    before: datetime,
    now: datetime,
    why: str,
) -> int:
    """Give up what has been due since `before`, goes to no `known` place, and is sent by nobody."""
    given = {"known": list(known), "before": before, "now": now, "why": why}
    return conn.execute(_STRAY, given).rowcount


def prune(conn: Connection, *, before: datetime, limit: int) -> int:
    """Forget what was settled before a moment; how many."""
    ids = conn.execute(_OLD, {"before": before, "limit": limit}).scalars().all()
    if ids:
        conn.execute(_PRUNE, {"ids": ids})
    return len(ids)


def fetch_many(
    conn: Connection, *, statuses: Sequence[str] = (), limit: int, offset: int = 0
) -> list[Notice]:
    """Messages, newest first; `statuses` empty means any."""
    given: dict[str, Any] = {"limit": limit, "offset": offset}
    if not statuses:
        return [_from_row(row) for row in conn.execute(_NEWEST, given)]
    given["statuses"] = list(statuses)
    return [_from_row(row) for row in conn.execute(_NEWEST_OF, given)]


def count_by_status(conn: Connection) -> dict[NoticeStatus, int]:
    """How many there are of each status."""
    return {NoticeStatus(row.status): row.total for row in conn.execute(_COUNTS)}


def publish(conn: Connection, rules: Sequence[PublishedRule]) -> None:
    """Tell of the rules of this worker; what was kept of one that is known stays."""
    if rules:
        conn.execute(_PUBLISH.on(conn), [vars(rule) | {"kind": rule.kind.value} for rule in rules])


def note_read(conn: Connection, names: Sequence[tuple[RuleKind, str]], *, at: datetime) -> None:
    """Keep up to when all has been seen for these rules."""
    if names:
        given = [{"of_kind": kind.value, "of_name": name, "at": at} for kind, name in names]
        conn.execute(_NOTE, given)


def fetch_rules(conn: Connection) -> list[PublishedRule]:
    """The rules that workers have told of, also those that no file has any more."""
    rows = conn.execute(_RULES).mappings()
    return [PublishedRule(**{**row, "kind": RuleKind(row["kind"])}) for row in rows]


def _columns(notice: Notice) -> dict[str, Any]:
    return vars(notice) | {
        "kind": notice.kind.value,
        "event": notice.event.value,
        "status": notice.status.value,
    }


def _from_row(row: Row[Any]) -> Notice:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Notice(
        **values
        | {
            "kind": RuleKind(row.kind),
            "event": Event(row.event),
            "status": NoticeStatus(row.status),
        }
    )
