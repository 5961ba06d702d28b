"""
The caches of models for answers that are streamed, which LangChain looks up in no cache.

A stream has the key of the same call by `invoke`, so they share what is kept. What is kept is handed
out by LangChain's own `stream`, so that whoever listens hears it; what is not is streamed as ever, and
kept once it has ended well.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, cast

from langchain_core.caches import BaseCache
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models._utils import _normalize_messages
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, Generation
from langchain_core.runnables import RunnableConfig

from interlock.core.errors import InterlockError
from interlock.core.graphs import model_limits
from interlock.core.graphs.cache_asking import Question
from interlock.core.graphs.call_caching import (
    ModelCaches,
    RunCalls,
    drop,
    generations_of,
    keep_said,
    say_failed,
)
from interlock.core.model.policies import Price

LAST = "last"  # the position of a chunk after which none follows
PATIENCE_S = 10.0  # that a stream waits for somebody else's answer to the same; invoke waits for it
_NO_PART_OF_A_KEY = frozenset({"ls_structured_output_format", "structured_output_format"})


def install_stream_caches() -> None:
    """Stand before every stream of this process; before what answers for others, so nearer to the model."""
    for name, wrap in (("stream", _wrap_stream), ("astream", _wrap_astream)):
        inner = getattr(BaseChatModel, name)
        if not hasattr(inner, "is_cached"):  # also of one that stands around ours
            wrapped = wrap(inner)
            vars(wrapped)["is_cached"] = True
            setattr(BaseChatModel, name, wrapped)


def _wrap_stream(inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    def stream(
        model: BaseChatModel, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        lookup = _look_up(model, input, kwargs, is_async=False)
        if lookup is None:
            yield from inner(model, input, config, **kwargs)
            return
        kept = _message_of(lookup.find())
        if kept is not None:
            for part in inner(_saying(model, kept), input, config, **kwargs):
                yield _with_usage(part, kept)
            return
        parts: list[Any] = []
        try:
            for part in inner(model, input, config, **kwargs):
                parts.append(part)
                yield part
        except BaseException:  # left by whoever heard it, too
            lookup.drop()
            raise
        lookup.keep(_generations(parts))

    return stream


def _wrap_astream(inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    async def astream(
        model: BaseChatModel, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        lookup = _look_up(model, input, kwargs, is_async=True)
        if lookup is None:
            async for part in inner(model, input, config, **kwargs):
                yield part
            return
        kept = _message_of(await lookup.find_async())
        if kept is not None:
            async for part in inner(_saying(model, kept), input, config, **kwargs):
                yield _with_usage(part, kept)
            return
        parts: list[Any] = []
        try:
            async for part in inner(model, input, config, **kwargs):
                parts.append(part)
                yield part
        except BaseException:
            await lookup.call(lookup.drop)
            raise
        await lookup.call(lookup.keep, _generations(parts))

    return astream


def _look_up(
    model: BaseChatModel, input: Any, kwargs: dict[str, Any], *, is_async: bool
) -> _Lookup | None:
    """What is asked, as `invoke` would ask it; None where no cache of ours is."""
    cache = get_llm_cache()
    is_own = model.cache is False or isinstance(model.cache, BaseCache)
    if not isinstance(cache, ModelCaches) or is_own:
        return None
    # One that does not stream is invoked by LangChain, which looks it up.
    if not model._should_stream(async_api=is_async, **{**kwargs, "stream": True}):  # noqa: SLF001  as `stream` asks
        return None
    named = {k: v for k, v in kwargs.items() if k not in _NO_PART_OF_A_KEY}
    llm_string = model._get_llm_string(**{"stop": None, **named})  # noqa: SLF001  as `invoke` makes it
    messages = _normalize_messages(model._convert_input(input).to_messages())  # noqa: SLF001
    prompt = dumps([message.model_copy(update={"id": None}) for message in messages])
    run, question = cache.question_of(prompt, llm_string)
    if run is None or question is None:
        return None
    return _Lookup(run, question, cache.prices)


def _message_of(kept: Sequence[Any] | None) -> AIMessage | None:
    said = kept[0].message if kept and isinstance(kept[0], ChatGeneration) else None
    return said if isinstance(said, AIMessage) else None


def _generations(parts: Sequence[Any]) -> list[ChatGeneration]:
    chunks = [part for part in parts if isinstance(part, AIMessageChunk)]
    if not chunks or len(chunks) != len(parts):
        return []
    whole = add_ai_message_chunks(chunks[0], *chunks[1:])
    return [ChatGeneration(message=cast("AIMessage", message_chunk_to_message(whole)))]


def _saying(model: BaseChatModel, said: AIMessage) -> BaseChatModel:
    """The model with its provider out of the way: it says this, and no limit counts it."""
    copied = model.model_copy()
    chunks = _cut(said)

    def stream(*_args: Any, **_kwargs: Any) -> Iterator[ChatGenerationChunk]:
        yield from chunks

    async def astream(*_args: Any, **_kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in chunks:
            yield chunk

    # Whether it streams is asked of its class; what it streams, of itself.
    vars(copied).update({"_stream": stream, "_astream": astream})
    model_limits.set_free(copied)
    return copied


def _cut(said: AIMessage) -> list[ChatGenerationChunk]:
    """What adds up to it: its content, then all else. What it used was counted when it was made."""
    calls = [
        *((call["name"], json.dumps(call["args"]), call["id"]) for call in said.tool_calls),
        *((call["name"], call["args"], call["id"]) for call in said.invalid_tool_calls),
    ]
    last = AIMessageChunk(
        content="" if isinstance(said.content, str) else [],
        additional_kwargs=said.additional_kwargs,
        response_metadata=said.response_metadata,
        tool_call_chunks=[
            tool_call_chunk(name=name, args=args, id=call_id, index=index)
            for index, (name, args, call_id) in enumerate(calls)
        ],
        id=said.id,
        chunk_position=LAST,
    )
    first = AIMessageChunk(content=said.content, id=said.id)
    return [ChatGenerationChunk(message=each) for each in (first, last)]


def _with_usage(part: Any, said: AIMessage) -> Any:
    """For whoever reads the stream; who counts must not count it twice, as LangChain marks it."""
    if getattr(part, "chunk_position", None) != LAST or not said.usage_metadata:
        return part
    return part.model_copy(update={"usage_metadata": {**said.usage_metadata, "total_cost": 0}})


class _Lookup:
    """One streamed call of a model: what is kept of it, or what is to be kept of it."""

    def __init__(self, run: RunCalls, question: Question, prices: Mapping[str, Price]) -> None:
        self._run = run
        self._question = question
        self._prices = prices

    def find(self) -> list[Generation] | None:
        """What the model said to this before."""
        try:
            hit = self._run.asker.find(self._question, patience_s=PATIENCE_S)
            return generations_of(self._run, self._question, hit)
        except InterlockError as exc:
            say_failed(self._question.place, exc)
            return None

    async def find_async(self) -> list[Generation] | None:
        """The same."""
        try:
            hit = await self._run.asker.find_async(self._question, patience_s=PATIENCE_S)
            return generations_of(self._run, self._question, hit)
        except InterlockError as exc:
            say_failed(self._question.place, exc)
            return None

    async def call(self, function: Callable[..., None], *args: Any) -> None:
        """Run one of the others in a thread."""
        await self._run.asker.call(function, *args)

    def keep(self, said: Sequence[Generation]) -> None:
        """Keep what the model said; nothing where it has no lasting form."""
        if said:
            keep_said(self._run, self._question, said, self._prices)
        else:
            self.drop()

    def drop(self) -> None:
        """It did not end, or not well."""
        drop(self._run, self._question)
