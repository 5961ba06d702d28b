from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from interlock.core.errors import StoreUnavailable
from interlock.core.store import engine as engines
from interlock.core.store import migrating, runs, schema, searching
from interlock.core.store.searching import About


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request, tmp_path) -> Iterator[Engine]:
    """An engine on a database without tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        url = request.getfixturevalue("empty_postgres_url")
    opened = engines.open_engine(url)
    yield opened
    opened.dispose()


def test_the_schema_names_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(migrating.FOLDER))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.REVISION]


def test_migrated_tables_are_those_of_the_metadata(engine):
    migrated = _describe(engine)
    with engines.write(engine) as conn:
        schema.metadata.drop_all(conn)
        schema.metadata.create_all(conn)
    assert _describe(engine) == migrated


def test_what_was_kept_before_a_step_is_there_after_it_and_after_the_way_back(empty):
    with engines.rebuild(empty) as conn:
        _step(conn, command.upgrade, "0001")
        conn.execute(
            text(
                "INSERT INTO threads (thread_id, workflow, created_at, updated_at)"
                " VALUES ('t1', 'refunds', '2026-01-05 09:30:00', '2026-01-05 09:30:00')"
            )
        )
        conn.execute(
            text(
                "INSERT INTO runs (run_id, thread_id, workflow, kind, status, options, priority,"
                " created_at, created_by, reason, deliveries) VALUES ('r1', 't1', 'refunds', 'start',"
                " 'done', '{}', 0, '2026-01-05 09:30:00', 'ann', '', 0)"
            )
        )
        conn.execute(text("UPDATE runs SET input = :given"), {"given": '{"order": "Zoë 991"}'})
    assert migrating.upgrade(empty) == schema.REVISION
    with engines.read(empty) as conn:
        run = runs.fetch(conn, "r1")
        found = searching.matching(conn, About.RUN, "zoe 991 ann r1")
        assert conn.execute(found).scalars().all() == ["r1"]
    assert (run.created_by, run.variant, run.batch_id) == ("ann", "", None)
    with engines.rebuild(empty) as conn:
        _step(conn, command.downgrade, "0001")
        assert conn.execute(text("SELECT created_by FROM runs")).scalars().all() == ["ann"]


def _step(conn, move, revision):
    config = Config(attributes={"connection": conn})
    config.set_main_option("script_location", str(migrating.FOLDER))
    config.set_main_option("path_separator", "os")
    move(config, revision)


def test_a_shared_database_without_tables_is_refused_with_the_command_to_run(empty):
    with pytest.raises(StoreUnavailable, match="interlock db upgrade"):
        migrating.ensure_schema(empty, settings_is_embedded=False)


def test_an_embedded_database_gets_its_tables_by_itself(tmp_path):
    opened = engines.open_engine(f"sqlite:///{tmp_path / 'new' / 'app.db'}")
    migrating.ensure_schema(opened, settings_is_embedded=True)
    with engines.read(opened) as conn:
        assert conn.execute(text("SELECT count(*) FROM runs")).scalar_one() == 0
    opened.dispose()


def test_a_new_database_is_not_backed_up(tmp_path):
    opened = engines.open_engine(f"sqlite:///{tmp_path / 'app.db'}")
    migrating.ensure_schema(opened, settings_is_embedded=True)
    opened.dispose()
    assert [tmp_path / "app.db"] == list(tmp_path.iterdir())


def test_a_newer_database_is_refused_and_left_alone(engine):
    _set_revision(engine, "9999")
    for is_embedded in (True, False):
        with pytest.raises(StoreUnavailable, match="newer"):
            migrating.ensure_schema(engine, settings_is_embedded=is_embedded)
    with pytest.raises(StoreUnavailable, match="newer"):
        migrating.upgrade(engine)


def test_an_older_embedded_database_is_backed_up_before_it_is_changed(sqlite_url, monkeypatch):
    opened = engines.open_engine(sqlite_url)
    with engines.write(opened) as conn:
        conn.execute(text("INSERT INTO topics VALUES ('runs', 7)"))
    was = schema.REVISION
    monkeypatch.setattr(schema, "REVISION", "9998")
    monkeypatch.setattr(
        migrating, "_carry_out", lambda conn: conn.execute(text("DELETE FROM topics"))
    )
    migrating.ensure_schema(opened, settings_is_embedded=True)
    backup = migrating.backup_path(opened, was)
    opened.dispose()
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("SELECT name, head FROM topics").fetchall() == [("runs", 7)]
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [(was,)]


def test_an_upgrade_that_fails_changes_nothing(empty, monkeypatch):
    def fail_halfway(conn):
        conn.execute(text("CREATE TABLE half (id INTEGER)"))
        raise ValueError("no more")

    monkeypatch.setattr(migrating, "_carry_out", fail_halfway)
    with pytest.raises(ValueError, match="no more"):
        migrating.upgrade(empty)
    assert _describe(empty) == {}


def test_several_upgrades_at_once_end_in_one(empty):
    others = [engines.open_engine(empty.url.render_as_string(False)) for _ in range(3)]
    found, start = [], threading.Barrier(len(others))

    def upgrade(opened):
        start.wait()
        found.append(migrating.upgrade(opened))
        opened.dispose()

    threads = [threading.Thread(target=upgrade, args=(opened,)) for opened in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [schema.REVISION] * 3


def test_foreign_keys_hold_again_after_an_upgrade(sqlite_url, monkeypatch):
    opened = engines.open_engine(sqlite_url)
    monkeypatch.setattr(schema, "REVISION", "9998")
    monkeypatch.setattr(migrating, "_carry_out", lambda conn: None)
    migrating.upgrade(opened)
    with engines.write(opened) as conn:
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    opened.dispose()


def test_an_upgrade_that_orphans_rows_is_refused(sqlite_url, monkeypatch):
    orphan = "INSERT INTO run_events (run_id, seq, kind, path, at) VALUES ('gone', 1, '', '', '')"
    opened = engines.open_engine(sqlite_url)
    monkeypatch.setattr(schema, "REVISION", "9998")
    monkeypatch.setattr(migrating, "_carry_out", lambda conn: conn.execute(text(orphan)))
    with pytest.raises(StoreUnavailable, match="belong"):
        migrating.upgrade(opened)
    with engines.read(opened) as conn:
        assert conn.execute(text("SELECT count(*) FROM run_events")).scalar_one() == 0
    opened.dispose()


def test_the_migrations_are_part_of_the_package():
    shipped = {path.name for path in Path(migrating.FOLDER).iterdir()}
    assert {"__init__.py", "env.py", "script.py.mako", "versions"} <= shipped


def _set_revision(engine: Engine, revision: str) -> None:
    with engines.write(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})


def _describe(engine: Engine) -> dict[str, object]:
    """Every table, index and constraint, down to the spelling the database keeps."""
    queries = _SQLITE if engine.dialect.name == "sqlite" else _POSTGRES
    with engines.read(engine) as conn:
        rows = [row for query in queries for row in conn.execute(text(query)).all()]
    return {row[0]: _normal(row[1]) for row in rows if "alembic_version" not in row[0]}


def _normal(definition: str | None) -> object:
    # The order in which a table's constraints were named means nothing.
    return sorted(re.split(r",\s(?=CONSTRAINT)|\s*\)$", " ".join((definition or "").split())))


_SQLITE = [
    "SELECT type || ' ' || name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_autoindex_%'"
]
_POSTGRES = [
    """
    SELECT 'index ' || indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    """,
    """
    SELECT 'column ' || c.relname || '.' || a.attname,
        format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || a.attnum
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    """,
    """
    SELECT 'constraint ' || conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
]
