from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import exc, text

from interlock.core.errors import InterlockError, InvalidInput, StoreBusy, StoreUnavailable
from interlock.core.store import dialect, events, nodes, runs, threads, topics
from interlock.core.store import engine as engines
from interlock.core.store.engine import read, write


def test_many_writers_that_read_first_all_get_through(engine, make):
    with write(engine) as conn:
        topics.bump(conn, "runs")
    failed, start = [], threading.Barrier(6)

    def read_then_write():
        start.wait()
        try:
            for _ in range(15):
                with write(engine) as conn:
                    topics.fetch_heads(conn)
                    topics.bump(conn, "runs")
        except InterlockError as exc:
            failed.append(exc)

    writers = [threading.Thread(target=read_then_write) for _ in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with read(engine) as conn:
        assert topics.fetch_heads(conn) == {"runs": 91}
    assert failed == []


def test_a_reader_sees_one_moment_and_does_not_wait_for_a_writer(engine, make):
    with write(engine) as conn:
        make.put_run(conn, "r1")
    with read(engine) as look:
        assert runs.fetch(look, "r1") is not None
        with write(engine) as conn:
            make.put_run(conn, "r2")
            with read(engine) as during:
                assert runs.fetch(during, "r2") is None
        assert runs.fetch(look, "r2") is None
    with read(engine) as look:
        assert runs.fetch(look, "r2") is not None


def test_a_look_cannot_write(engine):
    with pytest.raises((InterlockError, exc.DBAPIError)), read(engine) as conn:
        topics.bump(conn, "runs")
    with write(engine) as conn:
        topics.bump(conn, "runs")
    with read(engine) as conn:
        assert topics.fetch_heads(conn) == {"runs": 1}


def test_what_is_said_of_a_topic_is_written_last_and_once(engine):
    with write(engine) as conn:
        topics.bump(conn, "runs", "inbox")
        topics.bump(conn, "runs")
        assert topics.fetch_heads(conn) == {}  # nobody waits for its row meanwhile
    with read(engine) as conn:
        assert topics.fetch_heads(conn) == {"inbox": 1, "runs": 1}


def test_a_connection_that_was_in_autocommit_is_transactional_again(engine):
    with engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
    with pytest.raises(ValueError, match="no"), write(engine) as conn:
        topics.bump(conn, "runs")
        raise ValueError("no")
    with read(engine) as conn:
        assert topics.fetch_heads(conn) == {}


def test_times_come_back_aware_and_in_utc(engine, make):
    east = timezone(timedelta(hours=5))
    given = datetime(2026, 1, 5, 9, 30, 15, 123456, tzinfo=east)
    with write(engine) as conn:
        threads.insert(conn, make.thread(created_at=given))
    with read(engine) as conn:
        kept = threads.fetch(conn, "t1").created_at
    assert given == kept
    assert UTC is kept.tzinfo


def test_a_time_without_a_zone_is_refused(engine, make):
    with pytest.raises(exc.StatementError, match="time zone"), write(engine) as conn:
        threads.insert(conn, make.thread(created_at=datetime(2026, 1, 5)))


def test_what_has_no_json_form_is_refused_by_key(engine, make):
    for value, path in [
        (float("nan"), ""),
        ({"scores": [1.0, float("inf")]}, "scores.1"),
        ({"a": {"b": {1, 2}}}, "a.b"),
        ({"a": {(1, 2): 3}}, "a"),
        ([datetime(2026, 1, 1)], "0"),
    ]:
        with pytest.raises(InvalidInput) as refused, write(engine) as conn:
            make.put_run(conn, input=value)
        assert [path] == [problem.path for problem in refused.value.problems]
    with read(engine) as conn:
        assert threads.fetch(conn, "t1") is None


def test_a_value_that_contains_itself_is_refused(engine, make):
    value: dict = {"name": 1}
    value["me"] = [value]
    with pytest.raises(InvalidInput, match="itself"), write(engine) as conn:
        make.put_run(conn, input=value)


def test_a_bad_value_among_many_spares_the_transaction_nothing(engine, make):
    with pytest.raises(InvalidInput, match="nan"), write(engine) as conn:
        make.put_run(conn)
        events.insert_many(conn, [make.event(1), make.event(2, data={"x": float("nan")})])
    with read(engine) as conn:
        assert runs.fetch(conn, "r1") is None


VALUES = [None, True, 0, 1.0, -1.5, 10**30, 1e-300, "", "a\0b", "\ud800", "é 漢 😀", [], {}]


def test_every_json_value_comes_back_as_it_was(engine, make):
    values = [*VALUES, VALUES, {"b": 1, "a": 2}]
    with write(engine) as conn:
        for number, value in enumerate(values):
            make.put_run(conn, f"r{number}", input=value)
    with read(engine) as conn:
        kept = [runs.fetch(conn, f"r{number}").input for number in range(len(values))]
    assert [repr(value) for value in values] == [repr(value) for value in kept]


def test_observed_text_is_made_storable(engine, make):
    odd = make.node_run(error_type="E" * 400, error_message="a\0b\ud800c", node="n" * 400)
    with write(engine) as conn:
        make.put_run(conn)
        nodes.upsert_many(conn, [odd])
    with read(engine) as conn:
        (kept,) = nodes.fetch_for_runs(conn, ["r1"], limit=10)
    assert kept.error_message == "a\N{REPLACEMENT CHARACTER}b?c"
    assert kept.error_type == "E" * 299 + "…"
    assert kept.node == "n" * 299 + "…"


def test_a_status_that_is_none_is_refused(engine, make):
    with pytest.raises(InvalidInput, match="ck_runs_status"), write(engine) as conn:
        make.put_run(conn, status="nonsense")


def test_missing_tables_are_told_with_the_command_to_run(engine):
    with pytest.raises(StoreUnavailable, match="interlock db upgrade"), write(engine) as conn:
        conn.execute(text("SELECT * FROM no_such_table"))


def test_a_mistake_in_a_statement_is_not_hidden(engine):
    with pytest.raises(exc.DBAPIError, match="syntax"), write(engine) as conn:
        conn.execute(text("SELEC 1"))


def test_a_session_that_the_server_ended_is_replaced(postgres_url):
    first = engines.open_engine(postgres_url, application_name="worker-1")
    second = engines.open_engine(postgres_url)
    with read(first) as conn:
        assert conn.execute(text("SHOW application_name")).scalar_one() == "worker-1"
    with write(second) as conn:
        ended = text(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'worker-1'"
        )
        assert conn.execute(ended).scalars().all() == [True]
    with write(first) as conn:
        topics.bump(conn, "runs")
    first.dispose()
    second.dispose()


def test_what_others_hold_is_told_as_busy_and_not_as_an_outage(postgres_url):
    holding, waiting = engines.open_engine(postgres_url), engines.open_engine(postgres_url)
    with write(holding) as held:
        held.execute(text("LOCK TABLE holds"))
        with pytest.raises(StoreBusy, match="nothing was changed"), write(waiting) as conn:
            dialect.wait_at_most(conn, 0.02)
            conn.execute(text("LOCK TABLE holds"))
    holding.dispose()
    waiting.dispose()


def test_a_process_that_stands_still_in_a_transaction_keeps_nobody_waiting(postgres_url):
    stopped = engines.open_engine(postgres_url)
    other = engines.open_engine(postgres_url)
    with pytest.raises(StoreUnavailable), write(stopped) as conn:
        name = "idle_in_transaction_session_timeout"
        assert conn.execute(text(f"SHOW {name}")).scalar_one() == "30s"
        conn.execute(text(f"SET {name} = '50ms'"))  # in which the test ends, too
        dialect.lock_all(conn, dialect.Lock.AUDIT)
        with write(other) as waiting:  # until the server ends the other's session
            dialect.lock_all(waiting, dialect.Lock.AUDIT)
        conn.execute(text("SELECT 1"))
    stopped.dispose()
    other.dispose()


def test_a_transaction_whose_session_is_ended_fails_and_the_next_one_works(postgres_url):
    first = engines.open_engine(postgres_url)
    second = engines.open_engine(postgres_url)
    with pytest.raises(StoreUnavailable), write(first) as conn:
        pid = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with write(second) as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        topics.bump(conn, "runs")
    with write(first) as conn:
        topics.bump(conn, "runs")
    with read(first) as conn:
        assert topics.fetch_heads(conn) == {"runs": 1}
    first.dispose()
    second.dispose()


def test_an_absent_server_is_unavailable(tmp_path):
    opened = engines.open_engine(f"postgresql+psycopg://nobody@/none?host={tmp_path}")
    with pytest.raises(StoreUnavailable), read(opened) as conn:
        conn.execute(text("SELECT 1"))
    opened.dispose()


def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    path = tmp_path / "app.db"
    path.write_text("not a database, however long it may be " * 50)
    opened = engines.open_engine(f"sqlite:///{path}")
    with pytest.raises(StoreUnavailable, match="not a database"), read(opened) as conn:
        conn.execute(text("SELECT 1"))
    opened.dispose()


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="file"):
        engines.open_engine(f"sqlite:///{tmp_path}/file/data/app.db")


