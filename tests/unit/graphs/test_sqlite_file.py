"""The checkpoints' file: its owner's alone, and missed when it is removed or replaced."""

from __future__ import annotations

import stat
from typing import Any

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs.sqlite_savers import open_sqlite_savers
from interlock.core.graphs.stores import open_store
from interlock.core.settings import Settings
from interlock.core.types import CheckpointId, ThreadId

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    n: int


def graph_on(savers: Any, node: Any = lambda _: {"n": 1}) -> Any:
    builder = StateGraph(State).add_node("a", node).add_edge(START, "a")
    return builder.compile(checkpointer=savers.for_run(JsonPlusSerializer()))


async def test_what_is_made_is_the_owners_alone(tmp_path):
    path = tmp_path / "new" / "checkpoints.db"
    async with open_sqlite_savers(path) as savers:
        await graph_on(savers).ainvoke({"n": 0}, CONFIG)
        modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in path.parent.iterdir()}

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}, modes


async def test_a_store_makes_what_is_the_owners_alone(tmp_path):
    settings = Settings(data_dir=tmp_path / "new")
    async with open_store(settings) as store:
        await store.aput(("a",), "k", {"v": 1})
        modes = {stat.S_IMODE(f.stat().st_mode) for f in settings.data_dir.iterdir()}

    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert modes == {0o600}


async def test_a_file_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        async with open_sqlite_savers(tmp_path / "file" / "checkpoints.db"):
            pass


@pytest.mark.parametrize(("is_replaced", "told"), [(False, "is gone"), (True, "was replaced")])
async def test_a_file_that_is_taken_away_in_a_run_fails_it_with_the_reason(
    tmp_path, is_replaced, told
):
    path = tmp_path / "checkpoints.db"

    def takes_away(_: State) -> State:
        path.rename(tmp_path / "elsewhere.db")
        if is_replaced:
            path.touch()
        return {"n": 1}

    async with open_sqlite_savers(path) as savers:
        graph = graph_on(savers, takes_away)
        with pytest.raises(StoreUnavailable, match=told):
            await graph.ainvoke({"n": 0}, CONFIG, durability="sync")
        with pytest.raises(StoreUnavailable, match=told):
            await graph.aget_state(CONFIG)
        with pytest.raises(StoreUnavailable, match=told):
            await savers.entries(ThreadId("t"), None, 9)
        with pytest.raises(StoreUnavailable, match=told):
            await savers.pending_resumes(ThreadId("t"), CheckpointId("c"))


async def test_a_store_whose_file_is_gone_says_so(tmp_path):
    settings = Settings(data_dir=tmp_path)
    async with open_store(settings) as store:
        settings.checkpoints_path.rename(tmp_path / "elsewhere.db")
        with pytest.raises(StoreUnavailable, match="is gone"):
            await store.aput(("a",), "k", {"v": 1})
