"""Which errors of Postgres say that it is away, and are waited out."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from interlock.core.graphs.outages import is_outage, outlast


@pytest.mark.parametrize(
    ("error", "is_away"),
    [
        (errors.AdminShutdown("terminating connection"), True),
        (errors.CannotConnectNow("starting up"), True),
        (errors.TooManyConnections("too many"), True),
        (errors.DiskFull("no space left"), True),
        (errors.ReadOnlySqlTransaction("a standby"), True),
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
        (psycopg.InterfaceError("the connection is closed"), True),
        (PoolTimeout("no connection after 5 s"), True),
        (PoolClosed("the pool is closed"), False),
        (errors.PipelineAborted("aborted"), False),
        (errors.QueryCanceled("statement timeout"), False),
        (errors.UniqueViolation("twice"), False),
        (ValueError("no"), False),
    ],
)
def test_an_outage_is_told_from_a_refusal(error, is_away):
    assert is_outage(error) is is_away


async def test_what_is_cut_off_is_done_again_and_what_is_refused_is_not():
    left = [errors.AdminShutdown("away"), errors.CannotConnectNow("nearly")]

    async def store() -> str:
        if left:
            raise left.pop()
        return "stored"

    assert await outlast(store) == "stored"
    left.append(errors.UniqueViolation("twice"))
    with pytest.raises(errors.UniqueViolation):
        await outlast(store)
