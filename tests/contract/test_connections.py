"""What a process may ask the server for, held against what the server says of itself."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import text

from interlock.core.bootstrap import build_app
from interlock.core.cli import doctor
from interlock.core.errors import InvalidInput, StoreUnavailable
from interlock.core.services import connecting
from interlock.core.settings import Settings
from interlock.core.store import engine as engines


@pytest.fixture
def settings(tmp_path, postgres_url) -> Settings:
    return Settings(data_dir=tmp_path, database=postgres_url)


def test_a_start_states_what_it_may_ask_for_and_what_there_is(settings, caplog):
    caplog.set_level(logging.INFO)
    first = build_app(settings, name="interlock-worker-1", origin="worker")
    second = build_app(settings, name="interlock-web-1", origin="web")
    room = connecting.look(second)
    first.engine.dispose()
    second.engine.dispose()
    assert (room.workers, room.webs) == (1, 0), "the others"
    told = [record for record in caplog.records if record.msg == "connections"]
    assert [record.most.partition(" ")[0] for record in told] == ["57", "31"]
    assert all(f"max_connections {room.server}" in record.allowed for record in told)


def test_more_than_the_server_has_is_refused_before_anything_starts(settings):
    engine = engines.open_engine(settings.database_url)
    with engines.write(engine) as conn:
        name = conn.execute(text("SELECT current_database()")).scalar_one()
        conn.execute(text(f"ALTER DATABASE {name} CONNECTION LIMIT 40"))
    engine.dispose()
    build_app(settings, origin="web").engine.dispose()
    with pytest.raises(InvalidInput, match=r"57 \(tables 10 \+ 20.*the database's limit 40"):
        build_app(settings, origin="worker")
    small = settings.model_copy(update={"pool_overflow": 0, "checkpoint_pool": 5})
    build_app(small, origin="worker").engine.dispose()


def test_doctor_tells_what_each_kind_of_process_may_ask_for(settings):
    app = build_app(settings)
    told = doctor._look_at_connections(app)
    app.engine.dispose()
    assert told.startswith("A web process may ask for 31 (tables 10 + 20, listening 1); a worker")
    assert "max_connections" in told


def test_too_many_processes_are_warned_of_as_they_start(settings, caplog, monkeypatch):
    greedy = settings.model_copy(update={"pool_overflow": 200})
    first = build_app(greedy, name="interlock-worker-1", origin="worker")
    build_app(greedy, name="interlock-worker-2", origin="worker").engine.dispose()
    first.engine.dispose()
    (told,) = [record.reason for record in caplog.records if record.msg == "connections_short"]
    assert told.startswith("2 workers of 237")


def test_a_process_has_no_more_than_its_settings_say(settings, monkeypatch):
    bounded = settings.model_copy(update={"pool_size": 1, "pool_overflow": 1})
    app = build_app(bounded)
    monkeypatch.setattr(app.engine.pool, "_timeout", 0.01)
    held = [app.engine.connect() for _ in range(2)]
    with (
        pytest.raises(StoreUnavailable, match="All 2 database connections"),
        engines.read(app.engine),
    ):
        pass
    for conn in held:
        conn.close()
    app.engine.dispose()
