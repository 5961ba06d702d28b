"""The types of our columns: what goes in is made storable or refused, what comes out is the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from interlock.core.store import encoding


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on both databases; SQLite itself keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002  # SQLAlchemy's signature
    ) -> datetime | None:
        """Refuse a naive datetime, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A datetime without a time zone cannot be stored.")
        return value.astimezone(UTC)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002  # SQLAlchemy's signature
    ) -> datetime | None:
        """Give back an aware UTC datetime."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """
    Text that was observed: a node's name, an error's message, what an agent wrote.

    It must never keep the record of a run from being written, so what Postgres would refuse (NUL,
    half a surrogate pair, more characters than `length`) is replaced and cut on both databases.
    """

    impl = Text
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self.length = length

    def load_dialect_impl(
        self,
        dialect: Dialect,  # noqa: ARG002  # SQLAlchemy's signature
    ) -> TypeEngine[Any]:
        """TEXT, or VARCHAR where there is a length."""
        return Text() if self.length is None else String(self.length)

    def process_bind_param(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002  # SQLAlchemy's signature
    ) -> str | None:
        """Make it storable."""
        return None if value is None else self.clean(value)

    def clean(self, value: str) -> str:
        """The text as the column will hold it."""
        return encoding.storable_text(value, length=self.length)


class JsonText(TypeDecorator[Any]):
    """JSON on SQLite: a TEXT column, as in a JSON one `1.0` would become the number 1."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self,
        value: Any,
        dialect: Dialect,  # noqa: ARG002  # SQLAlchemy's signature
    ) -> str:
        """Write JSON; None is `null`."""
        return encoding.dump_json(value)

    def process_result_value(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002  # SQLAlchemy's signature
    ) -> Any:
        """Read JSON."""
        return None if value is None else encoding.load_json(value)
