"""The savers we ship, on both databases: LangGraph's own conformance suite, and our questions."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.base import create_checkpoint, empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import BASE_CAPABILITIES
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs.checkpoints import read_time
from interlock.core.graphs.postgres_savers import SETUP_LOCK, open_pool
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import Savers, open_savers
from interlock.core.graphs.serde import UnstorableValue, serializer_for
from interlock.core.settings import Settings

STORED_TYPES = Path(__file__).parents[1] / "projects" / "stored_types"


class State(TypedDict):
    value: Any
    answers: list[Any]


def ask_twice(_state: State) -> dict:
    return {"answers": [interrupt("first?"), interrupt("second?")]}


def build():
    inner = StateGraph(State).add_node("ask", ask_twice).add_edge(START, "ask").compile()
    return StateGraph(State).add_node("inner", inner).add_edge(START, "inner").compile()


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request, tmp_path) -> Settings:
    """Settings whose checkpoint database is empty; the test runs once on each kind."""
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path / "data")
    return Settings(data_dir=tmp_path, database=request.getfixturevalue("empty_postgres_url"))


@pytest.fixture
async def savers(settings) -> AsyncIterator[Savers]:
    async with open_savers(settings) as opened:
        yield opened


def config_of(thread_id: str, **more: Any) -> dict[str, Any]:
    return {
        "configurable": {"thread_id": thread_id, **more},
        "metadata": {"run_id": f"run-of-{thread_id}"},
    }


async def test_the_savers_conform_to_langgraphs_own_suite(savers):
    @checkpointer_test(name="ours")
    async def ours():
        yield savers.for_run(serializer_for(None, None))

    report = await validate(ours, capabilities={c.value for c in BASE_CAPABILITIES})
    failures = [failure for result in report.results.values() for failure in result.failures or ()]
    assert failures == []
    tested = {name for name, result in report.results.items() if result.passed}
    assert tested >= {c.value for c in BASE_CAPABILITIES}


async def test_a_run_is_held_resumed_and_told_by_its_rows(savers):
    graph = build()
    saver = savers.for_run(serializer_for(graph, None))
    ready = prepare(graph, checkpointer=saver, store=None, name="x")
    config = config_of("t")
    before = datetime.now(UTC)
    await ready.ainvoke({"value": "x" * 1000}, config, durability="sync")

    first, second = await savers.entries("t", None, 10)
    assert (first.parent_id, first.step, first.source) == (None, -1, "input")
    assert (second.parent_id, second.step, second.source) == (first.checkpoint_id, 0, "loop")
    assert second.run_id == "run-of-t"
    assert second.size_bytes > 1000
    assert abs(second.created_at - before) < timedelta(minutes=1)
    assert [head async for head in savers.heads()] == [("t", second.checkpoint_id)]
    assert await savers.entries("t", first.checkpoint_id, 10) == [second]
    assert await savers.entries("t", None, 1) == [first]
    assert await savers.entries("t", second.checkpoint_id, 10) == []
    assert await savers.entries("unknown", None, 10) == []

    assert await savers.pending_resumes("t", second.checkpoint_id) == {}
    for count, answer in enumerate(("one", "two"), start=1):
        state = await ready.aget_state(config)
        answers = Command(resume={state.interrupts[0].id: answer})
        result = await ready.ainvoke(answers, config, durability="sync")
        if count == 1:
            assert list((await savers.pending_resumes("t", second.checkpoint_id)).values()) == [1]
    assert result["answers"] == ["one", "two"]
    assert await savers.pending_resumes("t", first.checkpoint_id) == {}


async def test_answers_of_tasks_at_the_root_are_counted_by_task(savers):
    def fan_out(_state):
        return [Send("ask", {"value": number}) for number in range(3)]

    def ask(state):
        return {"answers": [interrupt(state["value"]), interrupt("again")]}

    builder = StateGraph(State).add_node("ask", ask).add_conditional_edges(START, fan_out, ["ask"])
    graph = builder.compile()
    saver = savers.for_run(serializer_for(graph, None))
    ready = prepare(graph, checkpointer=saver, store=None, name="x")
    config = config_of("t")
    await ready.ainvoke({"value": 0}, config, durability="sync")
    state = await ready.aget_state(config)
    one = state.tasks[1]
    await ready.ainvoke(Command(resume={one.interrupts[0].id: "a"}), config, durability="sync")
    head = state.config["configurable"]["checkpoint_id"]
    assert await savers.pending_resumes("t", head) == {one.id: 1}


async def test_runs_side_by_side_do_not_mix(savers):
    graph = build()
    serde = serializer_for(graph, None)

    async def run(number: int) -> Any:
        ready = prepare(graph, checkpointer=savers.for_run(serde), store=None, name="x")
        config = config_of(f"thread-{number}")
        await ready.ainvoke({"value": number}, config, durability="sync")
        return (await ready.aget_state(config)).values["value"]

    assert await asyncio.gather(*(run(n) for n in range(12))) == list(range(12))
    heads = [thread_id async for thread_id, _ in savers.heads()]
    assert sorted(heads) == sorted(f"thread-{n}" for n in range(12))


async def test_heads_are_read_page_by_page(savers, monkeypatch):
    monkeypatch.setattr("interlock.core.graphs.sqlite_savers.HEADS_PER_PAGE", 2)
    monkeypatch.setattr("interlock.core.graphs.postgres_savers.HEADS_PER_PAGE", 2)
    saver = savers.for_run(serializer_for(None, None))
    newest = {}
    for name in ("a", "b", "c", "d", "e"):
        for step in range(2):
            newest[name] = await put(saver, name, step=step)
    await put(saver, "f", step=0, namespace="inner:1")  # a thread without a root checkpoint
    assert {thread: head async for thread, head in savers.heads()} == newest


async def put(saver, thread_id: str, *, step: int, namespace: str = "", **more: Any) -> str:
    checkpoint = {**create_checkpoint(empty_checkpoint(), None, step), **more}
    config = config_of(thread_id, checkpoint_ns=namespace)
    await saver.aput(config, checkpoint, {"source": "loop", "step": step, "parents": {}}, {})
    return checkpoint["id"]


async def test_an_id_that_holds_no_time_is_dated_by_its_timestamp(savers):
    saver = savers.for_run(serializer_for(None, None))
    await put(saver, "t", step=3, id="not-a-uuid", ts="2026-01-02T03:04:05+00:00")
    [entry] = await savers.entries("t", None, 10)
    assert entry.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_time_in_an_id_is_read_back():
    now = datetime.now(UTC)
    assert abs(read_time(empty_checkpoint()["id"]) - now) < timedelta(seconds=5)
    assert read_time("0190163d-8694-739b-aea5-966c26f8ad90") is None


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_a_value_that_cannot_be_stored_fails_the_run_and_names_its_channel(
    savers, durability
):
    def bad(_state):
        return {"value": {"items": [1, object()]}}

    graph = StateGraph(State).add_node("bad", bad).add_edge(START, "bad").compile()
    saver = savers.for_run(serializer_for(graph, None))
    ready = prepare(graph, checkpointer=saver, store=None, name="x")
    with pytest.raises(UnstorableValue) as caught:
        await ready.ainvoke({"value": 1}, config_of("t"), durability=durability)
    assert caught.value.key_path == "value.items[1]"
    assert caught.value.type_name == "object"


async def test_after_such_a_failure_the_thread_stands_where_it_stood(savers):
    def bad(state):
        return {"value": object() if state["value"] == 1 else "good"}

    graph = StateGraph(State).add_node("bad", bad).add_edge(START, "bad").compile()
    saver = savers.for_run(serializer_for(graph, None))
    ready = prepare(graph, checkpointer=saver, store=None, name="x")
    with pytest.raises(UnstorableValue):
        await ready.ainvoke({"value": 1}, config_of("t"), durability="sync")
    state = await ready.aget_state(config_of("t"))
    assert state.values == {"value": 1}
    assert state.next == ("bad",)


@pytest.mark.parametrize("kind", ["setup at once", "setup twice"])
async def test_the_tables_are_made_once_however_many_ask(settings, kind):
    async def open_one() -> list[Any]:
        async with open_savers(settings) as opened:
            await opened.setup()
            return [head async for head in opened.heads()]

    if kind == "setup twice":
        assert await open_one() == await open_one() == []
    else:
        assert await asyncio.gather(*(open_one() for _ in range(6))) == [[]] * 6


async def test_a_process_that_holds_the_setup_for_ever_is_told(
    empty_postgres_url, tmp_path, monkeypatch
):
    from psycopg import AsyncConnection

    monkeypatch.setattr("interlock.core.graphs.postgres_savers.SETUP_TIMEOUT_S", 0.2)
    settings = Settings(data_dir=tmp_path, database=empty_postgres_url)
    url = empty_postgres_url.replace("+psycopg", "")
    async with await AsyncConnection.connect(url, autocommit=True) as holder:
        await holder.execute("SELECT pg_advisory_lock(%s)", (SETUP_LOCK,))
        with pytest.raises(StoreUnavailable, match="still making the checkpoint tables"):
            async with open_savers(settings):
                pass


async def test_a_database_that_does_not_answer_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("interlock.core.graphs.postgres_savers.OPEN_TIMEOUT_S", 0.3)
    settings = Settings(data_dir=tmp_path, database="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        async with open_savers(settings):
            pass


PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from interlock.core.graphs.project import read_project
from interlock.core.graphs.entering import enter_project
from interlock.core.settings import Settings

async def main(phase):
    project = read_project(Path({project!r}))
    enter_project(project)
    from langgraph.types import Command
    from interlock.core.graphs.loading import load_all
    from interlock.core.graphs.preparing import prepare
    from interlock.core.graphs.savers import open_savers
    from interlock.core.graphs.serde import serializer_for
    from interlock.core.graphs.trusting import ProjectTypes
    [loaded] = load_all(project)
    settings = Settings(data_dir=Path({data_dir!r}), database={database!r})
    config = {{"configurable": {{"thread_id": "t"}}}}
    async with open_savers(settings) as savers, loaded.open(config) as graph:
        serde = serializer_for(graph, ProjectTypes(project))
        ready = prepare(graph, checkpointer=savers.for_run(serde), store=None, name="x")
        if phase == "start":
            await ready.ainvoke({{"made": None}}, config, durability="sync")
        assert ("late" in sys.modules) == (phase == "start")
        state = await ready.aget_state(config)
        made = state.values["made"]
        kinds = [f"{{type(v).__module__}}.{{type(v).__qualname__}}" for v in made.values()]
        if phase == "resume":
            answers = Command(resume={{state.interrupts[0].id: True}})
            result = await ready.ainvoke(answers, config, durability="sync")
            assert result["seen"] == repr(made)
        print(json.dumps([kinds, repr(made)]))

asyncio.run(main(sys.argv[1]))
"""


