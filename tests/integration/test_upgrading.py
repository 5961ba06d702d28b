"""`interlock db upgrade` as hosts run it: all at once, beside each other's savers, on an empty database."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import psycopg

from interlock.core import cli
from interlock.core.store import schema

WAIT_S = 120
HOSTS = 3
MADE = """
SELECT (SELECT max(version_num) FROM alembic_version), (SELECT count(*) FROM checkpoint_migrations),
       (SELECT count(*) FROM store_migrations), (SELECT count(*) FROM runs),
       (SELECT count(*) FROM pg_index WHERE NOT indisvalid)
"""


def test_hosts_that_upgrade_at_once_all_find_it_done(empty_postgres_url):
    url = empty_postgres_url.replace("+psycopg", "")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["interlock.core.worker.main"])
    with ProcessPoolExecutor(HOSTS, mp_context=context) as hosts:
        ended = [hosts.submit(cli.main, ["db", "upgrade", "--database", url]) for _ in range(HOSTS)]
        assert [each.result(WAIT_S) for each in ended] == [0] * HOSTS
    with psycopg.connect(url) as conn:
        revision, checkpoints, store, runs, broken = conn.execute(MADE).fetchone()
    assert (revision, runs, broken) == (schema.REVISION, 0, 0)
    assert checkpoints > 0
    assert store > 0
