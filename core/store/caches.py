"""What nodes, models and tools have given and may give again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, or_, select, tuple_, update

from interlock.core.ciphers import Cipher
from interlock.core.model.caches import Clearing, Entry, Place
from interlock.core.store import dialect
from interlock.core.store.columns import SealedWords, cipher_of
from interlock.core.store.schema import runs
from interlock.core.store.schema_sight import cache_entries
from interlock.core.types import ThreadId

CLAIM = "claim"  # the encoding of an entry that is only being made; its value is empty
MAX_NEAR = 5000  # vectors compared with one question, the newest used
_BATCH = 500

_ENTRY = (cache_entries.c.namespace, cache_entries.c.key)
_IS_ENTRY = cache_entries.c.encoding != CLAIM


def _claiming(insert: Any) -> Any:
    new = {c.name: insert.excluded[c.name] for c in cache_entries.columns if not c.primary_key}
    return insert.on_conflict_do_update(
        index_elements=["namespace", "key"],
        set_=new,
        where=cache_entries.c.expires_at <= insert.excluded.created_at,
    ).returning(cache_entries.c.key)


_KEEP = dialect.upsert(cache_entries)
_TAKE_CLAIM = dialect.PerDialect(
    {name: _claiming(make(cache_entries)) for name, make in dialect.ROW_BY_ROW.items()}
)
_HOLD_CLAIM = (
    update(cache_entries)
    .where(
        cache_entries.c.namespace == bindparam("of_namespace"),
        cache_entries.c.key == bindparam("of_key"),
        cache_entries.c.encoding == CLAIM,
        cache_entries.c.question == bindparam("of_owner"),
    )
    .values(expires_at=bindparam("until"))
)
_DROP_CLAIM = delete(cache_entries).where(
    cache_entries.c.namespace == bindparam("of_namespace"),
    cache_entries.c.key == bindparam("of_key"),
    cache_entries.c.encoding == CLAIM,
    cache_entries.c.question == bindparam("of_owner"),
)
_TOUCH = (
    update(cache_entries)
    .where(
        cache_entries.c.namespace == bindparam("of_namespace"),
        cache_entries.c.key == bindparam("of_key"),
    )
    .values(hits=cache_entries.c.hits + bindparam("more"), used_at=bindparam("at"))
)
_OF_PLACE = and_(
    cache_entries.c.workflow == bindparam("of_workflow"),
    cache_entries.c.path == bindparam("of_path"),
    _IS_ENTRY,
)
_OLDEST = (
    select(*_ENTRY)
    .where(_OF_PLACE)
    .order_by(cache_entries.c.used_at.desc(), cache_entries.c.key, cache_entries.c.namespace)
    .limit(_BATCH)
    .offset(bindparam("max_entries"))
)
_NEAR = (
    select(cache_entries.c.key, cache_entries.c.vector)
    .where(
        cache_entries.c.namespace == bindparam("of_namespace"),
        cache_entries.c.vector.is_not(None),
        _IS_ENTRY,
        or_(cache_entries.c.expires_at.is_(None), cache_entries.c.expires_at > bindparam("now")),
    )
    .order_by(cache_entries.c.used_at.desc(), cache_entries.c.key)
    .limit(MAX_NEAR)
)
_EXPIRED = (
    select(*_ENTRY)
    .where(cache_entries.c.expires_at <= bindparam("now"))
    .order_by(cache_entries.c.expires_at, *_ENTRY)
    .limit(_BATCH)
)
_SIZES = (
    select(
        cache_entries.c.workflow,
        cache_entries.c.path,
        func.count().label("entries"),
        func.coalesce(func.sum(cache_entries.c.size_bytes), 0).label("size_bytes"),
    )
    .where(
        _IS_ENTRY,
        or_(cache_entries.c.expires_at.is_(None), cache_entries.c.expires_at > bindparam("now")),
    )
    .group_by(cache_entries.c.workflow, cache_entries.c.path)
    .order_by(cache_entries.c.workflow, cache_entries.c.path)
    .limit(10_000)
)
_LAUNCHER = (
    select(runs.c.created_by)
    .where(
        runs.c.thread_id == bindparam("of_thread"),
        runs.c.previous_run_id.is_(None),
        runs.c.created_at <= bindparam("until"),
    )
    .order_by(runs.c.created_at.desc(), runs.c.run_id.desc())
    .limit(1)
)


@dataclass(frozen=True, kw_only=True)
class Touch:
    """An entry was used again."""

    namespace: str
    key: str
    count: int
    at: datetime


def fetch_many(conn: Connection, ids: Sequence[tuple[str, str]]) -> list[Entry]:
    """The entries of these (namespace, key), expired ones too; none that is only being made."""
    found: list[Entry] = []
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        rows = conn.execute(
            select(cache_entries).where(tuple_(*_ENTRY).in_(list(some)), _IS_ENTRY).limit(len(some))
        )
        found += [_from_row(row, cipher_of(conn.dialect)) for row in rows]
    return found


def fetch_vectors(conn: Connection, namespace: str, *, now: datetime) -> list[tuple[str, bytes]]:
    """Keys and vectors of what may be used again in a namespace, the last used first."""
    rows = conn.execute(_NEAR, {"of_namespace": namespace, "now": now})
    return [(row.key, row.vector) for row in rows]


def keep(conn: Connection, entry: Entry) -> None:
    """Keep an entry in place of what was there, be it a claim."""
    row = _to_row(entry)
    # Not by the column's type: of a claim it holds the owner, who is looked for.
    row["question"] = SealedWords.wrap(entry.question, cipher_of(conn.dialect))
    conn.execute(_KEEP.on(conn), row)


def evict(conn: Connection, place: Place, *, max_entries: int) -> int:
    """Let go of the entries of a place that were not used the longest, down to its bound; how many."""
    given = {"of_workflow": place.workflow, "of_path": place.path, "max_entries": max_entries}
    count = 0
    while rows := conn.execute(_OLDEST, given).all():
        count += _delete(conn, [(row.namespace, row.key) for row in rows])
    return count


def touch(conn: Connection, touches: Sequence[Touch]) -> None:
    """Note that entries were used; in one order everywhere, so that two never wait for each other."""
    if touches:
        rows = [
            {"of_namespace": t.namespace, "of_key": t.key, "more": t.count, "at": t.at}
            for t in sorted(touches, key=lambda t: (t.namespace, t.key))
        ]
        conn.execute(_TOUCH, rows)


def claim(conn: Connection, entry_id: tuple[str, str], place: Place, **about: Any) -> bool:
    """
    Be the one who makes an entry: False where somebody else is, or where it is there.

    Args:
        conn: The transaction.
        entry_id: Its (namespace, key).
        place: What it is of.
        about: `owner`, a name for who makes it; `now`; and `until`, when the claim runs out.
    """
    row = _to_row(
        Entry(
            place=place,
            namespace=entry_id[0],
            key=entry_id[1],
            encoding=CLAIM,
            value=b"",
            question=about["owner"],
            created_at=about["now"],
            expires_at=about["until"],
        )
    )
    return conn.execute(_TAKE_CLAIM.on(conn), row).first() is not None


def hold_claims(
    conn: Connection, ids: Sequence[tuple[str, str]], *, owner: str, until: datetime
) -> None:
    """Keep claims for longer."""
    rows = [
        {"of_namespace": namespace, "of_key": key, "of_owner": owner, "until": until}
        for namespace, key in sorted(ids)
    ]
    if rows:
        conn.execute(_HOLD_CLAIM, rows)


def drop_claims(conn: Connection, ids: Sequence[tuple[str, str]], *, owner: str) -> None:
    """Give claims back whose entries were not made."""
    rows = [
        {"of_namespace": namespace, "of_key": key, "of_owner": owner}
        for namespace, key in sorted(ids)
    ]
    if rows:
        conn.execute(_DROP_CLAIM, rows)


def delete_expired(conn: Connection, *, now: datetime) -> int:
    """Delete what may not be used any more, some hundred at a time; how many."""
    return _delete(conn, [(r.namespace, r.key) for r in conn.execute(_EXPIRED, {"now": now})])


def clear(conn: Connection, clearing: Clearing) -> int:
    """Delete the entries that a clearing takes; how many."""
    if not clearing.needs_pattern:
        return sum(_clear_place(conn, place) for place in _places(conn, clearing))
    count = 0
    for place in _places(conn, clearing):
        rows = conn.execute(
            select(*_ENTRY, cache_entries.c.question).where(_OF_PLACE).execution_options(),
            {"of_workflow": place.workflow, "of_path": place.path},
        ).all()
        cipher = cipher_of(conn.dialect)
        asked = [(r.namespace, r.key, _question_of(r.question, cipher)) for r in rows]
        ids = [(space, key) for space, key, question in asked if clearing.takes(place, question)]
        for start in range(0, len(ids), _BATCH):
            count += _delete(conn, ids[start : start + _BATCH])
    return count


def _places(conn: Connection, clearing: Clearing) -> list[Place]:
    rows = conn.execute(
        select(cache_entries.c.workflow, cache_entries.c.path)
        .distinct()
        .order_by(cache_entries.c.workflow, cache_entries.c.path)
    )
    places = [Place(row.workflow, row.path) for row in rows]
    return [place for place in places if clearing.takes_place(place)]


def _clear_place(conn: Connection, place: Place) -> int:
    given = {"of_workflow": place.workflow, "of_path": place.path}
    return conn.execute(delete(cache_entries).where(_OF_PLACE), given).rowcount


def _delete(conn: Connection, ids: Sequence[tuple[str, str]]) -> int:
    if not ids:
        return 0
    return conn.execute(delete(cache_entries).where(tuple_(*_ENTRY).in_(sorted(ids)))).rowcount


def fetch_launcher(conn: Connection, thread_id: ThreadId, *, until: datetime) -> str | None:
    """Who launched the newest input of a thread up to a time."""
    found: str | None = conn.execute(_LAUNCHER, {"of_thread": thread_id, "until": until}).scalar()
    return found


def fetch_sizes(conn: Connection, *, now: datetime) -> dict[Place, tuple[int, int]]:
    """How many entries each place has that may be used, and how many bytes they are."""
    rows = conn.execute(_SIZES, {"now": now})
    return {Place(r.workflow, r.path): (r.entries, int(r.size_bytes)) for r in rows}


def _to_row(entry: Entry) -> dict[str, Any]:
    return {
        "namespace": entry.namespace,
        "key": entry.key,
        "workflow": entry.place.workflow,
        "path": entry.place.path,
        "encoding": entry.encoding,
        "value": entry.value,
        "size_bytes": len(entry.value) + len(entry.vector or b""),
        "cost_ms": entry.cost_ms,
        "cost": entry.cost,
        "question": entry.question,
        "vector": entry.vector,
        "hits": 0,
        "created_at": entry.created_at,
        "used_at": entry.created_at,
        "expires_at": entry.expires_at,
    }


def _question_of(kept: str | None, cipher: Cipher | None) -> str:
    return SealedWords.unwrap(kept or "", cipher)


def _from_row(row: Row[Any], cipher: Cipher | None) -> Entry:
    return Entry(
        place=Place(row.workflow, row.path),
        namespace=row.namespace,
        key=row.key,
        encoding=row.encoding,
        value=row.value,
        cost_ms=row.cost_ms,
        cost=row.cost,
        question=_question_of(row.question, cipher),
        vector=row.vector,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
