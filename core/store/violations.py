"""
Turns what the two drivers raise into our errors: broken constraints by name, an absent database by cause.

SQLite names the columns of a broken unique constraint, not the constraint; the tables tell which it is.
"""

from __future__ import annotations

import re
import sqlite3

from sqlalchemy import (
    ExceptionContext,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
    exc,
)
from sqlalchemy.schema import ColumnCollectionConstraint

from interlock.core.errors import (
    Conflict,
    InterlockError,
    InvalidInput,
    StoreBusy,
    StoreUnavailable,
)
from interlock.core.store import schema

# What a broken constraint means to whoever made the call.
MEANINGS = {
    "uq_decisions_one_answer": "This version of the card has been decided already.",
    "uq_approvals_question": "This question has a card already.",
    "uq_runs_queued_resume": "This thread has a queued run already that further decisions join.",
    "pk_holds": "It is held already.",
    "procrastinate_jobs_lock_idx_v1": "Another job with the same lock is being carried out.",
    "uq_jobs_one_doing": "Another job with the same lock is being carried out.",
}
_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_CHECK = re.compile(r"CHECK constraint failed: (\w+)")
_MISSING_TABLE = re.compile(
    r"no such (?:table|column)|relation .* does not exist|column .* does not exist"
)
_SQLITE_OUTAGES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}
_NOT_ALLOWED = "42501"  # Postgres: insufficient_privilege
# Postgres: deadlock_detected, serialization_failure, lock_not_available
_BUSY = {"40P01", "40001", "55P03"}


def translate(context: ExceptionContext) -> BaseException | None:
    """Give the error to raise instead; None lets SQLAlchemy's own through (it is a mistake of ours)."""
    error = context.sqlalchemy_exception
    if isinstance(context.original_exception, UnicodeEncodeError):
        return InvalidInput("The database cannot store half a surrogate pair, which is no text.")
    if not isinstance(error, exc.DBAPIError):
        return None
    text = str(error.orig).strip()
    if isinstance(error, exc.IntegrityError):
        return _broken_constraint(error, text)
    if isinstance(error, exc.DataError):
        return InvalidInput(f"The database cannot store this value: {_first_line(text)}.")
    if _MISSING_TABLE.search(text):
        return StoreUnavailable(
            f"The database does not have the tables of this version ({_first_line(text)}).",
            hint="Run `interlock db upgrade`.",
        )
    code = getattr(error.orig, "sqlstate", None)
    if code in _BUSY:
        return StoreBusy(
            f"Others are changing the same at this moment ({_first_line(text)}); nothing was changed.",
            hint="Try again.",
        )
    if code == _NOT_ALLOWED:
        return StoreUnavailable(
            f"The database role of this process may not do that: {_first_line(text)}.",
            hint="Grant it as docs/database-roles.md says, after each `interlock db upgrade`.",
        )
    if _is_outage(error):
        return StoreUnavailable(f"The database does not answer: {_first_line(text)}.")
    return None


def _is_outage(error: exc.DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_OUTAGES  # the low byte is the kind, the rest details
    is_operational = isinstance(error, exc.OperationalError | exc.InterfaceError)
    return is_operational or error.connection_invalidated


def _broken_constraint(error: exc.IntegrityError, text: str) -> InterlockError:
    name = _constraint_name(error, text)
    if name is None or name.startswith("fk_"):
        return Conflict("What this belongs to is not there (any more).")
    if name in MEANINGS:
        return Conflict(MEANINGS[name])
    if name.startswith(("uq_", "pk_")):
        return Conflict(f"There is one already ({name}).")
    return InvalidInput(f"The database refuses this value ({name}).")


def _constraint_name(error: exc.IntegrityError, text: str) -> str | None:
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        named: str | None = diagnosis.constraint_name or diagnosis.column_name
        return named
    if found := _UNIQUE.search(text):
        return _UNIQUE_COLUMNS.get(found[1], found[1])
    if found := _CHECK.search(text):
        return found[1]
    return None if "FOREIGN KEY" in text else text


def _unique_columns() -> dict[str, str]:
    names: dict[str, str] = {}
    for table in schema.metadata.tables.values():
        unique: list[ColumnCollectionConstraint | Index] = [
            item
            for item in table.constraints
            if isinstance(item, UniqueConstraint | PrimaryKeyConstraint)
        ]
        unique += [index for index in table.indexes if index.unique]
        for item in unique:
            columns = ", ".join(f"{table.name}.{column.name}" for column in item.columns)
            names[columns] = str(item.name)
    return names


def _first_line(text: str) -> str:
    return text.splitlines()[0].rstrip(".") if text else "no reason given"


_UNIQUE_COLUMNS = _unique_columns()
