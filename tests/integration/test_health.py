"""Health is told, whatever is wrong with the database."""

from __future__ import annotations

import os
import sqlite3

import pytest

from interlock.core.services import health, presence
from interlock.core.store import engine, migrating


def hurt_header(path):
    with path.open("r+b") as file:
        file.write(b"this is no database at all".ljust(100, b"."))


def hurt_pages(path):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(size - 100))


def cut(path):
    os.truncate(path, 5000)


def empty(path):
    os.truncate(path, 0)


def remove(path):
    path.unlink()


def make_it_a_folder(path):
    path.unlink()
    path.mkdir()


def put_nonsense_into_rows(path):
    with sqlite3.connect(path) as conn:
        conn.execute(
            "INSERT INTO workers (worker_id, host, pid, status, concurrency, project, started_at,"
            " heartbeat_at) VALUES ('w', 'h', 1, 'no status', 1, '', 'never', '9999-no-date')"
        )
    conn.close()


def drop_tables(path):
    with sqlite3.connect(path) as conn:
        conn.execute("DROP TABLE workers")
    conn.close()


HURTS = [
    hurt_header,
    hurt_pages,
    cut,
    empty,
    remove,
    make_it_a_folder,
    put_nonsense_into_rows,
    drop_tables,
]


@pytest.mark.parametrize("hurt", HURTS, ids=lambda hurt: hurt.__name__)
@pytest.mark.parametrize("is_open", [True, False])
def test_a_broken_database_is_unhealthy_and_nothing_is_raised(app, hurt, is_open):
    path = app.settings.data_dir / "app.db"
    if is_open:
        assert health.check(app).checks["database"].ok
    app.engine.dispose()
    for name in ("app.db-wal", "app.db-shm"):
        path.with_name(name).unlink(missing_ok=True)
    hurt(path)
    found = health.check(app)
    assert not found.healthy
    assert not found.checks["database"].ok
    assert found.checks["database"].message


def test_a_locked_database_still_answers_a_look(app):
    path = app.settings.data_dir / "app.db"
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        assert health.check(app).checks["database"].ok


def test_a_pool_without_connections_is_unhealthy(app, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0)
    monkeypatch.setattr(app.engine.pool, "_timeout", 0)
    held = [app.engine.connect() for _ in range(engine.POOL_SIZE + engine.POOL_OVERFLOW)]
    try:
        assert "in use" in health.check(app).checks["database"].message
    finally:
        for conn in held:
            conn.close()


def test_what_is_there_is_counted(app):
    presence.publish(app, [])
    migrating.ensure_schema(app.engine, True)
    found = health.check(app)
    assert not found.healthy
    assert found.checks["workers"].message == "0 alive"
    assert found.checks["workflows"].message == "0 loaded, 0 failed to load"
