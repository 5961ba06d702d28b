"""A saver that gathers its statements stores what LangGraph's own would, row for row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from interlock.core.graphs import gathering
from interlock.core.graphs.gathering import GatheringSaver
from interlock.core.graphs.postgres_savers import open_pool

VALUES: dict[str, Any] = {
    "text": "Zürich",
    "number": 7,
    "ratio": 0.5,
    "yes": True,
    "nothing": None,
    "items": ["a", {"b": [1, 2]}],
    "raw": b"\x00\xff'\\",
    "empty": [],
}
TABLES = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata",
    "checkpoint_blobs": "checkpoint_ns, channel, version, type, blob",
    "checkpoint_writes": "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob",
}


@pytest.fixture
async def savers(empty_postgres_url) -> AsyncIterator[tuple[GatheringSaver, AsyncPostgresSaver]]:
    """Ours and LangGraph's on one database."""
    url = empty_postgres_url.replace("+psycopg", "")
    async with open_pool(url, max_size=4, application_name="test") as pool:
        await AsyncPostgresSaver(pool).setup()
        serde = JsonPlusSerializer()
        yield GatheringSaver(pool, serde), AsyncPostgresSaver(pool, serde=serde)


async def put(saver: Any, thread_id: str, **changes: Any) -> Any:
    """Store a checkpoint and its child."""
    values = VALUES | changes
    config: Any = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
    for number in (1, 2):
        versions = dict.fromkeys(values, f"{number}.0")
        checkpoint = empty_checkpoint() | {
            "id": f"c{number}",
            "ts": "2026-01-01T00:00:00+00:00",
            "channel_values": values | {"number": number},
            "channel_versions": versions,
        }
        metadata = {"source": "loop", "step": number, "run_id": "r", "note": "a\\b"}
        config = await saver.aput(config, checkpoint, metadata, versions)
        assert checkpoint["channel_values"] == values | {"number": number}
    return config


async def put_next(saver: Any, thread_id: str, **changes: Any) -> Any:
    """Store the same as the next of LangGraph's own tasks, behind those that store writes."""
    await asyncio.sleep(0)
    return await put(saver, thread_id, **changes)


def rows(url: str, thread_id: str) -> dict[str, list[Any]]:
    """All that is stored of a thread."""
    with psycopg.connect(url.replace("+psycopg", "")) as conn:
        return {
            table: conn.execute(
                f"SELECT {columns} FROM {table} WHERE thread_id = %s ORDER BY 1, 2, 3, 5",
                (thread_id,),
            ).fetchall()
            for table, columns in TABLES.items()
        }


def count_statements(saver: GatheringSaver, monkeypatch: Any) -> list[bytes]:
    """What the saver sends from here on."""
    sent: list[bytes] = []
    send = type(saver)._send

    async def note(query: bytes, values: Any) -> None:
        sent.append(query)
        await send(saver, query, values)

    monkeypatch.setattr(saver, "_send", note)
    return sent


@pytest.mark.parametrize(
    "changes",
    [{}, dict.fromkeys(("items", "raw", "empty"), 1), {"delta": _DeltaSnapshot(["x"])}],
    ids=["blobs", "plain values only", "a delta channel"],
)
async def test_checkpoints_are_stored_as_by_langgraph(savers, empty_postgres_url, changes):
    ours, theirs = savers
    mine, other = await put(ours, "ours", **changes), await put(theirs, "theirs", **changes)

    assert mine["configurable"] | {"thread_id": "theirs"} == other["configurable"]
    found = rows(empty_postgres_url, "ours")
    assert found == rows(empty_postgres_url, "theirs")
    assert len(found["checkpoints"]) == 2


@pytest.mark.parametrize(
    "writes",
    [
        [("log", ["a"]), ("log", ["b"]), ("count", 1), ("gone", None)],
        [("__interrupt__", ["asked"])],
        [("__error__", "broken"), ("__resume__", ["yes"])],
        [("__resume__", "first"), ("__resume__", "second")],
        [("log", 1), ("__error__", "broken")],
        [],
    ],
    ids=["results", "a question", "control", "twice in one place", "mixed", "none"],
)
async def test_writes_are_stored_as_by_langgraph_and_again(savers, empty_postgres_url, writes):
    for saver, thread_id in zip(savers, ("ours", "theirs"), strict=True):
        config = await put(saver, thread_id)
        await saver.aput_writes(config, writes, "task", "path")
        await saver.aput_writes(config, [(c, "again") for c, _ in writes], "task", "path")

    found = rows(empty_postgres_url, "ours")
    assert found == rows(empty_postgres_url, "theirs")
    assert bool(found["checkpoint_writes"]) is bool(writes)


