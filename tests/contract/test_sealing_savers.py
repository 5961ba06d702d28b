"""Checkpoints where there are keys: what LangGraph asks of a saver, and what the database tells then."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import BASE_CAPABILITIES
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from interlock.core import ciphers
from interlock.core.ciphers import Cipher
from interlock.core.errors import KeyMissing
from interlock.core.graphs.checkpoints import Question
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.settings import Settings

NAME, ANSWER = "Ada-4711", "yes-4711"
CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}, "metadata": {"run_id": "r"}}
ALL = {
    "sqlite": [
        "SELECT CAST(checkpoint AS BLOB) FROM checkpoints",
        "SELECT CAST(metadata AS BLOB) FROM checkpoints",
        "SELECT CAST(value AS BLOB) FROM writes",
    ],
    "postgres": [
        "SELECT checkpoint::text || metadata::text FROM checkpoints",
        "SELECT encode(coalesce(blob, ''), 'escape') FROM checkpoint_blobs",
        "SELECT encode(coalesce(blob, ''), 'escape') FROM checkpoint_writes",
    ],
}


class State(TypedDict):
    name: str
    amount: int
    answers: list[Any]


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request, tmp_path) -> Settings:
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path / "data")
    return Settings(data_dir=tmp_path, database=request.getfixturevalue("empty_postgres_url"))


def build() -> Any:
    def note(_state: State) -> dict[str, Any]:
        return {"amount": 2}

    def ask(state: State) -> dict[str, Any]:
        return {"answers": [interrupt({"of": state["name"]})]}

    builder = StateGraph(State).add_node("note", note).add_node("ask", ask)
    return builder.add_edge(START, "note").add_edge("note", "ask").compile()


async def told(savers: Any, settings: Settings) -> str:
    kind = "sqlite" if settings.is_embedded else "postgres"
    found = [await savers.ask(Question(query, query), ()) for query in ALL[kind]]
    return "\n".join(str(row[0]) for rows in found for row in rows)


async def test_a_saver_that_encrypts_conforms_to_langgraphs_own_suite(settings):
    async with open_savers(settings, cipher=Cipher([ciphers.make_key()])) as savers:

        @checkpointer_test(name="sealed")
        async def sealed():
            yield savers.for_run(serializer_for(None, None))

        report = await validate(sealed, capabilities={c.value for c in BASE_CAPABILITIES})
    assert [f for result in report.results.values() for f in result.failures or ()] == []


async def test_the_database_tells_nothing_of_a_state_and_the_thread_goes_on(settings):
    cipher = Cipher([ciphers.make_key()])
    async with open_savers(settings, cipher=cipher) as savers:
        for step in ("ask", "answer"):
            graph = build()
            saver = savers.for_run(serializer_for(graph, None))
            ready = prepare(graph, checkpointer=saver, store=None, name="x")
            if step == "ask":
                await ready.ainvoke({"name": NAME, "amount": 1}, CONFIG, durability="sync")
                continue
            state = await ready.aget_state(CONFIG)
            assert state.values == {"name": NAME, "amount": 2}
            answer = Command(resume={state.interrupts[0].id: ANSWER})
            ended = await ready.ainvoke(answer, CONFIG, durability="sync")
            assert ended == {"name": NAME, "amount": 2, "answers": [ANSWER]}
            past = [point.values.get("name") async for point in ready.aget_state_history(CONFIG)]
            assert past == [NAME, NAME, NAME, None][: len(past)]
        entries = await savers.entries("t", None, 10)
        assert [entry.run_id for entry in entries] == ["r"] * len(entries)
        everything = await told(savers, settings)
        assert NAME not in everything
        assert ANSWER not in everything
        assert '"run_id": "r"' in everything


async def test_a_thread_from_before_goes_on_encrypted(settings):
    async with open_savers(settings) as savers:
        graph = build()
        saver = savers.for_run(serializer_for(graph, None))
        ready = prepare(graph, checkpointer=saver, store=None, name="x")
        await ready.ainvoke({"name": NAME, "amount": 1}, CONFIG, durability="sync")
        head = (await savers.entries("t", None, 10))[-1].checkpoint_id
    async with open_savers(settings, cipher=Cipher([ciphers.make_key()])) as savers:
        graph = build()
        saver = savers.for_run(serializer_for(graph, None))
        ready = prepare(graph, checkpointer=saver, store=None, name="x")
        state = await ready.aget_state(CONFIG)
        answer = Command(resume={state.interrupts[0].id: ANSWER})
        ended = await ready.ainvoke(answer, CONFIG, durability="sync")
        assert ended == {"name": NAME, "amount": 2, "answers": [ANSWER]}
        assert (await ready.aget_state(CONFIG)).values == ended
        assert len(await savers.pending_resumes("t", head)) == 1
        assert ANSWER not in await told(savers, settings)


async def test_a_thread_whose_key_is_gone_says_which(settings):
    key = ciphers.make_key()
    graph = build()
    async with open_savers(settings, cipher=Cipher([key])) as savers:
        saver = savers.for_run(serializer_for(graph, None))
        ready = prepare(graph, checkpointer=saver, store=None, name="x")
        await ready.ainvoke({"name": NAME, "amount": 1}, CONFIG, durability="sync")
    for cipher in (None, Cipher([ciphers.make_key()])):
        async with open_savers(settings, cipher=cipher) as savers:
            saver = savers.for_run(serializer_for(graph, None))
            ready = prepare(graph, checkpointer=saver, store=None, name="x")
            with pytest.raises(KeyMissing, match=ciphers.fingerprint(key)):
                await ready.aget_state(CONFIG)
