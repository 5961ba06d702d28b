"""The table of the words that cards and runs are found by, with its index on each database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import DDL, BigInteger, Column, Integer, String, Table, UniqueConstraint, event

from interlock.core.store import search_index
from interlock.core.store.columns import Words
from interlock.core.store.schema_base import id_type, metadata

# What cards and runs are found by: their words in one form. The key is a number of its own, as the
# index on SQLite refers to rows by number and those of other tables may change.
search_texts = Table(
    "search_texts",
    metadata,
    Column(
        "text_id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("about", String(20), nullable=False),
    Column("object_id", id_type(), nullable=False),
    Column("words", Words(), nullable=False),
    UniqueConstraint("about", "object_id", name="uq_search_texts_object"),
)


def _on(moment: str, statements: Mapping[str, Sequence[str]]) -> None:
    for name, spelled in statements.items():
        for statement in spelled:
            ddl: Any = DDL(statement)  # type: ignore[no-untyped-call]
            event.listen(search_texts, moment, ddl.execute_if(dialect=name))


_on("after_create", search_index.CREATE)
_on("before_drop", search_index.DROP)