def test_a_url_that_is_none_is_told():
    with pytest.raises(StoreUnavailable, match="not a database URL"):
        engines.open_engine("nonsense")


def test_all_connections_in_use_is_told(engine, monkeypatch):
    monkeypatch.setattr(engine.pool, "_timeout", 0.01)
    with warnings.catch_warnings():
        held = [engine.connect() for _ in range(engines.POOL_SIZE + engines.POOL_OVERFLOW)]
        with pytest.raises(StoreUnavailable, match="in use"), read(engine):
            pass
        for conn in held:
            conn.close()


def test_a_writer_that_never_ends_is_told_about(sqlite_url, monkeypatch):
    opened = engines.open_engine(sqlite_url)
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 0.01)
    with write(opened), pytest.raises(StoreUnavailable, match="Another writer"), write(opened):
        pass
    opened.dispose()


def test_opening_the_store_does_not_import_alembic_and_lets_the_process_end(sqlite_url):
    script = f"""
import sys
from interlock.core.store import engine, migrating, topics
opened = engine.open_engine({sqlite_url!r})
migrating.ensure_schema(opened, True)
with engine.write(opened) as conn:
    topics.bump(conn, "runs")
kept = opened.connect()
assert "alembic" not in sys.modules
"""
    ended = subprocess.run([sys.executable, "-c", script], timeout=60, capture_output=True)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_the_app_fixture_holds_a_working_app(app):
    with write(app.engine) as conn:
        topics.bump(conn, "runs")
    assert app.settings.data_dir.joinpath("app.db").exists()
    assert app.clock.now().tzinfo is UTC


def test_a_new_file_is_opened_by_several_at_once(tmp_path):
    wrong = []

    def open_(url, start):
        opened = engines.open_engine(url)
        start.wait()
        try:
            with engines.write(opened) as conn:
                conn.execute(text("CREATE TABLE IF NOT EXISTS t (n INTEGER)"))
        except Exception as exc:
            wrong.append(exc)
        opened.dispose()

    for number in range(20):
        start = threading.Barrier(6)
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        openers = [threading.Thread(target=open_, args=(url, start)) for _ in range(6)]
        for opener in openers:
            opener.start()
        for opener in openers:
            opener.join()
    assert wrong == []
