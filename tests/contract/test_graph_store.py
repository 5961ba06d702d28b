"""The long-term store that graphs ask for, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest
from langgraph.graph import START, StateGraph

from interlock.core.graphs.entering import enter_project
from interlock.core.graphs.loading import load_all
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.project import read_project
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.graphs.sqlite_store import SqliteStore
from interlock.core.graphs.stores import load_index, open_store
from interlock.core.settings import Settings

EMBEDDED_STORE = Path(__file__).parents[1] / "projects" / "embedded_store"
INDEX = {"dims": 3, "embed": "./embedding.py:embed", "fields": ["text"]}


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request, tmp_path) -> Settings:
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path / "data")
    return Settings(data_dir=tmp_path, database=request.getfixturevalue("empty_postgres_url"))


@pytest.fixture
def project(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = set(sys.modules)
    read = read_project(EMBEDDED_STORE)
    enter_project(read)
    yield read
    for name in set(sys.modules) - modules:
        if name in {"remembers", "embedding"}:
            del sys.modules[name]


async def test_items_are_kept_and_found_after_a_restart(settings):
    async with open_store(settings) as store:
        await store.aput(("users", "1"), "prefs", {"theme": "dark"})
    async with open_store(settings) as store:
        item = await store.aget(("users", "1"), "prefs")
        assert item.value == {"theme": "dark"}
        assert [i.key for i in await store.asearch(("users",))] == ["prefs"]


async def test_a_graphs_own_saver_and_store_are_replaced_in_its_subgraphs_too(settings, project):
    [loaded] = load_all(project)
    async with (
        open_savers(settings) as savers,
        open_store(settings) as store,
        loaded.open({}) as graph,
    ):
        saver = savers.for_run(serializer_for(graph, None))
        ready = prepare(graph, checkpointer=saver, store=store, name="remembers")
        for thread, text in (("1", "stone"), ("2", "river")):
            config = {"configurable": {"thread_id": thread}}
            result = await ready.ainvoke({"text": text}, config, durability="sync")
        assert result["found"] == ["river", "stone"]
        assert len([head async for head in savers.heads()]) == 2
        module = sys.modules["remembers"]
        assert not module.own_saver.storage
        assert not await module.own_store.asearch(())


async def test_saver_and_store_write_side_by_side(settings):
    """On SQLite both write one file, and a store call often reads before it writes."""

    async def node(state, runtime):
        for number in range(5):
            await runtime.store.aget(("n",), str(number))
            await asyncio.gather(
                runtime.store.aput(("n",), f"{state['t']}-{number}", {"v": number}),
                runtime.store.aget(("n",), "0"),
            )
        return {"t": state["t"]}

    graph = StateGraph(dict)
    graph.add_node("a", with_runtime(node))
    graph.add_node("b", with_runtime(node))
    graph.add_edge(START, "a")
    graph.add_edge("a", "b")
    compiled = graph.compile()
    async with open_savers(settings) as savers, open_store(settings) as store:
        serde = serializer_for(compiled, None)

        async def run(number: int) -> None:
            saver = savers.for_run(serde)
            ready = prepare(compiled, checkpointer=saver, store=store, name="x")
            config = {"configurable": {"thread_id": str(number)}}
            await ready.ainvoke({"t": number}, config, durability="sync")

        await asyncio.gather(*(run(number) for number in range(6)))
        assert len(await store.asearch(("n",), limit=100)) == 30


def with_runtime(node):
    from langgraph.runtime import Runtime

    async def call(state: dict, runtime: Runtime) -> dict:
        return await node(state, runtime)

    return call


async def test_sync_nodes_use_the_store_too(settings):
    from langgraph.runtime import Runtime

    def node(state: dict, runtime: Runtime) -> dict:
        runtime.store.put(("sync",), "k", {"v": 1})
        return {"v": runtime.store.get(("sync",), "k").value["v"]}

    graph = StateGraph(dict).add_node("node", node).add_edge(START, "node").compile()
    async with open_store(settings) as store:
        ready = prepare(graph, checkpointer=None, store=store, name="x")
        assert await ready.ainvoke({}) == {"v": 1}


async def test_the_configs_index_finds_by_meaning_where_the_database_can(settings, project):
    told: list[str] = []
    async with open_store(settings, {"index": INDEX}, project=project, warn=told.append) as store:
        for text in ("an apple", "a river", "a stone"):
            await store.aput(("things",), text, {"text": text})
        found = await store.asearch(("things",), query="river", limit=1)
    if told:  # a Postgres without pgvector
        assert not settings.is_embedded
        assert "Install the extension pgvector" in told[0]
        assert len(found) == 1
    else:
        assert found[0].key == "a river"


@pytest.mark.parametrize(
    ("index", "told"),
    [
        ({"dims": 3, "embed": "nobody:knows"}, "store's index cannot be used"),
        ({"dims": 3, "embed": "./nowhere.py:embed"}, "there is no file"),
        ({"dims": 3, "embed": "./embedding.py:nothing"}, "nothing"),
        ({"embed": "./embedding.py:embed"}, "dims"),
        ({"dims": "many", "embed": "./embedding.py:embed"}, "many"),
    ],
)
def test_an_index_whose_embedder_does_not_load_is_told(project, index, told):
    warnings: list[str] = []
    assert load_index(index, project, warnings.append) is None
    assert told in warnings[0]


async def test_an_index_that_cannot_be_used_leaves_the_store_working(settings):
    told: list[str] = []
    config = {"index": {"dims": 3, "embed": "nobody:knows"}}
    async with open_store(settings, config, warn=told.append) as store:
        await store.aput(("a",), "k", {"v": 1})
        assert (await store.aget(("a",), "k")).value == {"v": 1}
    assert len(told) == 1


async def test_items_expire_as_the_config_says(settings):
    config = {"ttl": {"default_ttl": 0.0001, "refresh_on_read": False}}
    async with open_store(settings, config) as store:
        await store.aput(("a",), "k", {"v": 1})
        await store.aput(("a",), "stays", {"v": 1}, ttl=None)
        for _ in range(200):
            if await store.sweep_ttl():
                break
            await asyncio.sleep(0.02)
        assert [item.key for item in await store.asearch(("a",))] == ["stays"]


async def test_many_workers_may_open_the_store_at_once(settings):
    async def open_one() -> int:
        async with open_store(settings) as store:
            return len(await store.asearch(()))

    assert await asyncio.gather(*(open_one() for _ in range(5))) == [0] * 5


@pytest.mark.parametrize("distance", ["cosine", "l2", "inner_product"])
async def test_every_distance_the_config_may_name_is_there(settings, project, distance):
    told: list[str] = []
    config = {"index": {**INDEX, "distance_type": distance}}
    async with open_store(settings, config, project=project, warn=told.append) as store:
        await store.aput(("things",), "a", {"text": "a stone"})
        assert [i.key for i in await store.asearch(("things",), query="stone")] == ["a"]
    assert settings.is_embedded <= (told == [])


async def test_a_setup_killed_halfway_is_finished_by_the_next(tmp_path, monkeypatch):
    settings = Settings(data_dir=tmp_path)
    broken = [
        *SqliteStore.MIGRATIONS[:3],
        "ALTER TABLE store ADD COLUMN ttl_minutes REAL; NOT SQL;",
    ]
    with monkeypatch.context() as patch, pytest.raises(sqlite3.OperationalError):
        patch.setattr(SqliteStore, "MIGRATIONS", broken)
        async with open_store(settings):
            pass
    async with open_store(settings) as store:
        await store.aput(("a",), "k", {"v": 1}, ttl=5)


async def test_a_failed_call_leaves_the_store_working(settings):
    async with open_store(settings) as store:
        with pytest.raises(Exception, match=r"serializ|adapt"):
            await store.aput(("a",), "k", {"v": object()})
        await store.aput(("a",), "k", {"v": 1})
        assert (await store.aget(("a",), "k")).value == {"v": 1}
