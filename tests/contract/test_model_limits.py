"""Calls to models within limits that all workers share, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.rate_limiters import BaseRateLimiter
from langgraph.graph import START, MessagesState, StateGraph

from interlock.core.clock import SystemClock
from interlock.core.errors import StoreUnavailable
from interlock.core.graphs import model_limits
from interlock.core.graphs.listening import listen
from interlock.core.graphs.tracking import Tracker
from interlock.core.model.policies import ModelRules
from interlock.core.queue.local import LocalQueue
from interlock.core.services import limiting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store.engine import open_engine, read
from interlock.core.store.schema_limits import model_calls
from interlock.core.worker import model_gate
from interlock.core.worker.model_gate import ModelGate

WAIT_S = 20.0


@pytest.fixture
def app(engine, frozen) -> App:
    return App(Settings(), engine, LocalQueue(), frozen)


@pytest.fixture
def open_gate(app) -> Iterator:
    opened: list[ModelGate] = []

    def open_one(app=app, **rules) -> ModelGate:
        models = {"bard": ModelRules(**rules)}
        opened.append(ModelGate(app, models))
        model_limits.uninstall()
        model_limits.install(models, opened[-1])
        return opened[-1]

    yield open_one
    model_limits.uninstall()
    for gate in opened:
        gate.stop()


def count_calls(app) -> int:
    with read(app.engine) as conn:
        return len(conn.execute(model_calls.select()).all())


def test_calls_a_minute_are_counted_by_all_workers(app, frozen):
    rules = ModelRules(per_minute=2)
    asked = [limiting.enter_model(app, "bard", rules, f"c{n}") for n in range(3)]
    assert asked == [None, None, pytest.approx(60, abs=0.01)]
    assert limiting.enter_model(app, "poet", rules, "c") is None
    frozen.advance(seconds=asked[2])
    assert limiting.enter_model(app, "bard", rules, "c3") is None


def test_calls_under_way_are_bounded_and_those_of_a_dead_worker_end(app, frozen):
    rules = ModelRules(in_flight=2, per_minute=9)
    assert [limiting.enter_model(app, "bard", rules, name) for name in "abc"] == [
        None,
        None,
        limiting.IN_FLIGHT_S,
    ]
    limiting.keep_calls(app, ["b"], ended=["a"])
    assert limiting.enter_model(app, "bard", rules, "c") is None
    frozen.advance(seconds=40)
    limiting.keep_calls(app, ["b"])
    frozen.advance(seconds=30)  # nobody said that the third goes on
    assert limiting.enter_model(app, "bard", rules, "d") is None
    assert limiting.enter_model(app, "bard", rules, "e") == limiting.IN_FLIGHT_S
    frozen.advance(seconds=61)
    limiting.clear(app)
    assert count_calls(app) == 0


def test_a_call_that_its_minute_refuses_is_not_under_way(app):
    rules = ModelRules(in_flight=5, per_minute=1)
    limiting.enter_model(app, "bard", rules, "a")
    assert limiting.enter_model(app, "bard", rules, "b") > 1
    assert count_calls(app) == 1
    limiting.enter_model(app, "poet", rules, "c")
    assert limiting.count_calls(app) == {"bard": 1, "poet": 1}


async def test_of_two_workers_never_more_calls_are_under_way_than_may_be(app, database_url):
    app = replace(app, clock=SystemClock())
    other = replace(app, engine=open_engine(database_url))
    rules = {"bard": ModelRules(in_flight=3)}
    gates = [ModelGate(app, rules), ModelGate(other, rules)]
    inside, most = 0, 0

    async def call(number: int) -> None:
        nonlocal inside, most
        gate = gates[number % 2]
        await gate.enter_async("bard", f"c{number}")
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        gate.leave(f"c{number}")

    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(*(call(number) for number in range(12)))
    for gate in gates:
        gate.stop()
    assert 1 <= most <= 3
    assert count_calls(app) == 0
    other.engine.dispose()


async def test_who_is_cancelled_leaves_the_line(app, open_gate):
    gate = open_gate(replace(app, clock=SystemClock()), in_flight=1)
    async with asyncio.timeout(WAIT_S):
        await gate.enter_async("bard", "a")
        waiting = [asyncio.create_task(gate.enter_async("bard", name)) for name in "bc"]
        await asyncio.sleep(0)
        waiting[0].cancel()
        gate.leave("a")
        await waiting[1]
        gate.leave("c")
        gate.leave("unknown")
    assert waiting[0].cancelled()


async def test_who_waits_when_the_worker_stops_is_let_go(app, open_gate):
    gate = open_gate(in_flight=1)
    async with asyncio.timeout(WAIT_S):
        await gate.enter_async("bard", "a")
        waiting = asyncio.create_task(gate.enter_async("bard", "b"))
        await asyncio.sleep(0)
        await asyncio.to_thread(gate.stop)
        with pytest.raises(asyncio.CancelledError):
            await waiting
    late = asyncio.create_task(gate.enter_async("bard", "c"))
    await asyncio.wait([late])
    assert late.cancelled()


async def test_while_the_database_does_not_answer_a_call_waits(app, open_gate, monkeypatch):
    gate = open_gate(per_minute=1)
    real, failed = limiting.enter_model, []

    def fail_first(*args):
        if not failed:
            failed.append(args)
            raise StoreUnavailable("The database does not answer.")
        return real(*args)

    monkeypatch.setattr(limiting, "enter_model", fail_first)
    monkeypatch.setattr(model_gate, "AGAIN_S", 0)
    async with asyncio.timeout(WAIT_S):
        await gate.enter_async("bard", None)
    assert failed


class Bard(GenericFakeChatModel):
    model_name: str = "bard"


class Own(BaseRateLimiter):
    def __init__(self) -> None:
        self.asked = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return blocking

    async def aacquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return blocking


def says(*words: str, **fields) -> Bard:
    return Bard(messages=iter([AIMessage(word) for word in words]), **fields)


@pytest.mark.parametrize("is_sync", [True, False])
async def test_every_way_to_call_a_model_of_a_graph_passes_the_gate(app, open_gate, make, is_sync):
    open_gate(in_flight=1, per_minute=9)
    own = Own()
    model, free = says("one", "two", rate_limiter=own), GenericFakeChatModel(messages=iter("x"))
    seen: list[int] = []

    def ask(_: MessagesState):
        said = [model.invoke("?"), *model.stream("?"), free.invoke("?")]
        seen.append(count_calls(app))
        return {"messages": said}

    async def ask_async(_: MessagesState):
        said = [await model.ainvoke("?"), *[each async for each in model.astream("?")]]
        said.append(await free.ainvoke("?"))
        seen.append(await asyncio.to_thread(count_calls, app))
        return {"messages": said}

    node = ask if is_sync else ask_async
    graph = StateGraph(MessagesState).add_node("ask", node).add_edge(START, "ask").compile()
    tracker = Tracker(make.run(), now=app.clock.now, last_seq=0)
    async with asyncio.timeout(WAIT_S):  # the second waits until the first is known to have ended
        values = await graph.ainvoke({"messages": []}, listen({}, tracker, store=None))
    assert "".join(m.content for m in values["messages"]) == "onetwox"
    assert own.asked == 2
    assert model.rate_limiter is not own
    assert free.rate_limiter is None
    with read(app.engine) as conn:
        assert seen
        assert len(conn.exec_driver_sql("SELECT * FROM rate_takes").all()) == 2


def test_a_models_own_limiter_can_be_set_and_is_back_when_ours_is_gone(app, open_gate):
    before = says("a")
    open_gate(per_minute=1)
    own = Own()
    before.rate_limiter = own
    assert before.model_copy().rate_limiter is not own
    model_limits.uninstall()
    assert before.rate_limiter is own
    assert says("b").rate_limiter is None
