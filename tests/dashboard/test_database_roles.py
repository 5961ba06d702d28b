"""The statements of docs/database-roles.md, and a real web process and worker under the roles they make."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs import setting_up
from interlock.core.graphs.savers import open_savers
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.store import migrating
from interlock.core.worker import main as worker_main

DOCS = Path(__file__).parents[2] / "docs" / "database-roles.md"
PROJECT = Path(__file__).parents[1] / "integration" / "projects" / "counted" / "langgraph.json"
ROLES = ("owner", "worker", "web", "read")
WAIT_S = 60
TICK_S = 0.05


class Roles:
    """A database with the roles of the page, under names that no other test has."""

    def __init__(self, url: str) -> None:
        self._server = make_url(url)
        self._prefix = f"r{uuid4().hex[:12]}_"
        text = DOCS.read_text(encoding="utf-8").replace("interlock_", self._prefix)
        self.once, self.after_each = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)

    def url(self, role: str) -> str:
        return self._server.set(username=self._prefix + role).render_as_string(hide_password=False)

    def execute(self, statements: str, role: str | None = None) -> list[Any]:
        url = self._server.render_as_string(hide_password=False) if role is None else self.url(role)
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as conn:
            cursor = conn.execute(statements.encode())
            return cursor.fetchall() if cursor.description else []

    def drop(self) -> None:
        names = [self._prefix + role for role in ROLES]
        self.execute(f"DROP OWNED BY {', '.join(names)}; DROP ROLE {', '.join(names)}")


@pytest.fixture
def roles(empty_postgres_url: str, tmp_path: Path) -> Iterator[Roles]:
    """The roles, and the tables made by the one that owns them."""
    with granted(empty_postgres_url, tmp_path, by="owner") as made:
        yield made


@pytest.fixture
def quick_roles(postgres_url: str, tmp_path: Path) -> Iterator[Roles]:
    """The same on tables that are there: what is granted does not ask who made them."""
    with granted(postgres_url, tmp_path) as made:
        yield made


@contextmanager
def granted(url: str, folder: Path, *, by: str | None = None) -> Iterator[Roles]:
    made = Roles(url)
    made.execute(made.once)
    try:
        maker = url if by is None else made.url(by)
        engine = engines.open_engine(maker)
        migrating.upgrade(engine)
        engine.dispose()
        settings = Settings(data_dir=folder, database=maker)
        asyncio.run(setting_up.set_up(settings, None, warn=pytest.fail))
        made.execute(made.after_each, by)
        yield made
    finally:
        made.drop()


@contextmanager
def worker_of(settings: Settings) -> Iterator[None]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["interlock.core.worker.main"])
    process = context.Process(target=worker_main.main, args=(settings,), daemon=True)
    process.start()
    try:
        yield
        assert process.exitcode is None
    finally:
        process.terminate()
        process.join(WAIT_S)
    assert process.exitcode == 0


def wait_until(is_so: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(TICK_S)
    return found


def test_a_web_process_and_a_worker_do_their_work_under_their_roles(
    roles: Roles, start_web: Callable[..., Any], tmp_path: Path
) -> None:
    web = start_web(INTERLOCK_DATABASE=roles.url("web").replace("+psycopg", ""))
    settings = Settings(
        data_dir=tmp_path / "worker", database=roles.url("worker"), config=PROJECT, heartbeat_s=0.5
    )
    book = tmp_path / "book"
    book.mkdir()
    with worker_of(settings), httpx.Client(base_url=web.url) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        api = "/api/v1"
        asked = {"input": {"book": str(book)}, "wait_s": 60}
        run = client.post(f"{api}/workflows/one/runs", json=asked).json()
        (card,) = run["approvals"]
        decided = client.post(
            f"{api}/approvals/{card['approval_id']}/decision",
            json={"verb": "approve"},
            headers={"If-Match": f'"{card["version"]}"'},
        ).json()
        wait_until(lambda: client.get(f"{api}/runs/{decided['run_id']}").json()["status"] == "done")
        for path in (f"{api}/threads/{run['thread_id']}/history", f"{api}/metrics", "/metrics"):
            assert client.get(path).status_code == 200, path
    assert "may not do that" not in web.output


FORBIDDEN = {
    "web": (
        "SELECT 1 FROM checkpoints",
        "SELECT 1 FROM store",
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "CREATE TABLE more (id INTEGER)",
        "ALTER TABLE runs ADD COLUMN more INTEGER",
        "UPDATE alembic_version SET version_num = '1'",
    ),
    "worker": (
        "UPDATE operators SET role = 'admin'",
        "SELECT 1 FROM tokens",
        "SELECT 1 FROM sessions",
        "UPDATE access SET sign_in = 'none'",
        "DELETE FROM audit",
        "DROP TABLE checkpoints",
    ),
    "read": (
        "SELECT 1 FROM operators",
        "SELECT 1 FROM tokens",
        "SELECT 1 FROM checkpoint_blobs",
        "DELETE FROM runs",
    ),
}


def test_no_role_may_do_more_than_the_page_says(quick_roles: Roles) -> None:
    assert quick_roles.execute("SELECT count(*) FROM runs", "read") == [(0,)]
    quick_roles.execute(quick_roles.after_each)
    for role, statements in FORBIDDEN.items():
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                quick_roles.execute(statement, role)
    engine = engines.open_engine(quick_roles.url("read"))
    try:
        with (
            pytest.raises(StoreUnavailable, match=r"docs/database-roles\.md"),
            engines.write(engine) as conn,
        ):
            conn.exec_driver_sql("DELETE FROM runs")
    finally:
        engine.dispose()


def test_a_worker_that_lacks_tables_and_may_make_none_says_who_makes_them(
    quick_roles: Roles, tmp_path: Path
) -> None:
    quick_roles.execute("DELETE FROM checkpoint_migrations")  # as before an upgrade of LangGraph
    settings = Settings(data_dir=tmp_path, database=quick_roles.url("worker"))

    async def open_them() -> None:
        async with open_savers(settings):
            pass

    with pytest.raises(StoreUnavailable, match="interlock db upgrade"):
        asyncio.run(open_them())
