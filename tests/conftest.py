"""What tests of every kind share: a clock that stands, and databases that are there already."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from interlock.core.clock import FrozenClock
from interlock.core.store import engine as engines
from interlock.core.store import migrating

START = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)  # a Monday morning


def pytest_configure() -> None:
    """Keep what tests write in memory where there is room (`tests/postgres.py`)."""
    postgres = _load_postgres()
    if postgres.has_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(postgres.MEMORY))


@pytest.fixture
def frozen() -> FrozenClock:
    """A clock that moves only when told to."""
    return FrozenClock(START)


@pytest.fixture
def app(tmp_path, frozen, sqlite_template, monkeypatch):
    """An App on a fresh SQLite file, with the settings' defaults and a clock that stands."""
    from interlock.core.queue.local import LocalQueue
    from interlock.core.services.context import App
    from interlock.core.settings import ENV_PREFIX, Settings

    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    settings = Settings(data_dir=tmp_path / ".interlock")
    settings.data_dir.mkdir()
    shutil.copyfile(sqlite_template, settings.data_dir / "app.db")
    engine = engines.open_engine(settings.database_url)
    yield App(settings=settings, engine=engine, queue=LocalQueue(), clock=frozen)
    engine.dispose()


@pytest.fixture
def quick_passwords(monkeypatch) -> Iterator[None]:
    """Argon2 as fast as it goes, where what a hash costs is not what is tested."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    from interlock.core.services import passwords

    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    monkeypatch.setattr(passwords, "_hasher", lambda: cheap)
    passwords._decoy.cache_clear()
    yield
    passwords._decoy.cache_clear()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request) -> str:
    """A fresh database with our tables; the test runs once on each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def engine(database_url) -> Iterator[Engine]:
    """An engine on a fresh database; the test runs once on each kind."""
    opened = engines.open_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite_url(tmp_path, sqlite_template) -> str:
    """A fresh SQLite file with our tables."""
    path = tmp_path / "app.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(clone_postgres) -> Iterator[str]:
    """A fresh Postgres database with our tables."""
    with clone_postgres() as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server) -> Iterator[str]:
    """A fresh Postgres database with nothing in it."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory) -> Path:
    """A SQLite file with our tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "app.db"
    _upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server) -> Iterator[str]:
    """A Postgres database with our tables, to be cloned; nothing may stay connected to it."""
    with _database(postgres_server) as url:
        _upgrade(url)
        yield url


@pytest.fixture(scope="session")
def clone_postgres(postgres_template) -> Callable[[], AbstractContextManager[str]]:
    """Make a Postgres database with our tables that lasts as long as a block."""
    return partial(_database, postgres_template, template=make_url(postgres_template).database)


@pytest.fixture(scope="session")
def postgres_server(session_name) -> Iterator[str]:
    """A Postgres server, one for all processes of the session."""
    with _load_postgres().server(session_name) as url:
        yield url


@pytest.fixture(scope="module")
def stoppable_postgres() -> Iterator[Any]:
    """A Postgres server with our tables, which a test stops and starts."""
    with _load_postgres().stoppable() as server:
        server.start()
        _upgrade(server.url)
        yield server


@pytest.fixture(scope="session")
def session_name() -> str:
    """What the processes of one test session have in common, and no other session has."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)


def _upgrade(url: str) -> None:
    opened = engines.open_engine(url)
    migrating.upgrade(opened)
    opened.dispose()


@contextmanager
def _database(server: str, *, template: str | None = None) -> Iterator[str]:
    name = f"interlock_test_{uuid4().hex}"
    source = "" if template is None else f" TEMPLATE {template}"
    _command(server, f"CREATE DATABASE {name}{source}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _command(server, f"DROP DATABASE {name} WITH (FORCE)")


def _command(server: str, statement: str) -> None:
    url = make_url(server).set(drivername="postgresql", database="postgres")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as conn:
        conn.execute(statement)


def _load_postgres() -> ModuleType:
    """The module beside this one: with importlib mode no folder of tests is on the path."""
    spec = importlib.util.spec_from_file_location(
        "interlock_test_postgres", Path(__file__).parent / "postgres.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
