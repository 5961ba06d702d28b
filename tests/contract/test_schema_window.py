"""Tables one step ahead of the program: which it runs on, and what a step may do (docs/upgrades.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from interlock.core.errors import StoreUnavailable
from interlock.core.store import engine as engines
from interlock.core.store import migrating, runs, schema, window
from interlock.core.store.window import Window
from tests.schema_steps import find_faults, read_shape

SECOND = "9998"  # a release after this one
THIRD = "9999"


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


def test_an_upgrade_notes_which_programs_the_tables_serve(engine):
    with engines.read(engine) as conn:
        assert window.fetch(conn) == Window(schema.REVISION, schema.SERVES_FROM)


@pytest.mark.parametrize("is_embedded", [True, False])
def test_a_program_runs_on_the_tables_of_the_release_after_it(engine, make, is_embedded, caplog):
    caplog.set_level("INFO")
    _become(engine, Window(SECOND, schema.REVISION))
    migrating.ensure_schema(engine, settings_is_embedded=is_embedded)
    assert [r.tables for r in caplog.records if r.msg == "schema_ahead"] == [SECOND]
    assert migrating.upgrade(engine) == SECOND, "what a roll-back runs first is no failure"
    with engines.write(engine) as conn:
        make.put_run(conn, "r1")
    with engines.read(engine) as conn:
        assert runs.fetch(conn, "r1").created_by == "ann"
        assert window.fetch(conn) == Window(SECOND, schema.REVISION)


@pytest.mark.parametrize("serves_from", [SECOND, None])
def test_a_program_is_refused_by_tables_two_releases_after_it(engine, serves_from):
    _become(engine, Window(THIRD, serves_from))
    for act in (
        lambda: migrating.ensure_schema(engine, settings_is_embedded=False),
        lambda: migrating.upgrade(engine),
    ):
        with pytest.raises(StoreUnavailable, match="pip install --upgrade") as refused:
            act()
        assert f"serve programs from {serves_from or THIRD} on" in str(refused.value)


def test_the_upgrade_of_a_later_release_moves_the_window(engine, monkeypatch):
    monkeypatch.setattr(schema, "SERVES_FROM", schema.REVISION)
    monkeypatch.setattr(schema, "REVISION", SECOND)
    monkeypatch.setattr(migrating, "_carry_out", _pretend)
    assert migrating.upgrade(engine) == SECOND
    with engines.read(engine) as conn:
        found = window.fetch(conn)
    assert [found.serves(each) for each in ("0001", schema.SERVES_FROM, SECOND, THIRD)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("is_script", [False, True])  # a script goes to the driver itself
def test_an_upgrade_stands_aside_while_somebody_reads_for_long(
    postgres_url, monkeypatch, is_script
):
    opened = engines.open_engine(postgres_url)
    monkeypatch.setattr(schema, "REVISION", SECOND)
    monkeypatch.setattr(migrating, "LOCK_S", 0.05)
    monkeypatch.setattr(migrating, "LOCK_PAUSE_S", 0)
    monkeypatch.setattr(migrating, "LOCK_TRIES", 2)
    tries = []

    def change(conn) -> None:
        tries.append(1)
        script = "ALTER TABLE runs ADD COLUMN more INTEGER"
        if is_script:
            conn.connection.driver_connection.execute(script)
        else:
            conn.execute(text(script))
        _pretend(conn)

    monkeypatch.setattr(migrating, "_carry_out", change)
    with engines.read(opened) as reader:
        reader.execute(text("SELECT count(*) FROM runs"))
        with pytest.raises(StoreUnavailable, match="in use all the time"):
            migrating.upgrade(opened)
    assert len(tries) == 2
    assert migrating.upgrade(opened) == SECOND
    opened.dispose()


def test_tables_from_before_windows_serve_their_own_program_alone(engine):
    with engines.write(engine) as conn:
        conn.execute(text("DROP TABLE schema_window"))
    migrating.ensure_schema(engine, settings_is_embedded=False)
    _set_revision(engine, SECOND)
    with pytest.raises(StoreUnavailable, match=f"from {SECOND} on"):
        migrating.ensure_schema(engine, settings_is_embedded=False)


def test_migrations_since_the_release_before_only_add(empty):
    """A step that takes away names the revision since which no program uses it: `UNUSED_SINCE`."""
    steps = list(reversed(list(_scripts().iterate_revisions("head", schema.SERVES_FROM))))
    with engines.rebuild(empty) as conn:
        _step(conn, schema.SERVES_FROM)
        before = read_shape(conn)
        assert "runs" in before.columns
        for step in steps:
            _step(conn, step.revision)
            after = read_shape(conn)
            if not _may_take_away(step.module):
                widens = getattr(step.module, "WIDENS", ())
                assert find_faults(before, after, widens=widens) == [], step.revision
            before = after


def _may_take_away(module) -> bool:
    return getattr(module, "UNUSED_SINCE", schema.REVISION + "9") <= schema.SERVES_FROM


BREAKING = {
    "ALTER TABLE tours DROP COLUMN step": "tours.step is gone",
    "ALTER TABLE tours RENAME TO subjects": "tours is gone",
    "ALTER TABLE tours RENAME COLUMN step TO stage": "tours.step is gone",
    "CREATE UNIQUE INDEX uq_tours_head ON tours (step)": "unique over step",
}
BREAKING_ON_POSTGRES = {
    "ALTER TABLE tours ADD COLUMN more INTEGER NOT NULL": "no default of the server",
    "ALTER TABLE demonstrations ALTER COLUMN filled_at SET NOT NULL": "takes no null any more",
    "ALTER TABLE demonstrations ALTER COLUMN seed TYPE INTEGER": "and is INTEGER",
    "ALTER TABLE tours ALTER COLUMN actor TYPE VARCHAR(5)": "and is VARCHAR(5)",
    "ALTER TABLE tours ADD CONSTRAINT ck_low CHECK (step <> step)": "ck_low",
}
TOUCHED = ("tours", "subjects", "demonstrations", "more")  # all tables take seconds
HARMLESS = (
    "CREATE TABLE more (id INTEGER PRIMARY KEY, name VARCHAR(5) NOT NULL)",
    "ALTER TABLE tours ADD COLUMN more INTEGER",
    "ALTER TABLE tours ADD COLUMN more INTEGER NOT NULL DEFAULT 5",
    "CREATE INDEX ix_tours_head ON tours (step)",
)


def test_the_rule_for_migrations_finds_what_takes_away(engine):
    on_postgres = engine.dialect.name == "postgresql"
    for statement, told in (BREAKING | (BREAKING_ON_POSTGRES if on_postgres else {})).items():
        assert told in " ".join(_faults_of(engine, statement)), statement
    for statement in HARMLESS:
        assert _faults_of(engine, statement) == []


def test_a_check_that_admits_more_is_named_by_its_step(engine):
    with engines.read(engine) as conn:
        before = read_shape(conn, ("runs",))
    (check,) = (rule for rule in before.rules["runs"] if rule.startswith("ck_runs_status"))
    wider = before.rules["runs"] - {check} | {check.replace("'done'", "'done', 'lost'")}
    after = replace(before, rules={"runs": wider})
    assert "ck_runs_status" in " ".join(find_faults(before, after))
    assert find_faults(before, after, widens=("ck_runs_status",)) == []


def _faults_of(engine: Engine, statement: str) -> list[str]:
    with engine.connect() as conn, conn.begin() as transaction:
        before = read_shape(conn, TOUCHED)
        conn.execute(text(statement))
        found = find_faults(before, read_shape(conn, TOUCHED))
        transaction.rollback()
    return found


def _pretend(conn) -> None:
    conn.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": schema.REVISION})


def _become(engine: Engine, found: Window) -> None:
    _set_revision(engine, found.revision)
    with engines.write(engine) as conn:
        if found.serves_from is None:
            conn.execute(text("DELETE FROM schema_window"))
        else:
            window.note(conn, found)


def _set_revision(engine: Engine, revision: str | None) -> None:
    with engines.write(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config(**attributes) -> Config:
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(migrating.FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def _step(conn, revision: str) -> None:
    command.upgrade(_config(connection=conn), revision)