def test_the_projects_classes_come_back_in_another_process(settings):
    """One process holds a run; another, which has not imported all its modules yet, resumes it."""
    program = PROGRAM.format(
        project=str(STORED_TYPES), data_dir=str(settings.data_dir), database=settings.database
    )
    told = []
    for phase in ("start", "resume"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, phase],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told.append(json.loads(done.stdout))
    assert told[0] == told[1]
    kinds, text = told[0]
    local, late = kinds[1:]
    assert kinds[0] == "shapes.Box"
    assert local.startswith("__flat_dir__graph_")
    assert local.endswith(".Local")
    assert late == "late.Late"
    assert "colour=<Colour.RED: 'red'>" in text
    assert "Point(x=1, y=2)" in text


async def test_answers_that_come_twice_for_one_place_are_stored_as_langgraph_does(savers):
    saver = savers.for_run(serializer_for(None, None))
    config = {"configurable": {"thread_id": "twice", "checkpoint_ns": ""}}
    stored = await saver.aput(config, empty_checkpoint(), {"step": -1}, {})
    await saver.aput_writes(stored, [("__resume__", "first"), ("__resume__", "second")], "task")

    found = await saver.aget_tuple(stored)
    assert [value for _, channel, value in found.pending_writes] == ["second"]


async def test_a_session_of_a_host_that_is_lost_ends_by_the_servers_own_looking(empty_postgres_url):
    heard = []

    async def note(conn: Any) -> None:
        heard.append(conn)

    url = empty_postgres_url.replace("+psycopg", "")
    async with (
        open_pool(url, max_size=1, application_name="test", on_connect=note) as pool,
        pool.connection() as conn,
    ):
        found = await conn.execute("SHOW idle_in_transaction_session_timeout")
        assert await found.fetchone() == {"idle_in_transaction_session_timeout": "30s"}
        assert heard == [conn]
