"""The types of our columns: what goes in is made storable or refused, what comes out is the same on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Engine, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from interlock.core.ciphers import Cipher, unseal
from interlock.core.errors import InterlockError, KeyMissing, SealBroken
from interlock.core.store import encoding

ENVELOPE = "$enc"  # the only key of the object that an encrypted JSON value is kept as
SEALED_JSON = f'{{"{ENVELOPE}":"'  # how its text begins
SEALED_TEXT = f"{ENVELOPE}:"  # how an encrypted text begins
PLAIN_TEXT = f"{SEALED_TEXT}="  # how a text begins that only looks like one


def use_cipher(engine: Engine, cipher: Cipher | None) -> None:
    """Let the sealed columns of this engine's connections be encrypted."""
    engine.dialect.interlock_cipher = cipher  # type: ignore[attr-defined]


def cipher_of(dialect: Dialect) -> Cipher | None:
    """The keys that the connections of this dialect were given."""
    found: Cipher | None = getattr(dialect, "interlock_cipher", None)
    return found


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


class SealedJson(TypeDecorator[Any]):
    """
    JSON that is encrypted at rest where there are keys: kept as `{"$enc": "<key>:<token>"}`.

    What was kept before there were keys reads as it is. A value of somebody's that has that very shape
    is kept within a list, so that nobody can have another's value decrypted in its place.
    """

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """TEXT on SQLite as `JsonText`, JSON on Postgres."""
        return Text() if dialect.name == "sqlite" else JSON(none_as_null=False)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Encrypt, where there are keys; on SQLite it is written as JSON, too."""
        kept = self.wrap(value, cipher_of(dialect))
        return encoding.dump_json(kept) if dialect.name == "sqlite" else kept

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Decrypt what is encrypted; on SQLite it is read from JSON first."""
        if value is None:
            return None
        kept = encoding.load_json(value) if dialect.name == "sqlite" else value
        return self.unwrap(kept, cipher_of(dialect)) if _is_envelope(kept) else kept

    @staticmethod
    def wrap(value: Any, cipher: Cipher | None) -> Any:
        """The value as the column keeps it; null stays null."""
        if cipher is None:
            return {ENVELOPE: [value]} if _is_envelope(value) else value
        if value is None:
            return None
        return {ENVELOPE: cipher.seal(encoding.dump_json(value).encode())}

    @staticmethod
    def unwrap(kept: Any, cipher: Cipher | None) -> Any:
        """The value that an envelope holds."""
        inside = kept[ENVELOPE]
        if isinstance(inside, str):
            return encoding.load_json(unseal(cipher, inside))
        return inside[0] if isinstance(inside, list) and len(inside) == 1 else kept


@dataclass(frozen=True)
class Unread:
    """Stands for a value that could not be decrypted, and says why."""

    error: InterlockError


class SealedOrUnread(SealedJson):
    """To read with: a value that cannot be decrypted comes as `Unread`, and the others of its row beside it."""

    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Decrypt what is encrypted, where that can be done."""
        try:
            return super().process_result_value(value, dialect)
        except (KeyMissing, SealBroken) as exc:
            return Unread(exc)


class SealedWords(Words):
    """Observed text that is encrypted at rest where there are keys: kept as `$enc:<key>:<token>`."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Make it storable, and encrypt it; an empty text stays empty."""
        return None if value is None else self.wrap(self.clean(value), cipher_of(dialect))

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Decrypt what is encrypted."""
        return None if value is None else self.unwrap(value, cipher_of(dialect))

    @staticmethod
    def wrap(value: str, cipher: Cipher | None) -> str:
        """The text as the column keeps it."""
        if cipher is None:
            return PLAIN_TEXT + value if value.startswith(SEALED_TEXT) else value
        return SEALED_TEXT + cipher.seal(value.encode()) if value else value

    @staticmethod
    def unwrap(kept: str, cipher: Cipher | None) -> str:
        """The text that the column keeps."""
        if not kept.startswith(SEALED_TEXT):
            return kept
        if kept.startswith(PLAIN_TEXT):
            return kept.removeprefix(PLAIN_TEXT)
        return unseal(cipher, kept.removeprefix(SEALED_TEXT)).decode()


class JsonHead(TypeDecorator[Any]):
    """The fields of a JSON object that stand before one of its keys, where the rest was cut off as text."""

    impl = Text
    cache_ok = True

    def __init__(self, before: str) -> None:
        super().__init__()
        self.before = before

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read what is there; what is encrypted comes whole and is cut here."""
        if value is None:
            return None
        if not value.startswith(SEALED_JSON):
            return encoding.load_json(value + "}")
        whole = SealedJson.unwrap(encoding.load_json(value), cipher_of(dialect))
        return dict(takewhile(lambda item: item[0] != self.before, whole.items()))


def is_json(kind: TypeEngine[Any]) -> bool:
    """Whether a column of this type holds JSON."""
    return isinstance(kind, JSON | JsonText | SealedJson)


def _is_envelope(value: Any) -> bool:
    return type(value) is dict and len(value) == 1 and ENVELOPE in value
