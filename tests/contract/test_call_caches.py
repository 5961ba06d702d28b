"""Caches of tools, of models, and the tier in Redis."""

from __future__ import annotations

import operator
import shutil
import socket
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, TypedDict

import pytest
from langchain_core.globals import set_llm_cache
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.llms import LLM
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.graph import START, StateGraph
from langgraph.types import Send
from sqlalchemy import update

from interlock.core.errors import InvalidInput, StoreUnavailable
from interlock.core.graphs.caching import NodeCaches
from interlock.core.graphs.call_caching import ToolCaches, install_model_caches
from interlock.core.graphs.guarding import Call, Hooks
from interlock.core.graphs.guarding import Place as NodePlace
from interlock.core.graphs.listening import listen
from interlock.core.graphs.model_limits import name_of
from interlock.core.graphs.notes import Notes
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.serde import serializer_for
from interlock.core.graphs.supervising import supervise
from interlock.core.graphs.supervising_attempts import Supervision
from interlock.core.graphs.tracking import Tracker
from interlock.core.model.caches import Asked, Clearing, Entry, Place, Tier
from interlock.core.model.policies import (
    CacheRules,
    ModelRules,
    Price,
    ToolPolicy,
    WorkflowPolicy,
)
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.services import caching, keeping
from interlock.core.store import engine as engines
from interlock.core.store import topics
from interlock.core.store.redis_caches import RedisCaches
from interlock.core.store.schema_sight import cache_entries
from interlock.core.types import RunId, ThreadId
from interlock.core.worker.caches import Caches

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def make_run(user="ann") -> Run:
    return Run(
        run_id=RunId("run"),
        thread_id=ThreadId("thread"),
        workflow="quotes",
        kind=RunKind.START,
        status=RunStatus.RUNNING,
        input=None,
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=NOW,
        created_by=user,
    )


class Parrot(BaseChatModel):
    model_name: str = "parrot-1"
    calls: list[str] = []

    @property
    def _llm_type(self) -> str:
        return "parrot"

    @property
    def _identifying_params(self):
        return {"model_name": self.model_name}

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.calls.append(messages[-1].content)
        said = AIMessage(content=f"said {len(self.calls)}")
        return ChatResult(generations=[ChatGeneration(message=said)])


@pytest.fixture
def caches(app):
    made = Caches(app)
    yield made
    made.close()


async def test_a_model_says_the_same_to_the_same_prompt(caches):
    notes, model = Notes(), Parrot()
    other = Parrot(model_name="other")
    install_model_caches({"parrot-1": ModelRules(cache=CacheRules())})
    try:
        async with NodeCaches(caches).around(make_run(), notes, serializer_for(None, None)):
            said = [(await model.ainvoke([HumanMessage("a", id=str(n))])).content for n in range(2)]
            said.append(model.invoke([HumanMessage("a")]).content)
            said.append((await model.ainvoke([HumanMessage("b")])).content)
            ids = {model.invoke([HumanMessage("a")]).id for _ in range(2)}
            for _ in range(2):
                await other.ainvoke([HumanMessage("a")])
    finally:
        set_llm_cache(None)
    assert said == ["said 1", "said 1", "said 1", "said 2"]
    assert other.calls == ["a", "a"]
    assert len(ids) == 2


class Dated(Parrot):
    """At a provider, by a name with its date."""

    provider: str = "openai"

    def _get_ls_params(self, stop=None, **kwargs):
        return {"ls_provider": self.provider, "ls_model_name": self.model_name}


class Plain(LLM):
    """A model of plain text."""

    model_name: str = "gpt-4o-2024-08-06"
    calls: list[str] = []

    @property
    def _llm_type(self) -> str:
        return "plain"

    @property
    def _identifying_params(self):
        return {"model_name": self.model_name}

    def _call(self, prompt, stop=None, run_manager=None, **kwargs):
        self.calls.append(prompt)
        return f"said {len(self.calls)}"


@pytest.mark.parametrize(
    ("rule", "model", "is_kept"),
    [
        ("gpt-4o", Dated(model_name="gpt-4o-2024-08-06"), True),
        ("openai:gpt-4o", Dated(model_name="gpt-4o"), True),
        ("openai:gpt-4o", Dated(model_name="gpt-4o", provider="azure"), False),
        ("gpt-4o", Dated(model_name="gpt-4o-mini"), False),
        ("gpt-4o", Plain(), True),
    ],
    ids=["dated", "with provider", "another provider", "another model", "plain text"],
)
async def test_a_cache_and_a_limit_go_by_the_same_name(caches, rule, model, is_kept):
    if isinstance(model, Dated):
        assert (name_of(model, {rule: rule}) == rule) == is_kept
    install_model_caches({rule: ModelRules(cache=CacheRules())})
    try:
        async with NodeCaches(caches).around(make_run(), Notes(), serializer_for(None, None)):
            for _ in range(2):
                await model.ainvoke("a")
            assert len(model.calls) == (1 if is_kept else 2)
    finally:
        set_llm_cache(None)


