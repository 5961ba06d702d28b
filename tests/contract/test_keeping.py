"""A run's saver on a real Postgres that is stopped: what it keeps, reads and stores late (R7)."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph

from interlock.core.graphs import keeping as keepings
from interlock.core.graphs import postgres_savers
from interlock.core.graphs.keeping import Keeping, TakenOver
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.settings import Settings


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


class Owner:
    """Whoever carries the run: notes what it is told."""

    def __init__(self) -> None:
        self.is_ours = True
        self.marked: list[int] = []
        self.told: list[Any] = []

    async def come_back(self, steps: int) -> bool:
        self.marked.append(steps)
        return self.is_ours

    def on_memory(self) -> None:
        self.told.append("memory")

    def on_stored(self, steps: int, seconds: float) -> None:
        assert seconds > 0
        self.told.append(steps)

    def on_lost(self, steps: int) -> None:
        self.told.append(f"lost {steps}")


@pytest.fixture
async def savers(stoppable_postgres, tmp_path, monkeypatch) -> AsyncIterator[Any]:
    """Savers on the server, which runs again for the next test; nobody waits before going on."""
    monkeypatch.setattr(keepings, "GRACE_S", 0.0)
    monkeypatch.setattr(postgres_savers, "CONNECTION_TIMEOUT_S", 0.1)
    stoppable_postgres.stop()
    stoppable_postgres.start()
    settings = Settings(data_dir=tmp_path, database=stoppable_postgres.url)
    async with open_savers(settings) as opened:
        yield opened


def build(stop):
    """A graph in the midst of which the database goes away; then a subgraph, twice in one node."""

    async def away(_: State) -> dict:
        await asyncio.to_thread(stop)
        return {"log": ["away"]}

    def step(name):
        return lambda _: {"log": [name]}

    inner = StateGraph(State).add_sequence([("one", step("one")), ("two", step("two"))])
    team = inner.add_edge(START, "one").compile()

    async def twice(state: State) -> dict:
        first = await team.ainvoke({"log": []})
        second = await team.ainvoke({"log": first["log"]})
        return {"log": second["log"]}

    builder = StateGraph(State)
    builder.add_sequence([("away", away), ("team", team), ("twice", twice)])
    return builder.add_edge(START, "away").compile()


def open_graph(savers, graph, owner):
    """The graph on a saver that keeps, and the keeping."""
    keeping = Keeping(owner)
    saver = savers.for_run(serializer_for(graph, None), keeping)
    return prepare(graph, checkpointer=saver, store=None, name="x"), keeping


def config_of(thread_id):
    return {"configurable": {"thread_id": thread_id}, "metadata": {"run_id": f"of-{thread_id}"}}


NAMELESS = "regexp_replace(checkpoint_ns, ':[0-9a-f-]+', '', 'g') AS space"
ROWS = {
    "checkpoints": f"{NAMELESS}, metadata->'step' AS step, checkpoint->'channel_values' AS kept",
    "checkpoint_blobs": f"{NAMELESS}, type, blob",
    "checkpoint_writes": f"{NAMELESS}, idx, channel, type, blob",
}


async def read_all(savers, thread_id):
    """Every row of a thread, but for what differs from run to run."""
    found = {}
    for table, columns in ROWS.items():
        query = f"SELECT {columns} FROM {table} WHERE thread_id = %s"
        rows = await savers._fetch(query, (thread_id,))
        found[table] = sorted(str(row) for row in rows)
    return found


async def test_a_run_goes_on_without_its_database_and_is_stored_to_the_letter_when_it_is_back(
    savers, stoppable_postgres
):
    server, owner = stoppable_postgres, Owner()
    plain, _ = open_graph(savers, build(lambda: None), Owner())
    expected = await plain.ainvoke({"log": []}, config_of("plain"), durability="sync")
    graph, keeping = open_graph(savers, build(server.stop), owner)

    ended = await graph.ainvoke({"log": []}, config_of("late"), durability="sync")

    assert ended == expected
    assert keeping.is_on
    assert owner.told == ["memory"]
    reading = asyncio.create_task(graph.aget_state(config_of("late")))
    await asyncio.to_thread(server.start)
    state = await reading  # waits until all is stored

    assert state.values == expected
    assert not keeping.is_on
    assert owner.told == ["memory", keeping.steps]
    assert owner.marked[-1] == keeping.steps
    assert await read_all(savers, "late") == await read_all(savers, "plain")
    stored = await savers.entries("late", None, 50)
    assert keeping.steps >= 3 and len(stored) == len(await savers.entries("plain", None, 50))


async def test_what_another_worker_has_taken_over_is_thrown_away_loudly(
    savers, stoppable_postgres, caplog
):
    server, owner = stoppable_postgres, Owner()
    graph, keeping = open_graph(savers, build(server.stop), owner)
    await graph.ainvoke({"log": []}, config_of("taken"), durability="sync")
    owner.is_ours = False
    await asyncio.to_thread(server.start)

    with pytest.raises(TakenOver):
        await keeping.settle()

    assert keeping.is_lost
    assert owner.told == ["memory", f"lost {keeping.steps}"]
    assert "kept_steps_lost" in caplog.messages
    assert [e.step for e in await savers.entries("taken", None, 50)] == [-1, 0]
    with pytest.raises(TakenOver):  # and it stays so
        await graph.ainvoke({"log": []}, config_of("taken"), durability="sync")


async def test_with_no_more_room_it_holds(savers, stoppable_postgres, monkeypatch):
    monkeypatch.setattr(keepings, "MAX_WRITES", 2)
    server, owner = stoppable_postgres, Owner()
    graph, keeping = open_graph(savers, build(server.stop), owner)
    running = asyncio.create_task(graph.ainvoke({"log": []}, config_of("full"), durability="sync"))
    while len(keeping._writes) < 3:
        await asyncio.wait({running}, timeout=0.01)

    assert not running.done()
    assert len(keeping._writes) < 6  # with those that were on their way together
    await asyncio.to_thread(server.start)
    await running
    await keeping.settle()
    assert (await graph.aget_state(config_of("full"))).next == ()
