"""What a saver sends is gathered into one statement, and what is not recognised is left alone."""

from __future__ import annotations

import inspect
from typing import Any

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver as Saver

from interlock.core.graphs.gathering import Gathered

BLOB = ("t", "ns", "log", "1", "msgpack", b"x")
CHECKPOINT = ("t", "ns", "c2", "c1", "{}", "{}")


def write(idx: int) -> tuple[Any, ...]:
    return ("t", "ns", "c1", "task", "path", idx, f"channel {idx}", "msgpack", b"x")


async def gather(*sent: tuple[str, list[tuple[Any, ...]]]) -> Gathered:
    gathered = Gathered()
    for query, rows in sent:
        await gathered.executemany(query, rows)
    return gathered


async def test_blobs_and_their_checkpoint_are_one_statement():
    second = (*BLOB[:2], "count", "2", "empty", None)
    gathered = await gather(
        (Saver.UPSERT_CHECKPOINT_BLOBS_SQL, [BLOB, second]),
        (Saver.UPSERT_CHECKPOINTS_SQL, [CHECKPOINT]),
    )
    query, values = gathered.merge()

    assert (query.count("INSERT INTO"), query.count("%")) == (2, len(values))
    assert values[:4] == ("t", "ns", ["log", "count"], ["1", "2"])
    assert values[4:6] == (["msgpack", "empty"], [b"x", None])
    assert values[6:] == CHECKPOINT


async def test_the_writes_of_a_task_are_one_statement_with_the_same_end():
    for query in (Saver.UPSERT_CHECKPOINT_WRITES_SQL, Saver.INSERT_CHECKPOINT_WRITES_SQL):
        merged, values = (await gather((query, [write(0), write(1)]))).merge()

        assert merged.endswith(query[query.index("ON CONFLICT") :] + "\n")
        assert (merged.count("%"), values[:5]) == (len(values), write(0)[:5])
        assert values[5:7] == ([0, 1], ["channel 0", "channel 1"])


async def test_one_row_goes_as_it_is():
    (row,) = [write(0)]
    assert (await gather((Saver.INSERT_CHECKPOINT_WRITES_SQL, [row]))).merge() == (
        Saver.INSERT_CHECKPOINT_WRITES_SQL,
        row,
    )
    gathered = Gathered()
    await gathered.execute(Saver.UPSERT_CHECKPOINTS_SQL, CHECKPOINT)
    assert gathered.merge() == (Saver.UPSERT_CHECKPOINTS_SQL, CHECKPOINT)


async def test_what_is_not_recognised_or_would_write_a_row_twice_is_left_alone():
    twice = [write(0), write(0)]
    assert (await gather((Saver.UPSERT_CHECKPOINT_WRITES_SQL, twice))).merge() is None
    assert (await gather(("DELETE FROM checkpoints", [("t",), ("u",)]))).merge() is None
    assert (await gather((Saver.INSERT_CHECKPOINT_WRITES_SQL, []))).merge() is None
    assert Gathered().merge() is None


def test_the_savers_writing_still_goes_by_the_cursor_that_is_gathered():
    for method in (Saver.aput, Saver.aput_writes):
        assert "self._cursor(pipeline=True)" in inspect.getsource(method)