async def test_a_tool_that_fails_is_told_of_and_not_that_its_cache_is_away(caches, monkeypatch):
    rules = CacheRules(once=True)
    place = NodePlace(workflow="quotes", path="tools", tool="look", policy=ToolPolicy(cache=rules))
    run, notes = make_run(), Notes()

    def fail(*_, **__):
        raise StoreUnavailable("It is away.")

    async def proceed():
        monkeypatch.setattr(keeping, "drop_claims", fail)
        raise LookupError("no such city")

    call = Call(run=run, place=place, task_id="t", notes=notes, arguments={"city": "Rome"})
    async with NodeCaches(caches).around(run, notes, serializer_for(None, None)):
        with pytest.raises(LookupError, match="no such city"):
            await ToolCaches().call_async(call, proceed)


async def test_a_tool_gives_the_same_for_the_same_arguments(app, caches):
    made: list[str] = []
    place = NodePlace(
        workflow="quotes", path="tools", tool="look", policy=ToolPolicy(cache=CacheRules())
    )
    hook, run, told = ToolCaches(), make_run(), []

    async def ask(city: str, status="success") -> str:
        async def proceed():
            made.append(city)
            return ToolMessage(f"{city} {len(made)}", tool_call_id="x", status=status)

        notes = Notes(lambda text, path: told.append((text, path)))
        call = Call(run=run, place=place, task_id="t", notes=notes, arguments={"city": city})
        async with NodeCaches(caches).around(run, notes, serializer_for(None, None)):
            return (await hook.call_async(call, proceed)).content

    assert hook.covers(place)
    assert not hook.covers(replace(place, policy=ToolPolicy()))
    assert [await ask("Rome"), await ask("Rome"), await ask("Oslo")] == [
        "Rome 1",
        "Rome 1",
        "Oslo 2",
    ]
    assert told == [("look was served from a cache: memory.", "tools")]
    with engines.write(app.engine) as conn:
        conn.execute(update(cache_entries).values(value=b"\xc1"))
        topics.bump(conn, keeping.CLEARED)  # out of memory
    assert await ask("Rome") == "Rome 3"
    assert await ask("Rome") == "Rome 3"
    assert [await ask("Bonn", "error"), await ask("Bonn", "error")] == ["Bonn 4", "Bonn 5"]


class Said(TypedDict):
    question: str
    log: Annotated[list[str], operator.add]


class Priced(Parrot):
    """Each answer is of 1000 tokens in and as many tokens out as the question says."""

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        out = int(messages[-1].content)
        usage = {"input_tokens": 1000, "output_tokens": out, "total_tokens": 1000 + out}
        said = AIMessage(str(out), usage_metadata=usage)
        said.response_metadata["model_name"] = self.model_name
        return ChatResult(generations=[ChatGeneration(message=said)])


PRICES = {"parrot-1": Price(input=1, output=10)}


def saved(app, caches: Caches) -> dict[str, float]:
    caches.flush()
    return {
        str(each.place): each.counts.saved_cost
        for each in caching.list_caches(app)
        if each.counts.hits
    }


async def test_what_a_nodes_model_calls_cost_is_saved_by_each_hit(app, caches):
    model = Priced()

    async def price(state: Said):
        return {"log": [(await model.ainvoke(state["question"])).content]}

    inner = StateGraph(Said).add_node("price", price).add_edge(START, "price").compile()
    builder = StateGraph(Said)
    builder.add_node("price", price)
    builder.add_node("team", inner)
    builder.add_conditional_edges(
        START,
        lambda state: [Send("price", {**state, "question": q}) for q in ("100", "900")] + ["team"],
    )
    cached = {"cache": {"scope": []}}
    policy = WorkflowPolicy.model_validate({"node": {"price": cached, "team": cached}})
    hooks, user_graph = Hooks(caches=NodeCaches(caches)), builder.compile()
    for number in range(3):
        run = replace(make_run(), run_id=RunId(f"run-{number}"))
        tracker = Tracker(run, now=lambda: NOW, last_seq=0, prices=PRICES)
        supervision = Supervision(run=run, policy=policy, notes=tracker.notes, hooks=hooks)
        async with hooks.caches.around(run, tracker.notes, serializer_for(None, None)):
            supervised = supervise(user_graph, supervision)
            graph = prepare(
                user_graph, checkpointer=None, store=None, name="w", supervised=supervised
            )
            given = {"question": "500", "log": []}
            result = await graph.ainvoke(given, listen({}, tracker, store=None))
        assert sorted(result["log"]) == ["100", "500", "900"]
    assert saved(app, caches) == {
        "quotes/price": pytest.approx(2 * (2 * 1000 * 1 + 1000 * 10) / 1_000_000),
        "quotes/team": pytest.approx(2 * (1000 * 1 + 500 * 10) / 1_000_000),
    }


