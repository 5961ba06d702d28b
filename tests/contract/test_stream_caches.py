"""Caches of models whose answers are streamed: looked up as `invoke` is, kept once they have ended well."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.graph import START, MessagesState, StateGraph

from interlock.core.graphs import model_limits, stream_caching
from interlock.core.graphs.caching import NodeCaches
from interlock.core.graphs.call_caching import install_model_caches
from interlock.core.graphs.model_turns import ModelTurns
from interlock.core.graphs.notes import Notes
from interlock.core.graphs.serde import serializer_for
from interlock.core.model.policies import CacheRules, ModelRules
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.types import RunId, ThreadId
from interlock.core.worker.caches import Caches

AWAY: set[str] = set()
USAGE = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}


class Singer(BaseChatModel):
    """Says two words and calls a tool, piece by piece."""

    model: str = "singer-1"
    asked: list[str] = []
    breaks: bool = False

    @property
    def _llm_type(self) -> str:
        return "singer"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model}

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=[convert_to_openai_tool(each) for each in tools], **kwargs)

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any):
        self.asked.append("invoke")
        call = {"name": "pay", "args": {"amount": 5}, "id": "c1"}
        said = AIMessage("two words", tool_calls=[call], usage_metadata=USAGE)
        return ChatResult(generations=[ChatGeneration(message=said)])

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any):
        if self.model in AWAY:
            self.asked.append(f"{self.model} away")
            raise ConnectionError("away")
        self.asked.append("stream")
        for word in ("two ", "words"):
            yield ChatGenerationChunk(message=AIMessageChunk(word))
        if self.breaks:
            raise ConnectionError("cut off")
        for name, args in (("pay", '{"amo'), (None, 'unt": 5}')):
            call = tool_call_chunk(name=name, args=args, id="c1" if name else None, index=0)
            yield ChatGenerationChunk(message=AIMessageChunk("", tool_call_chunks=[call]))
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                "", usage_metadata=USAGE, response_metadata={"finish_reason": "tool_calls"}
            )
        )


class Heard(BaseCallbackHandler):
    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.used: list[Any] = []

    def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
        self.tokens.append(token)

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.used.append(response.generations[0][0].message.usage_metadata)


@tool
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


def make_run(run_id: str = "run") -> Run:
    return Run(
        run_id=RunId(run_id),
        thread_id=ThreadId("thread"),
        workflow="quotes",
        kind=RunKind.START,
        status=RunStatus.RUNNING,
        input=None,
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=None,  # type: ignore[arg-type]
        created_by="ann",
    )


@pytest.fixture
def caches(app):
    made = Caches(app)
    yield made
    made.close()


@pytest.fixture
def within(caches, monkeypatch):
    """Within a run whose policy has a cache for the model; LangChain is put back afterwards."""
    for name in ("stream", "astream", "_get_llm_string"):
        monkeypatch.setattr(BaseChatModel, name, getattr(BaseChatModel, name))

    def open_(run_id: str = "run", *, notes: Notes | None = None, **rules: Any):
        install_model_caches({"singer-1": ModelRules(cache=CacheRules(**rules))})
        stream_caching.install_stream_caches()
        around = NodeCaches(caches).around
        return around(make_run(run_id), notes or Notes(), serializer_for(None, None))

    yield open_
    set_llm_cache(None)


async def gather(model: Any, *, is_async: bool, **config: Any) -> list[AIMessageChunk]:
    if is_async:
        return [part async for part in model.astream("a", config)]
    return await asyncio.to_thread(lambda: list(model.stream("a", config)))


def whole(parts: list[AIMessageChunk]) -> AIMessage:
    added = parts[0]
    for part in parts[1:]:
        added = added + part
    return message_chunk_to_message(added)


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
async def test_a_streamed_answer_is_streamed_again_from_the_cache(within, is_async):
    model, heard, warned = Singer(asked=[]), Heard(), []
    bound = model.bind_tools([pay])
    async with within(notes=Notes(lambda text, _path: warned.append(text))):
        first = await gather(bound, is_async=is_async)
        again = await gather(bound, is_async=is_async, callbacks=[heard])
        other = await gather(bound, is_async=not is_async)
        invoked = await bound.ainvoke("a")
        unbound = await gather(model, is_async=is_async)

    assert model.asked == ["stream", "stream"]  # with its tools, and without
    assert len(first) > len(again) > 1
    assert [part.chunk_position for part in again] == [None, "last"]
    for said in (whole(again), whole(other), invoked, whole(unbound)):
        assert said.content == "two words"
        assert [(c["name"], c["args"], c["id"]) for c in said.tool_calls] == [
            ("pay", {"amount": 5}, "c1")
        ]
        assert said.response_metadata["finish_reason"] == "tool_calls"
        assert said.usage_metadata["total_tokens"] == 10
    assert len({whole(parts).id for parts in (first, again, other)} | {invoked.id}) == 4
    assert heard.tokens == ["two words", ""]
    assert heard.used == [None]  # it was counted when it was made
    assert again[-1].usage_metadata["total_cost"] == 0
    assert len([text for text in warned if "served from a cache" in text]) == 3


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
async def test_what_was_invoked_is_streamed_from_the_cache(within, is_async):
    model = Singer(asked=[])
    async with within():
        await model.ainvoke("a")
        said = whole(await gather(model, is_async=is_async))
    assert model.asked == ["invoke"]
    assert (said.content, said.tool_calls[0]["args"]) == ("two words", {"amount": 5})


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
async def test_a_stream_that_did_not_end_well_is_not_kept(within, is_async):
    model = Singer(asked=[], breaks=True)
    async with within(once=True):
        with pytest.raises(ConnectionError, match="cut off"):
            await gather(model, is_async=is_async)
        model.breaks = False
        if is_async:
            left = model.astream("a")
            assert (await anext(left)).content == "two "
            await left.aclose()
        else:

            def leave() -> None:
                heard = model.stream("a")
                assert next(heard).content == "two "  # before the rest has come
                heard.close()

            await asyncio.to_thread(leave)
        for _ in range(2):
            assert whole(await gather(model, is_async=is_async)).content == "two words"
    assert model.asked == ["stream", "stream", "stream"]


async def test_a_stream_waits_for_another_ones_answer_only_so_long(within, monkeypatch):
    """Another run's stream has begun the same and does not end."""
    model = Singer(asked=[])
    async with within("other", once=True):
        held = model.astream("a")
        await anext(held)
        monkeypatch.setattr(stream_caching, "PATIENCE_S", 0.05)
        async with within("mine", once=True):
            for is_async in (True, False):
                assert whole(await gather(model, is_async=is_async)).content == "two words"
        rest = [part.content async for part in held]
        assert rest[0] == "words"
        async with within("late", once=True):
            assert whole(await gather(model, is_async=True)).content == "two words"
    assert model.asked == ["stream"] * 3  # the late one was served


