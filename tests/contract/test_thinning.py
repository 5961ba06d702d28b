"""Deleting a thread's older points, on both databases: what stays is as it was and can be gone on from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.graph import END, START, StateGraph
from sqlalchemy import text

from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import Savers, open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.model.pruning import WHY, Hold, Retention
from interlock.core.model.runs import RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import history, pruning
from interlock.core.services.context import App
from interlock.core.services.placing import index_checkpoints
from interlock.core.settings import Settings
from interlock.core.store import audit, snapshots, threads
from interlock.core.store import engine as engines
from interlock.core.worker.indexing import read_entries
from interlock.core.worker.pruning import answer_prune

KEEP = 4


class State(TypedDict):
    turn: int
    big: list[Any]
    seen: int


class Memory(TypedDict):
    turn: int
    count: int
    seen: int


def _remember(state: Any) -> dict[str, Any]:
    count = state.get("count", 0) + 1
    return {"count": count, "seen": count}


def build() -> Any:
    """Five turns of a node, of a subgraph that remembers and of one that does not."""
    memory = StateGraph(Memory).add_node("count", _remember).add_edge(START, "count")
    team = StateGraph(State).add_node("work", lambda s: {"big": [s["turn"]]})
    graph = (
        StateGraph(State)
        .add_node("plan", lambda s: {"turn": s["turn"] + 1})
        .add_node("memory", memory.compile(checkpointer=True))
        .add_node("team", team.add_edge(START, "work").compile())
        .add_edge(START, "plan")
        .add_edge("plan", "memory")
        .add_edge("memory", "team")
        .add_conditional_edges("team", lambda s: "plan" if s["turn"] < 5 else END)
    )
    return graph.compile()


class Deltas(TypedDict):
    log: Annotated[list[str], DeltaChannel(lambda held, given: [*(held or ()), *given])]


@pytest.fixture
def app(engine, database_url, frozen, tmp_path) -> App:
    given = {"database": database_url} if database_url.startswith("postgres") else {}
    settings = Settings(data_dir=tmp_path / "data", **given)
    return App(settings=settings, engine=engine, queue=LocalQueue(), clock=frozen)


@pytest.fixture
async def savers(app) -> AsyncIterator[Savers]:
    async with open_savers(app.settings) as opened:
        yield opened


def config(thread_id: str = "t1", **place: str) -> Any:
    return {"configurable": {"thread_id": thread_id, **place}}


async def tell(graph: Any, thread_id: str = "t1") -> list[Any]:
    return [
        (s.config["configurable"]["checkpoint_id"], s.values, s.next, s.metadata["step"])
        async for s in graph.aget_state_history(config(thread_id))
    ]


async def fill(app: App, savers: Savers, make: Any, name: str, bare: Any, given: Any) -> Any:
    graph = prepare(
        bare, checkpointer=savers.for_run(serializer_for(bare, None)), store=None, name="x"
    )
    await graph.ainvoke(given, config(name), durability="sync")
    entries = await read_entries(savers, graph, name, after=None, head=None, step_nodes={})
    with engines.write(app.engine) as conn:
        threads.insert(conn, make.thread(name, last_run_id=f"run of {name}"))
        make.put_run(conn, f"run of {name}", thread_id=name, status=RunStatus.DONE)
        index_checkpoints(conn, name, entries)
        for entry in entries:
            state = make.snapshot(thread_id=name, checkpoint_id=entry.checkpoint_id)
            snapshots.put(conn, state)
    return graph


async def thin(app: App, savers: Any) -> pruning.Pruning:
    async def call(function: Any, *args: Any) -> Any:
        return function(*args)

    wanted = Retention(most=0, points=KEEP)
    found = pruning.plan(app, wanted)
    pruning.hand_out(app, wanted, found.threads, actor="ann", reason="")
    tools: Any = SimpleNamespace(app=app, call=call, workshop=SimpleNamespace(savers=savers))
    with engines.write(app.engine) as conn:
        jobs = app.queue.claim(conn, worker_id="w", limit=20, now=app.clock.now())
    for job in jobs:
        await answer_prune(tools, job)
    return found


def count(app: App, table: str, thread_id: str = "t1") -> int:
    with engines.read(app.engine) as conn:
        query = text(f"SELECT count(*) FROM {table} WHERE thread_id = '{thread_id}'")
        found: int = conn.execute(query).scalar_one()
    return found


class Killed(BaseException):
    pass


async def test_the_newest_points_stay_as_they_were_and_are_gone_on_from(app, savers, make):
    given = {"turn": 0, "big": [0], "seen": 0}
    graph = await fill(app, savers, make, "t1", build(), given)
    other = await fill(app, savers, make, "t2", build(), given)
    before, others = await tell(graph), await tell(other, "t2")
    blobs = 0 if app.settings.is_embedded else count(app, "checkpoint_blobs")
    oldest = before[KEEP - 1][0]
    replayed = [
        await other.ainvoke(None, config("t2", checkpoint_id=others[KEEP - 1][0])),
        len(await tell(other, "t2")),
    ]
    others = await tell(other, "t2")
    with engines.write(app.engine) as conn:  # of the second it does not know the fork
        make.put_run(conn, "r9", thread_id="t2", status=RunStatus.RUNNING)

    class Mortal:
        async def delete_points(self, *given: Any) -> None:
            await savers.delete_points(*given)
            raise Killed

    with pytest.raises(Killed):
        await thin(app, Mortal())
    with engines.write(app.engine) as conn:
        for job in conn.execute(text("SELECT job_id FROM jobs")).scalars().all():
            app.queue.finish(conn, job, failed=True)
    found = await thin(app, savers)

    (line,) = found.threads
    assert (line.thread.thread_id, line.point_count) == ("t1", len(before) - KEEP)
    assert [kept.why for kept in found.kept] == [WHY[Hold.OPEN]]
    assert await tell(graph) == before[:KEEP]
    assert await tell(other, "t2") == others
    points = history.open_history(app, "t1")
    assert [p.checkpoint_id for p in points.points] == [entry[0] for entry in before[:KEEP]]
    assert count(app, "snapshots") == KEEP
    if not app.settings.is_embedded:
        assert 0 < count(app, "checkpoint_blobs") < blobs / 2
    with engines.read(app.engine) as conn:
        (last,) = audit.fetch_many(conn, limit=1)
    assert (last.action, last.before["points"], last.after["points"]) == (
        *("prune:points", len(before)),
        KEEP,
    )
    # From the oldest that is left it runs as it would have, its subgraph's memory as it was then.
    ended = await graph.ainvoke(None, config(checkpoint_id=oldest))
    assert (ended, len(await tell(graph)) - KEEP) == (replayed[0], replayed[1] - len(before))
    assert pruning.plan(app, Retention(most=0, points=KEEP + 9)).threads == ()


async def test_a_thread_whose_channel_keeps_what_changed_keeps_its_points(app, savers, make):
    bare = StateGraph(Deltas).add_node("one", lambda s: {"log": "a"}).add_edge(START, "one")
    for number in range(4):
        bare.add_node(f"n{number}", lambda s: {"log": "b"}).add_edge("one", f"n{number}")
    for number in range(3):
        bare.add_edge(f"n{number}", f"n{number + 1}")
    graph = await fill(app, savers, make, "t1", bare.compile(), {"log": "in"})
    before = await tell(graph)
    assert len(before) > KEEP

    found = await thin(app, savers)

    assert ([k.why for k in found.kept], found.threads) == ([WHY[Hold.DELTAS]], ())
    assert await tell(graph) == before
