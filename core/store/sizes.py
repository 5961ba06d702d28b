"""How large the databases are, as their files or their server say; no row is counted."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

_SIZE = text("SELECT pg_database_size(current_database())")
_SESSIONS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
_MOST = text("SELECT setting::int FROM pg_settings WHERE name = 'max_connections'")


def file_bytes(path: Path) -> int:
    """A SQLite file with what it has not taken in yet; 0 where there is none."""
    return sum(_bytes(path.with_name(path.name + end)) for end in ("", "-wal"))


def folder_bytes(path: Path) -> int:
    """All files of a folder, not of those within it."""
    try:
        return sum(_bytes(entry) for entry in path.iterdir())
    except OSError:
        return 0


def server_bytes(conn: Connection) -> int:
    """A database on Postgres, its indexes included."""
    return int(conn.execute(_SIZE).scalar_one())


def server_sessions(conn: Connection) -> tuple[int, int]:
    """How many sessions are open on this database, and how many its server allows on all."""
    return int(conn.execute(_SESSIONS).scalar_one()), int(conn.execute(_MOST).scalar_one())


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