async def test_what_the_user_keeps_himself_and_other_models_are_streamed_as_ever(within):
    own, other = Singer(asked=[], cache=False), Singer(asked=[], model="other")
    async with within():
        for model in (own, other):
            for _ in range(2):
                await gather(model, is_async=True)
    assert (own.asked, other.asked) == (["stream"] * 2, ["stream"] * 2)


class Limited(BaseRateLimiter):
    count = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.count += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return self.acquire()


class Gate:
    def __init__(self) -> None:
        self.entered: list[str] = []
        self.lock = threading.Lock()

    def enter(self, model: str, call_id: str | None) -> None:
        self.entered.append(model)

    async def enter_async(self, model: str, call_id: str | None) -> None:
        self.enter(model, call_id)

    def leave(self, call_id: str) -> None: ...


async def test_what_a_cache_gives_is_counted_by_no_limit(within):
    limiter, gate = Limited(), Gate()
    model = Singer(asked=[], rate_limiter=limiter)
    async with within():
        await gather(model, is_async=True)
        await gather(model, is_async=False)
        assert limiter.count == 1
        model_limits.install({"singer-1": ModelRules(per_minute=1)}, gate)
        try:
            await gather(model, is_async=True)
            assert gate.entered == []
        finally:
            model_limits.uninstall()
    assert model.asked == ["stream"]


async def test_a_served_stream_is_heard_in_the_messages_of_a_graph(within):
    model = Singer(asked=[])

    async def ask(state: MessagesState) -> dict[str, Any]:
        parts = [part async for part in model.astream("a")]
        return {"messages": [whole(parts)]}

    graph = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile()
    async with within():
        streams = [
            [
                part.content
                async for part, _ in graph.astream({"messages": []}, stream_mode="messages")
            ]
            for _ in range(2)
        ]
    assert model.asked == ["stream"]
    assert ["".join(each) for each in streams] == ["two words", "two words"]


async def test_what_another_provider_answered_is_not_kept_as_the_models_own(within, frozen):
    """The turns stand around the caches, as a worker puts them."""
    model = Singer(asked=[])
    spare = ModelRules.model_validate({"then": [{"model": "spare"}]})
    async with within():
        turns = ModelTurns({"singer-1": spare}, now=frozen.now)
        turns.install()
        try:
            stream_caching.install_stream_caches()  # is there already
            AWAY.add("singer-1")
            assert whole(await gather(model, is_async=True)).content == "two words"
            AWAY.clear()
            frozen.advance(seconds=60)  # until it is asked again
            for _ in range(2):
                assert whole(await gather(model, is_async=True)).content == "two words"
        finally:
            turns.stop()
            AWAY.clear()
    assert model.asked == ["singer-1 away", "stream"]