async def test_a_heavy_state_is_left_to_langgraph(savers, empty_postgres_url, monkeypatch):
    ours, theirs = savers
    monkeypatch.setattr(gathering, "HEAVY_BYTES", 1000)
    for saver, thread_id in ((ours, "ours"), (theirs, "theirs")):
        config = await put(saver, thread_id, items=["x" * 5000])
        await saver.aput_writes(config, [("log", ["y" * 5000])], "task")

    assert len(ours.blobs["items"][1]) > 5000
    assert rows(empty_postgres_url, "ours") == rows(empty_postgres_url, "theirs")


async def test_what_was_changed_in_place_after_it_was_stored_is_told_as_it_is_stored(savers):
    ours, _ = savers
    items = ["a"]
    await put(ours, "ours", items=items)
    items.append("changed and not returned")

    assert ours.restore(VALUES | {"items": items})["items"] == ["a"]
    assert ours.weigh(VALUES | {"items": items}) is not None
    assert ours.restore(VALUES | {"of an earlier run": ["x"]}) is None
    assert ours.weigh(VALUES | {"of an earlier run": ["x"]}) is None
    assert ours.restore(["no", "fields"]) is None


@pytest.mark.parametrize("count", [1, 3, 9], ids=["one task", "several", "many"])
async def test_what_tasks_wrote_goes_with_the_checkpoint_that_follows(
    savers, empty_postgres_url, count
):
    _, theirs = savers
    for saver, thread_id in zip(savers, ("ours", "theirs"), strict=True):
        config = await put(saver, thread_id)
        writes = [
            asyncio.ensure_future(
                saver.aput_writes(config, [("log", [n]), ("gone", None)], f"task {n}", "path")
            )
            for n in range(count)
        ]
        if saver is theirs:
            await asyncio.gather(*writes)
        await put_next(saver, thread_id, items=["after"])
        await asyncio.gather(*writes)

    assert rows(empty_postgres_url, "ours") == rows(empty_postgres_url, "theirs")
    assert len(rows(empty_postgres_url, "ours")["checkpoint_writes"]) == 2 * count


async def test_what_a_task_wrote_is_stored_by_the_statement_of_the_checkpoint(savers, monkeypatch):
    ours, _ = savers
    config = await put(ours, "ours")
    sent = count_statements(ours, monkeypatch)

    writing = asyncio.ensure_future(ours.aput_writes(config, [("log", ["a"])], "task", "path"))
    await put_next(ours, "ours")
    await writing

    assert len(sent) == 2  # of the two checkpoints
    assert b"checkpoint_writes" in sent[0]


async def test_what_a_task_wrote_goes_alone_where_no_checkpoint_follows(
    savers, empty_postgres_url, monkeypatch
):
    ours, theirs = savers
    mine, other = await put(ours, "ours"), await put(theirs, "theirs")
    sent = count_statements(ours, monkeypatch)
    await ours.aput_writes(mine, [("log", ["a"])], "task", "path")
    await theirs.aput_writes(other, [("log", ["a"])], "task", "path")

    assert len(sent) == 1
    assert rows(empty_postgres_url, "ours") == rows(empty_postgres_url, "theirs")


async def test_of_a_step_that_cannot_be_stored_what_its_tasks_wrote_is(
    savers, empty_postgres_url, monkeypatch
):
    ours, theirs = savers
    config = await put(ours, "ours")
    await theirs.aput_writes(await put(theirs, "theirs"), [("log", ["a"])], "task", "path")
    send = ours._send

    async def fail_with_checkpoints(query: bytes, values: Any) -> None:
        if b"INTO checkpoints " in query:
            raise psycopg.OperationalError("cut off")
        await send(query, values)

    monkeypatch.setattr(ours, "_send", fail_with_checkpoints)
    writing = asyncio.ensure_future(ours.aput_writes(config, [("log", ["a"])], "task", "path"))
    with pytest.raises(psycopg.OperationalError):
        await put_next(ours, "ours")
    await writing

    assert rows(empty_postgres_url, "ours") == rows(empty_postgres_url, "theirs")


async def test_a_task_that_is_cancelled_takes_nobodys_result_along(savers, empty_postgres_url):
    ours, _ = savers
    config = await put(ours, "ours")
    gone, kept = (
        asyncio.ensure_future(ours.aput_writes(config, [("log", [n])], n, "path")) for n in "ab"
    )
    await asyncio.sleep(0)
    storing = asyncio.ensure_future(put(ours, "ours"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(storing, kept)

    stored = rows(empty_postgres_url, "ours")["checkpoint_writes"]
    assert [row[2] for row in stored] == ["a", "b"]  # it was on its way
