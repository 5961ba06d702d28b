"""A saver that gathers its statements stores what LangGraph's own would, row for row."""

from __future__ import annotations

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
