"""`interlock db upgrade` as hosts run it: all at once, beside each other's savers, on an empty database."""

from __future__ import annotations

import multiprocessing

import psycopg
import pytest

from interlock.core import cli
from interlock.core.store import schema

WAIT_S = 120
HOSTS = 3
MADE = """
SELECT (SELECT max(version_num) FROM alembic_version), (SELECT count(*) FROM checkpoint_migrations),
       (SELECT count(*) FROM store_migrations), (SELECT count(*) FROM runs),
       (SELECT count(*) FROM pg_index WHERE NOT indisvalid)
"""


def _upgrade(url: str, start) -> None:
    start.wait(WAIT_S)
    raise SystemExit(cli.main(["db", "upgrade", "--json", "--database", url]))


@pytest.fixture
def context():
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["interlock.core.worker.main"])
    return made


def test_hosts_that_upgrade_at_once_all_find_it_done(empty_postgres_url, context):
    start = context.Barrier(HOSTS)
    url = empty_postgres_url.replace("+psycopg", "")
    hosts = [context.Process(target=_upgrade, args=(url, start)) for _ in range(HOSTS)]
    for host in hosts:
        host.start()
    for host in hosts:
        host.join(WAIT_S)
    assert [host.exitcode for host in hosts] == [0] * HOSTS
    with psycopg.connect(url) as conn:
        revision, checkpoints, store, runs, broken = conn.execute(MADE).fetchone()
    assert (revision, runs, broken) == (schema.REVISION, 0, 0)
    assert checkpoints > 0
    assert store > 0