async def test_a_models_answer_from_the_cache_saves_what_it_cost(app, caches):
    install_model_caches({"parrot-1": ModelRules(cache=CacheRules())}, PRICES)
    try:
        async with NodeCaches(caches).around(make_run(), Notes(), serializer_for(None, None)):
            for _ in range(2):
                await Priced().ainvoke([HumanMessage("300")])
    finally:
        set_llm_cache(None)
    assert saved(app, caches) == {
        "quotes/model:parrot-1": pytest.approx((1000 * 1 + 300 * 10) / 1_000_000)
    }


# -- Redis -----------------------------------------------------------------------------------


@pytest.fixture
def redis(tmp_path):
    """A Redis of our own; where none is installed these tests are left out."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here")
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen([*command, "--dir", str(tmp_path)], stdout=subprocess.PIPE, text=True)
    for line in server.stdout:
        if "Ready to accept connections" in line:
            break
    tier = RedisCaches(f"redis://127.0.0.1:{port}/0")
    tier.server = server
    yield tier
    tier.close()
    server.terminate()
    server.wait()
    server.stdout.close()


ENTRY = Entry(
    place=Place("quotes", "team/price: a"),
    namespace="n",
    key="k",
    encoding="msgpack",
    value=b"\x00\n\xff",
    cost_ms=12.5,
    question="tea?",
    vector=b"\x01\n",
    created_at=NOW,
)
ASKED = (ENTRY.place, "n", "k")


def test_redis_gives_back_what_it_was_given(redis):
    redis.keep(ENTRY, clears=0, now=NOW)
    assert redis.fetch_many([ASKED], clears=0, now=NOW) == {("n", "k"): ENTRY}
    assert redis.clear(Clearing(pattern="*coffee*")) == 0
    assert redis.clear(Clearing(workflow="quotes", pattern="tea?")) == 1
    assert redis.fetch_many([ASKED], clears=0, now=NOW) == {}


def test_a_redis_that_is_away_is_left_alone(redis):
    redis.server.terminate()
    redis.server.wait()
    redis.keep(ENTRY, clears=0, now=NOW)
    assert redis.fetch_many([ASKED], clears=0, now=NOW) == {}
    with pytest.raises(StoreUnavailable):
        redis.clear(Clearing())


def test_a_hit_in_redis_is_promoted(app, redis):
    place = Place("quotes", "price")
    asked = Asked(place=place, namespace="n", key="k")
    entry = replace(ENTRY, place=place, created_at=app.clock.now())
    redis.keep(entry, clears=0, now=app.clock.now())
    first, second = Caches(app, redis=redis), Caches(app)
    assert first.find(asked).tier is Tier.REDIS
    assert first.find(asked).tier is Tier.MEMORY
    assert second.find(asked).tier is Tier.DATABASE
    second.close()
    first.close()


def test_what_redis_held_before_a_clearing_is_not_used(app, redis):
    asked = Asked(place=Place("quotes", "price"), namespace="n", key="k")
    entry = replace(ENTRY, place=asked.place, created_at=app.clock.now())
    first, second = Caches(app, redis=redis), Caches(app)
    redis.keep(entry, clears=0, now=app.clock.now())
    caching.clear(app, actor="ann")  # of the database; a worker looks before Redis is cleared, too
    assert first.find(asked) is None
    assert second.find(asked) is None
    redis.keep(entry, clears=0, now=app.clock.now())  # by a worker that had committed before
    assert first.find(asked) is None
    redis.keep(entry, clears=1, now=app.clock.now())
    assert first.find(asked).tier is Tier.REDIS
    second.close()
    first.close()


def test_a_worker_tells_redis_which_clearing_it_knew(app, redis):
    asked = Asked(place=Place("quotes", "price"), namespace="n", key="k")
    worker = Caches(app, redis=redis)
    caching.clear(app, actor="ann")
    assert worker.find(asked) is None
    assert worker.keep(asked, "msgpack", b"v", cost_ms=1, clears=worker.clears)
    place = (asked.place, "n", "k")
    assert redis.fetch_many([place], clears=0, now=app.clock.now()) == {}
    assert list(redis.fetch_many([place], clears=1, now=app.clock.now())) == [("n", "k")]
    worker.close()


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InvalidInput):
        RedisCaches("nonsense")
