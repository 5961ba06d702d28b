"""What all tables are made of: the metadata with its names of constraints, and three kinds of columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, MetaData, String

from interlock.core.store.columns import JsonText, SealedJson

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def json_type() -> Any:
    """Any JSON, its keys in their order."""
    # Not JSONB: it would reorder the keys (a form follows its schema) and refuse NUL in a text.
    return JSON(none_as_null=False).with_variant(JsonText(), "sqlite")


def sealed_type() -> Any:
    """Any JSON that somebody's work is made of: encrypted where there are keys."""
    return SealedJson()


def id_type() -> Any:
    """An id, ours or LangGraph's."""
    return String(200)
