"""
What our tables keep encrypted: with which keys, and encrypting it anew with the newest, some rows at a time.

A row is written only if it still holds what was read, and none that somebody else works with is waited
for: it may be done while workers run, be killed, and be begun again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy import text as sql

from interlock.core.ciphers import FINGERPRINT_CHARS, KIND_MARK, Cipher
from interlock.core.errors import KeyMissing, SealBroken
from interlock.core.store import searching
from interlock.core.store.columns import SEALED_JSON, SEALED_TEXT, SealedJson, SealedWords
from interlock.core.store.schema import approvals, cache_entries, metadata, runs
from interlock.core.store.searching import About

PLAIN = "plain"  # instead of a key's name
BATCH = 100  # rows in one transaction: others write in between

_WIPE = sql("PRAGMA secure_delete = ON")  # what is written over is not left in the file

Place = tuple[Any, ...]  # a primary key


@dataclass(frozen=True, kw_only=True)
class Part:
    """The columns of one table that are encrypted."""

    table: Table
    columns: tuple[Column[Any], ...]

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """Its primary key."""
        return tuple(self.table.primary_key)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """
    What came of some rows: how many values were encrypted anew, how many of the rows cannot be read,
    for want of which keys; `last` is where the next ones begin, None after the last.
    """

    count: int
    unread: Counter[str]
    last: Place | None


PARTS: tuple[Part, ...] = tuple(
    Part(table=table, columns=found)
    for table in metadata.sorted_tables
    if (found := tuple(c for c in table.columns if isinstance(c.type, SealedJson | SealedWords)))
)


def count_keys(conn: Connection) -> dict[str, Counter[str]]:
    """How many values each table keeps, by the key they are encrypted with or `plain`."""
    found: dict[str, Counter[str]] = {}
    for part in PARTS:
        counter = found.setdefault(part.table.name, Counter())
        for column in part.columns:
            raw, begins = _raw(conn, column), _begins(column)
            name = case(
                (_is_sealed(raw, begins), func.substr(raw, len(begins) + 1, FINGERPRINT_CHARS)),
                else_=PLAIN,
            )
            rows = conn.execute(select(name, func.count()).where(_has_value(raw)).group_by(name))
            counter.update({row[0]: row[1] for row in rows})
    found[cache_entries.name] = Counter(
        {
            key.partition(KIND_MARK)[2] or PLAIN: count
            for key, count in conn.execute(
                select(cache_entries.c.encoding, func.count()).group_by(cache_entries.c.encoding)
            )
            if key != "claim"
        }
    )
    return found


def sample_keys(conn: Connection) -> set[str]:
    """The keys of the newest and the oldest run and card: little to read, and nearly always all."""
    found = set()
    for column, order in ((runs.c.input, runs.c.created_at), (approvals.c.payload, None)):
        raw, begins = _raw(conn, column), _begins(column)
        moment = approvals.c.approval_id if order is None else order
        for way in (moment, moment.desc()):
            head = select(func.substr(raw, 1, len(begins) + FINGERPRINT_CHARS))
            kept = conn.execute(head.order_by(way).limit(1)).scalar()
            if kept is not None and kept.startswith(begins):
                found.add(kept.removeprefix(begins))
    return found


def reseal(conn: Connection, part: Part, cipher: Cipher, *, after: Place | None) -> Batch:
    """Encrypt the next values of a table that are not encrypted with the newest key."""
    if conn.dialect.name == "sqlite":
        conn.execute(_WIPE)
    raws = [_raw(conn, column).label(f"raw_{n}") for n, column in enumerate(part.columns)]
    stale = or_(*(_is_stale(conn, column, cipher) for column in part.columns))
    rows = select(*part.key, *raws).where(stale).order_by(*part.key).limit(BATCH)
    if after is not None:
        rows = rows.where(tuple_(*part.key) > after)
    found = conn.execute(rows.with_for_update(skip_locked=True)).all()
    changes: dict[int, list[dict[str, Any]]] = {}
    bared: list[Place] = []
    unread: Counter[str] = Counter()
    for row in found:
        place = tuple(row[: len(part.key)])
        for number, kept in enumerate(row[len(part.key) :]):
            column = part.columns[number]
            if kept is None or not _wants(kept, column, cipher):
                continue
            try:
                new = _sealed_anew(kept, column, cipher)
            except (KeyMissing, SealBroken):
                unread[kept.removeprefix(_begins(column))[:FINGERPRINT_CHARS]] += 1
                continue
            changes.setdefault(number, []).append(_place(place) | {"old": kept, "new": new})
            if not kept.startswith(_begins(column)):
                bared.append(place)
    count = 0
    for number, values in changes.items():
        statement = _change(conn, part, part.columns[number])
        for each in values:
            count += conn.execute(statement, each).rowcount
    _hide_words(conn, part.table, bared)
    is_last = len(found) < BATCH
    return Batch(
        count=count,
        unread=unread,
        last=None if is_last else tuple(found[-1][: len(part.key)]),
    )


def drop_caches(conn: Connection, cipher: Cipher) -> int:
    """Let go of cached values that are not encrypted with the newest key: they are made anew."""
    kind = cache_entries.c.encoding
    stale = and_(kind != "claim", ~kind.endswith(f"{KIND_MARK}{cipher.newest}"))
    return conn.execute(delete(cache_entries).where(stale)).rowcount


def forget_words(conn: Connection) -> None:
    """Let the index of words keep nothing of texts that it has no longer; one file's index alone does."""
    if conn.dialect.name == "sqlite":
        conn.execute(sql("INSERT INTO search_words(search_words) VALUES ('optimize')"))


