"""
The chat model of the gallery: a deterministic local one, or the one that INTERLOCK_MODEL names.

The local model needs no key and no network, and says of itself that it is local.
"""

# ruff: noqa: ARG002  (LangChain fixes the signatures)

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import lru_cache
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import agenerate_from_stream, generate_from_stream
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from interlock.core.gallery import latency, replies
from interlock.core.gallery.calls import chunk_calls, reply_with_tools
from interlock.core.gallery.speech import Reply

LOCAL_MODEL = "interlock-local"


def chat_model() -> BaseChatModel:
    """Return the model that INTERLOCK_MODEL names, or the local one where it is unset."""
    name = os.environ.get("INTERLOCK_MODEL", "").strip()
    return _open_model(name) if name else LocalChatModel()


def ask(job: str, **parts: object) -> list[BaseMessage]:
    """Write a prompt: the job as the system message, each part of the material in its own tag."""
    material = "\n".join(f"<{name}>\n{value}\n</{name}>" for name, value in parts.items())
    return [SystemMessage(job), HumanMessage(material)]


@lru_cache(maxsize=4)
def _open_model(name: str) -> BaseChatModel:
    model: BaseChatModel = init_chat_model(name)
    return model


class LocalChatModel(BaseChatModel):
    """
    A stand-in that always gives the same reply to the same prompt, token by token.

    It understands the jobs of the gallery and calls its tools (its words are in `lines/`), and
    tells everyone else what it is.
    """

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Let it call these tools, if any may be called; which and when is in `lines/`."""
        if tool_choice == "none":
            return self
        return self.bind(tools=[convert_to_openai_tool(each) for each in tools])

    @property
    def _llm_type(self) -> str:
        return LOCAL_MODEL

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        params = super()._get_ls_params(stop=stop, **kwargs)
        return {**params, "ls_provider": "interlock", "ls_model_name": LOCAL_MODEL}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        pause_s = latency.token_s()
        for chunk in _chunks(messages, kwargs.get("tools")):
            if pause_s:
                time.sleep(pause_s)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        pause_s = latency.token_s()
        for chunk in _chunks(messages, kwargs.get("tools")):
            await asyncio.sleep(pause_s)
            yield chunk


def _chunks(messages: list[BaseMessage], tools: object) -> Iterator[ChatGenerationChunk]:
    reply = reply_with_tools(messages) if tools else Reply(replies.reply_to(messages))
    tokens = re.findall(r"\s*\S+", reply.text) or [""]  # a reply without a word is one, too
    for position, token in enumerate(tokens, start=1):
        message = AIMessageChunk(content=token)
        if position == len(tokens):
            read = sum(len(str(m.text).split()) for m in messages)
            written = len(reply.text.split())
            message = AIMessageChunk(
                content=token,
                tool_call_chunks=chunk_calls(messages, reply.calls),
                response_metadata={"model_name": LOCAL_MODEL, "local": True},
                usage_metadata={
                    "input_tokens": read,
                    "output_tokens": written,
                    "total_tokens": read + written,
                },
                chunk_position="last",
            )
        yield ChatGenerationChunk(message=message)
