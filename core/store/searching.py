"""
Finding cards and runs by words.

Both databases are given the words in one form (no case, no accents, nothing but letters and digits),
so that they find the same. All words looked for must occur, each as the beginning of a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, column, func, select, table, update
from sqlalchemy.dialects import postgresql, sqlite

from interlock.core.store.columns import cipher_of
from interlock.core.store.dialect import PerDialect
from interlock.core.store.schema import search_texts
from interlock.core.types import Json

MAX_TEXT = 2_000  # characters of one object that are looked through: each costs a writer's time
MAX_PART = (
    500  # characters of one of its texts, so that a picture in letters leaves room for others
)
MAX_WORD = 100  # characters; a longer one is found by its beginning
MAX_WORDS = 12  # looked for at once
TAIL = 8  # characters of an id as screens show it

_GAPS = re.compile(r"[\W_]+")


class About(StrEnum):
    """What a text belongs to."""

    APPROVAL = "approval"
    RUN = "run"


def _upsert(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=["about", "object_id"], set_={"words": insert.excluded.words}
    )


_PUT = PerDialect(
    {
        "sqlite": _upsert(sqlite.insert(search_texts)),
        "postgresql": _upsert(postgresql.insert(search_texts)),
    }
)
_ADD = (
    update(search_texts)
    .where(
        search_texts.c.about == bindparam("of_about"),
        search_texts.c.object_id == bindparam("of_id"),
    )
    .values(words=search_texts.c.words + bindparam("more", type_=Text()))
)
_SEARCH_WORDS = table("search_words", column("rowid"), column("search_words"))


def is_by_content(conn: Connection) -> bool:
    """
    Whether objects are found by what somebody's work is made of, too.

    Not where it is encrypted: the index would tell it to whoever reads the database.
    """
    return cipher_of(conn.dialect) is None


def put(conn: Connection, about: About, texts: Iterable[tuple[str, str]]) -> None:
    """Let objects, by id, be found by these texts; what was known of them before is replaced."""
    rows = [
        {"about": about.value, "object_id": object_id, "words": " ".join(split(text))}
        for object_id, text in sorted(texts)  # in one order: nobody waits for each other
    ]
    if rows:
        conn.execute(_PUT.on(conn), rows)


def add(conn: Connection, about: About, texts: Iterable[tuple[str, str]]) -> None:
    """Let known objects be found by these texts, too."""
    rows = [
        {"of_about": about.value, "of_id": object_id, "more": " " + " ".join(split(text))}
        for object_id, text in sorted(texts)
    ]
    if rows:
        conn.execute(_ADD, rows)


def matching(conn: Connection, about: About, wanted: str) -> Select[Any] | None:
    """
    The ids of what is found, to be used as a condition: `runs.c.run_id.in_(...)`.

    Returns:
        None where nothing is looked for: the text has no letter and no digit.
    """
    words = list(split(wanted))[:MAX_WORDS]
    if not words:
        return None
    ids = select(search_texts.c.object_id).where(search_texts.c.about == about.value)
    if conn.dialect.name == "sqlite":
        query = " ".join(f'"{word}"*' for word in words)
        found = select(_SEARCH_WORDS.c.rowid).where(_SEARCH_WORDS.c.search_words.match(query))
        return ids.where(search_texts.c.text_id.in_(found))
    query = " & ".join(f"{word}:*" for word in words)
    vector = func.to_tsvector("simple", search_texts.c.words)
    return ids.where(vector.bool_op("@@")(func.to_tsquery("simple", query)))


def texts_of(*values: Json) -> str:
    """All texts and numbers within some values, as far as they are looked through."""
    found: list[str] = []
    length = 0
    for text in _walk(values):
        found.append(text[:MAX_PART])
        length += len(found[-1]) + 1
        if length >= MAX_TEXT:
            break
    return " ".join(found)[:MAX_TEXT]


def ids_of(*ids: str) -> str:
    """Ids as they are looked for: whole, or by the end that screens show."""
    return " ".join(f"{each} {each[-TAIL:]}" for each in ids)


def split(text: str) -> Iterator[str]:
    """The words of a text in the one form, each once."""
    plain = unicodedata.normalize("NFKD", text[:MAX_TEXT]).casefold()
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    seen: set[str] = set()
    for word in _GAPS.split(kept):
        if word and (cut := word[:MAX_WORD]) not in seen:
            seen.add(cut)
            yield cut


def _walk(values: Iterable[Json]) -> Iterator[str]:
    """Texts and numbers in order, however deep; without recursion, as a payload may be any depth."""
    waiting: list[Json] = list(values)[::-1]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, list | tuple):
            waiting.extend(reversed(value))
        elif value is not None and not isinstance(value, bool):
            yield str(value)