def _raw(conn: Connection, column: Column[Any]) -> ColumnElement[str]:
    """The column's text as it is stored."""
    if isinstance(column.type, SealedJson) and conn.dialect.name == "postgresql":
        return cast(column, Text)
    return type_coerce(column, Text())


def _begins(column: Column[Any]) -> str:
    return SEALED_JSON if isinstance(column.type, SealedJson) else SEALED_TEXT


def _has_value(raw: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(raw.is_not(None), raw != "null", raw != "")


def _is_sealed(raw: ColumnElement[str], begins: str) -> ColumnElement[bool]:
    has = func.substr(raw, 1, len(begins)) == begins
    return and_(has, func.substr(raw, len(begins) + 1, 1) != "=")  # that only looks like it


def _is_stale(conn: Connection, column: Column[Any], cipher: Cipher) -> ColumnElement[bool]:
    raw, newest = _raw(conn, column), f"{_begins(column)}{cipher.newest}:"
    return and_(_has_value(raw), func.substr(raw, 1, len(newest)) != newest)


def _wants(kept: str, column: Column[Any], cipher: Cipher) -> bool:
    return kept not in ("", "null") and not kept.startswith(f"{_begins(column)}{cipher.newest}:")


def _sealed_anew(kept: str, column: Column[Any], cipher: Cipher) -> str:
    if isinstance(column.type, SealedWords):
        return SealedWords.wrap(SealedWords.unwrap(kept, cipher), cipher)
    value = json.loads(kept)
    if kept.startswith(f"{SEALED_JSON[:-1]}"):
        value = SealedJson.unwrap(value, cipher)
    return json.dumps(SealedJson.wrap(value, cipher), separators=(",", ":"))


def _place(place: Sequence[Any]) -> dict[str, Any]:
    return {f"of_{n}": value for n, value in enumerate(place)}


def _change(conn: Connection, part: Part, column: Column[Any]) -> Any:
    new: ColumnElement[Any] = bindparam("new", type_=Text())
    if isinstance(column.type, SealedJson) and conn.dialect.name == "postgresql":
        new = cast(new, JSON)
    here = [key == bindparam(f"of_{n}", type_=key.type) for n, key in enumerate(part.key)]
    as_read = _raw(conn, column) == bindparam("old", type_=Text())
    # By the name: the column's own type would encrypt once more.
    return update(part.table).where(*here, as_read).values({column.name: type_coerce(new, Text())})


_WORDS: Mapping[str, tuple[About, str, tuple[str, ...]]] = {
    approvals.name: (About.APPROVAL, "approval_id thread_id run_id", ("workflow", "node")),
    runs.name: (About.RUN, "run_id thread_id", ("workflow", "created_by", "variant", "error_type")),
}


def _hide_words(conn: Connection, table: Table, places: Sequence[Place]) -> None:
    """Let what was encrypted just now be found by its names alone."""
    if table.name not in _WORDS or not places:
        return
    about, ids, names = _WORDS[table.name]
    key = next(iter(table.primary_key))
    columns = [*(table.c[name] for name in (*ids.split(), *names))]
    found = conn.execute(select(*columns).where(key.in_([place[0] for place in places])))
    searching.put(conn, about, list(_bare_words(found.mappings(), ids.split(), names)))


def _bare_words(rows: Any, ids: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for row in rows:
        words = searching.texts_of(*(row[name] for name in names))
        yield row[ids[0]], f"{searching.ids_of(*(row[name] for name in ids))} {words}"
