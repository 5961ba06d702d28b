"""What a task was handed and gave out, read from its checkpoints alone, on both databases."""

from __future__ import annotations

import operator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from langgraph.cache.memory import InMemoryCache
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.types import CachePolicy, Command, Send, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.graphs.steps import Wanted, read_step
from interlock.core.model.steps import Handed, Step
from interlock.core.settings import Settings


class State(TypedDict, total=False):
    items: list[str]
    note: str
    log: Annotated[list[Any], operator.add]


class Strict(BaseModel):
    note: str = "unset"
    items: list[str] = []


@pytest.fixture(params=["sqlite", "postgres"])
async def savers(request, tmp_path):
    if request.param == "sqlite":
        settings = Settings(data_dir=tmp_path / "data")
    else:
        url = request.getfixturevalue("empty_postgres_url")
        settings = Settings(data_dir=tmp_path, database=url)
    async with open_savers(settings) as opened:
        yield opened


@dataclass
class Shop:
    """Runs one graph, remembers where each task stood, and reads tasks as a worker does."""

    graph: Any
    savers: Any
    tasks: list[dict[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, _workflow, _config):
        saver = self.savers.for_run(serializer_for(self.graph, None))
        yield prepare(self.graph, checkpointer=saver, store=None, name="x")

    async def run(self, value, *, thread="t", **more):
        config = {"configurable": {"thread_id": thread}, "callbacks": []}
        async with self.open("x", {}) as graph:
            found = graph.astream(
                value,
                config,
                stream_mode="debug",
                subgraphs=True,
                durability="sync",
                **more,
            )
            async for namespace, event in found:
                if event["type"] == "task":
                    told = event["payload"]
                    place = "|".join([*namespace, f"{told['name']}:{told['id']}"])
                    self.tasks.append(
                        {"name": told["name"], "id": told["id"], "at": place, "step": event["step"]}
                    )

    async def state(self, thread="t"):
        async with self.open("x", {}) as graph:
            return await graph.aget_state({"configurable": {"thread_id": thread}})

    async def read(self, name, number=0, *, max_bytes=100_000, thread="t") -> Step | None:
        told = [t for t in self.tasks if t["name"] == name][number]
        wanted = Wanted(
            workflow="x",
            thread_id=thread,
            task_id=told["id"],
            namespace=told["at"],
            step=told["step"],
            max_bytes=max_bytes,
        )
        return await read_step(self, wanted)


def note(text):
    return lambda _state: {"log": [text]}


async def test_a_plain_node_with_what_follows_it(savers):
    handed: list[Any] = []

    def second(state: Strict) -> dict:
        handed.append(state)
        return {"log": ["second"], "note": "changed"}

    graph = (
        StateGraph(State)
        .add_node("first", note("first"))
        .add_node("second", second)
        .add_edge(START, "first")
        .add_edge("first", "second")
        .add_edge("second", END)
        .compile()
    )
    shop = Shop(graph, savers)
    await shop.run({"items": ["a"], "note": "as launched"})
    first, second_ = await shop.read("first"), await shop.read("second")
    assert first is not None
    assert first.handed is Handed.INPUT
    assert first.input == {"items": ["a"], "note": "as launched", "log": []}
    assert (first.has_output, first.output, first.leads_to) == (
        True,
        {"log": ["first"]},
        ("second",),
    )
    assert second_ is not None
    assert second_.input == {"note": "as launched", "items": ["a"]} == handed[0].model_dump()
    assert second_.output == {"log": ["second"], "note": "changed"}
    assert (second_.error, second_.questions, second_.sends) == (None, (), ())


async def test_each_send_has_its_own_input_and_the_sender_says_what_it_sent(savers):
    def split(state: State) -> list[Send]:
        return [Send("part", {"item": item}) for item in state["items"]]

    graph = (
        StateGraph(State)
        .add_node("plan", note("plan"))
        .add_node("part", lambda part: {"log": [part["item"] * 2]})
        .add_edge(START, "plan")
        .add_conditional_edges("plan", split, ["part"])
        .compile()
    )
    shop = Shop(graph, savers)
    await shop.run({"items": ["a", "b", "c"]})
    plan = await shop.read("plan")
    assert plan is not None
    assert plan.sends == tuple({"node": "part", "arg": {"item": i}} for i in "abc")
    read = [await shop.read("part", n) for n in range(3)]
    assert {(p.input["item"], p.output["log"][0]) for p in read if p} == {
        ("a", "aa"),
        ("b", "bb"),
        ("c", "cc"),
    }


async def test_a_question_is_beside_the_input(savers):
    def ask(state: State) -> dict:
        return {"log": [interrupt({"question": state["note"]}), interrupt("sure?")]}

    shop = Shop(StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile(), savers)
    await shop.run({"note": "Pay?"})
    asked = await shop.read("ask")
    assert asked is not None
    assert (asked.input["note"], asked.has_output) == ("Pay?", False)
    assert asked.questions == ({"question": "Pay?"},)
    for answer in ("yes", "quite"):
        found = (await shop.state()).interrupts[0].id
        await shop.run(Command(resume={found: answer}))
    answered = await shop.read("ask")
    assert answered is not None
    assert answered.output == {"log": ["yes", "quite"]}
    assert not answered.is_edited


async def test_a_failed_task_tells_its_error_until_it_went_well(savers):
    tries: list[int] = []

    def work(state: State) -> dict:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("no funds")
        return {"log": ["paid"]}

    shop = Shop(StateGraph(State).add_node("work", work).add_edge(START, "work").compile(), savers)
    with pytest.raises(ValueError, match="no funds"):
        await shop.run({"note": "n"})
    failed = await shop.read("work")
    assert failed is not None
    assert failed.input == {"note": "n", "log": []}
    assert failed.error is not None
    assert "no funds" in failed.error
    assert not failed.has_output
    await shop.run(None)
    paid = await shop.read("work")
    assert paid is not None
    assert (paid.error, paid.output) == (None, {"log": ["paid"]})


async def test_an_edit_at_a_breakpoint_is_part_of_what_the_node_was_handed(savers):
    graph = (
        StateGraph(State)
        .add_node("first", note("first"))
        .add_node("second", lambda state: {"log": [state["note"]]})
        .add_edge(START, "first")
        .add_edge("first", "second")
        .compile()
    )
    shop = Shop(graph, savers)
    await shop.run({"note": "old"}, interrupt_before=["second"])
    await shop.run(Command(update={"note": "edited"}))
    second = await shop.read("second", -1)
    assert second is not None
    assert (second.input["note"], second.output) == ("edited", {"log": ["edited"]})
    first = await shop.read("first")
    assert first is not None
    assert (second.is_edited, first.is_edited) == (True, False)


class Own(TypedDict, total=False):
    note: str
    secret: str
    log: Annotated[list[Any], operator.add]


def inner_graph():
    return (
        StateGraph(Own)
        .add_node("prepare", lambda state: {"secret": f"of {state['note']}", "log": ["prepared"]})
        .add_node("write", lambda state: {"log": [state["secret"]]})
        .add_edge(START, "prepare")
        .add_edge("prepare", "write")
    )


@pytest.mark.parametrize("own_memory", [None, True])
async def test_a_task_of_a_subgraph_is_read_where_it_stands(savers, own_memory):
    middle = (
        StateGraph(Own)
        .add_node("team", inner_graph().compile(checkpointer=own_memory))
        .add_edge(START, "team")
        .compile(checkpointer=own_memory)
    )
    outer = StateGraph(State).add_node("house", middle).add_edge(START, "house").compile()
    shop = Shop(outer, savers)
    await shop.run({"note": "roses"})
    write = await shop.read("write")
    assert write is not None
    assert write.handed is Handed.INPUT
    assert (write.input["secret"], write.output) == ("of roses", {"log": ["of roses"]})
    house = await shop.read("house")
    assert house is not None
    assert house.input["note"] == "roses"
    assert house.output["log"] == ["prepared", "of roses"]


async def test_a_graph_called_by_a_function_tells_the_state_instead(savers):
    inner = inner_graph().compile()

    def make(called):
        async def call(state: State) -> dict:
            found = await called["graph"].ainvoke({"note": state["note"]})
            return {"log": found["log"]}

        return call

    outer = (
        StateGraph(State).add_node("call", make({"graph": inner})).add_edge(START, "call").compile()
    )
    shop = Shop(outer, savers)
    await shop.run({"note": "roses"})
    write = await shop.read("write")
    assert write is not None
    assert write.handed is Handed.STATE
    assert write.input["secret"] == "of roses"
    assert write.output == {"log": ["of roses"]}


async def test_a_function_called_as_a_task_tells_what_it_gave_back(savers):
    @task
    async def double(number: int) -> int:
        return number * 2

    @entrypoint()
    async def flow(numbers: list[int]) -> list[int]:
        return [await double(n) for n in numbers]

    shop = Shop(flow, savers)
    await shop.run([1, 2])
    flow_ = await shop.read("flow")
    assert flow_ is not None
    assert (flow_.handed, flow_.input) == (Handed.INPUT, [1, 2])
    second = await shop.read("double", 1)
    assert second is not None
    assert second.handed is not Handed.INPUT  # arguments of a call are kept nowhere
    assert (second.has_output, second.output) == (True, 4)


async def test_a_cached_task_is_found_by_its_superstep(savers):
    graph = (
        StateGraph(State)
        .add_node("slow", note("slow"), cache_policy=CachePolicy(key_func=lambda _: "one"))
        .add_edge(START, "slow")
        .compile(cache=InMemoryCache())
    )
    shop = Shop(graph, savers)
    await shop.run({"note": "first"}, thread="a")
    await shop.run({"note": "second"}, thread="b")
    cached = await shop.read("slow", 1, thread="b")
    assert cached is not None
    assert (cached.handed, cached.input["note"]) == (Handed.INPUT, "second")


async def test_a_task_that_has_written_nothing_yet_is_made_from_its_checkpoint(savers):
    graph = (
        StateGraph(State)
        .add_node("first", note("first"))
        .add_node("second", note("second"))
        .add_edge(START, "first")
        .add_edge("first", "second")
        .compile()
    )
    shop = Shop(graph, savers)
    await shop.run({"note": "live"}, interrupt_before=["second"])
    due = (await shop.state()).tasks[0]
    shop.tasks.append({"name": "second", "id": due.id, "at": f"second:{due.id}", "step": 2})
    second = await shop.read("second")
    assert second is not None
    assert second.input == {"note": "live", "log": ["first"]}
    assert not second.has_output


async def test_what_is_read_keeps_to_a_size_and_says_what_was_cut(savers):
    graph = StateGraph(State).add_node("a", note("x" * 90_000)).add_edge(START, "a").compile()
    shop = Shop(graph, savers)
    await shop.run({"note": "y" * 90_000})
    step = await shop.read("a", max_bytes=10_000)
    assert step is not None
    assert step.input["note"]["characters"] == 90_000
    assert step.output["log"][0]["__cut__"] == "long text"
    assert len(str(step.as_json())) < 25_000
    assert Step.from_json(step.as_json()) == step


async def test_many_sends_and_questions_share_one_size(savers):
    def split(state: State) -> list[Send]:
        return [Send("part", {"note": "y" * 900}) for _ in range(100)]

    def ask(state: State) -> dict:
        return {"log": [interrupt({"question": "z" * 900})]}

    graph = (
        StateGraph(State)
        .add_node("plan", note("plan"))
        .add_node("part", ask)
        .add_edge(START, "plan")
        .add_conditional_edges("plan", split, ["part"])
        .compile()
    )
    shop = Shop(graph, savers)
    await shop.run({"note": "n"})
    plan = await shop.read("plan", max_bytes=10_000)
    assert plan is not None
    assert plan.sends[0] == {"node": "part", "arg": {"note": "y" * 900}}
    assert 5 < len(plan.sends) < 20
    assert plan.sends[-1]["__cut__"].endswith("more items")
    assert len(str(plan.as_json())) < 15_000
    part = await shop.read("part", max_bytes=10_000)
    assert part is not None
    assert part.questions == ({"question": "z" * 900},)


async def test_an_error_is_masked_and_cut(savers):
    def work(state: State) -> dict:
        raise ValueError("api_key=hunter2 at postgresql://app:hunter2@db/x " + "x" * 1_000_000)

    shop = Shop(StateGraph(State).add_node("work", work).add_edge(START, "work").compile(), savers)
    with pytest.raises(ValueError, match="api_key"):
        await shop.run({"note": "n"})
    failed = await shop.read("work")
    assert failed is not None
    assert failed.error is not None
    assert failed.error.startswith("ValueError('api_key=*** at postgresql://app:***@db/x xxx")
    assert len(failed.error) < 5_000


async def test_a_task_that_no_checkpoint_knows_is_not_found(savers):
    shop = Shop(StateGraph(State).add_node("a", note("a")).add_edge(START, "a").compile(), savers)
    await shop.run({"note": "n"})
    shop.tasks[0]["id"] = "00000000-0000-0000-0000-00000000beef"
    assert await shop.read("a") is None
