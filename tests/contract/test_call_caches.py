"""Caches of tools, of models, and the tier in Redis."""

from __future__ import annotations

import shutil
import socket
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from langchain_core.globals import set_llm_cache
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from interlock.core.errors import InvalidInput, StoreUnavailable
from interlock.core.graphs.caching import NodeCaches
from interlock.core.graphs.call_caching import ToolCaches, install_model_caches
from interlock.core.graphs.guarding import Call
from interlock.core.graphs.guarding import Place as NodePlace
from interlock.core.graphs.notes import Notes
from interlock.core.graphs.serde import serializer_for
from interlock.core.model.caches import Asked, Clearing, Entry, Place, Tier
from interlock.core.model.policies import CacheRules, ModelRules, ToolPolicy
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.store.redis_caches import RedisCaches
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
            for _ in range(2):
                await other.ainvoke([HumanMessage("a")])
    finally:
        set_llm_cache(None)
    assert said == ["said 1", "said 1", "said 1", "said 2"]
    assert other.calls == ["a", "a"]


async def test_a_tool_gives_the_same_for_the_same_arguments(caches):
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
    assert [await ask("Bonn", "error"), await ask("Bonn", "error")] == ["Bonn 3", "Bonn 4"]


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
    redis.keep(ENTRY, now=NOW)
    assert redis.fetch_many([ASKED], now=NOW) == {("n", "k"): ENTRY}
    assert redis.clear(Clearing(pattern="*coffee*")) == 0
    assert redis.clear(Clearing(workflow="quotes", pattern="tea?")) == 1
    assert redis.fetch_many([ASKED], now=NOW) == {}


def test_a_redis_that_is_away_is_left_alone(redis):
    redis.server.terminate()
    redis.server.wait()
    redis.keep(ENTRY, now=NOW)
    assert redis.fetch_many([ASKED], now=NOW) == {}
    with pytest.raises(StoreUnavailable):
        redis.clear(Clearing())


def test_a_hit_in_redis_is_promoted(app, redis):
    place = Place("quotes", "price")
    asked = Asked(place=place, namespace="n", key="k")
    entry = replace(ENTRY, place=place, created_at=app.clock.now())
    redis.keep(entry, now=app.clock.now())
    first, second = Caches(app, redis=redis), Caches(app)
    assert first.find(asked).tier is Tier.REDIS
    assert first.find(asked).tier is Tier.MEMORY
    assert second.find(asked).tier is Tier.DATABASE
    second.close()
    first.close()


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InvalidInput):
        RedisCaches("nonsense")
