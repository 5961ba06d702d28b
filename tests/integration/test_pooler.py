"""A real PgBouncer between us and Postgres: a session a client serves, a session a transaction is refused."""

from __future__ import annotations

import psycopg
import pytest

from interlock.core.bootstrap import build_app
from interlock.core.errors import StoreUnavailable
from interlock.core.model.runs import RunStatus
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.store import pooler
from tests import pgbouncer

pytestmark = [
    pytest.mark.skipif(
        pgbouncer.find() is None,
        reason="PgBouncer is not installed: scripts/system_parts.sh pgbouncer",
    ),
    pytest.mark.xdist_group("pooler"),
]
NAMES = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()"


@pytest.mark.parametrize("pool_size", [1, 60])
def test_a_session_a_transaction_is_refused_with_the_reason(tmp_path, postgres_url, pool_size):
    with pgbouncer.before(postgres_url, mode="transaction", pool_size=pool_size) as url:
        settings = Settings(data_dir=tmp_path, database=url)
        with pytest.raises(StoreUnavailable, match="pool_mode = session"):
            build_app(settings)


def test_a_session_a_client_serves_a_run_its_card_and_its_decision(make_desk, postgres_url):
    with pgbouncer.before(postgres_url, mode="session") as url:
        desk = make_desk(url)
        pooler.require_sessions(desk.app.engine)
        desk.start()
        book = desk.open_book()
        run = desk.launch("one", book)
        assert desk.wait(run).status is RunStatus.WAITING
        decided = desk.decide(desk.card(run), "yes")
        assert desk.wait(decided.run_id).status is RunStatus.DONE
        desk.close()


def test_the_name_by_which_a_dead_workers_sessions_are_ended_reaches_the_server(postgres_url):
    with pgbouncer.before(postgres_url, mode="session") as url:
        opened = engines.open_engine(url, application_name="interlock-worker-x")
        try:
            with engines.read(opened) as conn, psycopg.connect(_libpq(postgres_url)) as server:
                conn.exec_driver_sql("SELECT 1")
                assert ("interlock-worker-x",) in server.execute(NAMES).fetchall()
        finally:
            opened.dispose()


def test_a_direct_connection_is_asked_for_nothing_but_its_process(postgres_url):
    opened = engines.open_engine(postgres_url)
    pooler.require_sessions(opened)
    assert opened.pool.checkedin() == 1, "no second one was opened"
    opened.dispose()


def _libpq(url: str) -> str:
    return url.replace("+psycopg", "")
