"""Tokens are counted where they were used, and cost what the price table says."""

from __future__ import annotations

import operator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Annotated, Any, TypedDict
from uuid import uuid4

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from interlock.core.graphs.listening import listen
from interlock.core.graphs.tracking import Tracker
from interlock.core.graphs.usage import Meter, find_price, read_usage
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.policies import Price
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.usage import NO_USAGE, Usage

NOW = datetime(2026, 1, 5, tzinfo=UTC)
PRICES = {"fake-1": Price(input=2, output=10), "acme:big": Price(input=1, output=1)}


class Model(BaseChatModel):
    answers: list[AIMessage]

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        return ChatResult(generations=[ChatGeneration(message=self.answers.pop(0))])


class State(TypedDict):
    said: Annotated[list[str], operator.add]


def answer(tokens_in: int, tokens_out: int) -> AIMessage:
    usage = {"input_tokens": tokens_in, "output_tokens": tokens_out}
    return AIMessage(
        "yes",
        response_metadata={"model_name": "fake-1-2026-01-01"},
        usage_metadata={**usage, "total_tokens": tokens_in + tokens_out},
    )


def make_run() -> Run:
    return Run(
        run_id="r",
        thread_id="t",
        workflow="w",
        kind=RunKind.START,
        status=RunStatus.RUNNING,
        input={},
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=NOW,
        created_by="ann",
    )


async def watch(graph: Any) -> tuple[Tracker, dict[str, NodeRun]]:
    tracker = Tracker(make_run(), now=lambda: NOW, last_seq=0, prices=PRICES)
    graph.checkpointer = InMemorySaver()
    config = {"configurable": {"thread_id": "t"}}
    await graph.ainvoke({"said": []}, listen(config, tracker, store=None))
    tracker.close(NodeStatus.OK)
    ended = [r for r in tracker.take() if isinstance(r, NodeRun) and r.ended_at is not None]
    return tracker, {r.path: r for r in ended}


def line(**nodes: Any) -> Any:
    builder = StateGraph(State)
    for name, node in nodes.items():
        builder.add_node(name, node)
    for one, other in zip((START, *nodes), (*nodes, END), strict=True):
        builder.add_edge(one, other)
    return builder.compile()


async def test_a_node_is_told_what_its_own_model_calls_used():
    model = Model(answers=[answer(10, 5), answer(100, 50), answer(1, 1)])

    async def twice(state: State) -> dict[str, Any]:
        return {"said": [(await model.ainvoke("a")).text, (await model.ainvoke("b")).text]}

    def inner(state: State) -> dict[str, Any]:
        return {"said": [model.invoke("c").text]}

    graph = line(idle=lambda _: {"said": []}, twice=twice, team=line(inner=inner))
    tracker, ended = await watch(graph)
    assert (ended["twice"].tokens_in, ended["twice"].tokens_out) == (110, 55)
    assert ended["twice"].cost == pytest.approx((110 * 2 + 55 * 10) / 1_000_000)
    assert (ended["team/inner"].tokens_in, ended["team/inner"].tokens_out) == (1, 1)
    for path in ("idle", "team"):
        assert (ended[path].tokens_in, ended[path].cost) == (None, None)
    assert (tracker.meter.total.tokens_in, tracker.meter.total.tokens_out) == (111, 56)


async def test_an_answer_from_a_cache_and_a_call_that_failed_used_nothing():
    cache = InMemoryCache()
    model = Model(answers=[answer(10, 5)], cache=cache)

    async def ask(state: State) -> dict[str, Any]:
        try:
            await model.ainvoke("another question: there is no message left")
        except Exception:
            return {"said": ["nothing"]}
        return {"said": ["something"]}

    async def first(state: State) -> dict[str, Any]:
        return {"said": [(await model.ainvoke("a")).text]}

    _, ended = await watch(line(first=first, again=first, fails=ask))
    assert ended["first"].tokens_in == 10
    assert ended["again"].tokens_in is None
    assert ended["fails"].tokens_in is None


def test_a_completion_tells_it_beside_its_answers():
    told = {"token_usage": {"prompt_tokens": 7, "completion_tokens": 3}, "model_name": "fake-1"}
    response = SimpleNamespace(llm_output=told, generations=[[SimpleNamespace(text="x")]])
    used = read_usage(response, {}, PRICES)
    assert used == Usage(tokens_in=7, tokens_out=3, cost=(14 + 30) / 1_000_000)
    assert read_usage(SimpleNamespace(llm_output=None, generations=[]), {}, PRICES) == NO_USAGE
    odd = {"token_usage": {"prompt_tokens": "many", "completion_tokens": True}}
    assert read_usage(SimpleNamespace(llm_output=odd, generations=[]), {}, {}) == NO_USAGE


@pytest.mark.parametrize(
    ("named", "about", "price"),
    [
        ("fake-1", {}, "fake-1"),
        ("fake-1-20260101", {}, "fake-1"),
        ("", {"ls_model_name": "big", "ls_provider": "acme"}, "acme:big"),
        ("big", {"ls_provider": "other"}, None),
        ("", {}, None),
    ],
)
def test_a_price_is_found_by_the_name_a_model_goes_by(named, about, price):
    assert find_price(PRICES, named, about) == (PRICES[price] if price else None)
    assert find_price({}, named, about) is None


def test_calls_outside_of_any_node_are_not_counted():
    meter, call = Meter(PRICES), uuid4()
    meter.begin(call, {"thread_id": "t"})
    meter.end(call, SimpleNamespace(llm_output={"token_usage": {"prompt_tokens": 7}}))
    assert meter.total == NO_USAGE
