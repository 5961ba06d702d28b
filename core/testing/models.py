"""
A chat model that says what a test tells it to, and remembers what it was asked.

LangChain's own fakes begin their list anew at its end, or cannot call tools while they stream; so this
is one of its own on `BaseChatModel`.
"""

# ruff: noqa: ARG002  (LangChain fixes the signatures)

from __future__ import annotations

import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import agenerate_from_stream, generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, PrivateAttr

from interlock.core.testing.failures import OutOfReplies

Reply = Any  # str | AIMessage | ToolCall | list[ToolCall] | BaseModel | Exception (object or class)
Replies = Sequence[Reply] | Callable[[list[BaseMessage]], Reply]

NAME = "interlock-fake"
_TOKENS = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What a fake model was asked: the messages, the names of the tools it may call, and the rest."""

    messages: tuple[BaseMessage, ...]
    tools: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text of the last message."""
        return str(self.messages[-1].text) if self.messages else ""


def call(name: str, /, **args: Any) -> ToolCall:
    """A reply that calls a tool; a list of them calls several at once."""
    return ToolCall(name=name, args=args, id=None, type="tool_call")


class FakeModel(BaseChatModel):
    """
    A chat model by script, for graphs that take their model as a parameter.

        FakeModel(["Hello.", call("search", query="Vienna"), Answer(city="Vienna")])
        FakeModel(lambda messages: f"You said: {messages[-1].text}")

    A reply is a text, an `AIMessage`, a `call(...)` or a list of them, an instance of a pydantic
    model (the answer of `with_structured_output`, or of an agent's `response_format`), or an
    exception, which is raised. Replies of a list are given once each, in order, and the model fails
    when it is asked once more. Texts are streamed word by word; usage counts words.

    Args:
        replies: The replies, or a function that makes one of the messages.
    """

    replies: Any
    _prompts: list[Prompt] = PrivateAttr(default_factory=list)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    _call_count: int = PrivateAttr(default=0)

    def __init__(self, replies: Replies, **kwargs: Any) -> None:
        super().__init__(replies=replies if callable(replies) else tuple(replies), **kwargs)

    @property
    def asked(self) -> tuple[Prompt, ...]:
        """All it was asked, in order."""
        return tuple(self._prompts)

    @property
    def left_count(self) -> int:
        """How many replies of the list were not asked for."""
        return 0 if callable(self.replies) else max(len(self.replies) - len(self._prompts), 0)

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Let it call these tools; whether it does is up to its replies."""
        described = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=described, tool_choice=tool_choice, **kwargs)

    @property
    def _llm_type(self) -> str:
        return NAME

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        params = super()._get_ls_params(stop=stop, **kwargs)
        return {**params, "ls_provider": "interlock", "ls_model_name": NAME}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from _chunks(self._reply(messages, kwargs), messages)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in _chunks(self._reply(messages, kwargs), messages):
            yield chunk

    def _reply(self, messages: list[BaseMessage], options: dict[str, Any]) -> AIMessage:
        names = tuple(tool["function"]["name"] for tool in options.get("tools") or ())
        rest = {name: value for name, value in options.items() if name != "tools"}
        prompt = Prompt(messages=tuple(messages), tools=names, options=rest)
        with self._lock:
            self._prompts.append(prompt)
            at = len(self._prompts) - 1
        said = self._pick(at, messages)
        message = _as_message(said)
        unknown = [each["name"] for each in message.tool_calls if each["name"] not in names]
        if unknown and not isinstance(said, AIMessage):
            raise OutOfReplies(
                f"Reply {at + 1} of the fake model calls {unknown[0]!r}; the tools it may call here "
                f"are: {', '.join(names) or 'none'}."
            )
        return self._with_ids(message)

    def _pick(self, at: int, messages: list[BaseMessage]) -> Reply:
        if callable(self.replies):
            return self.replies(messages)
        if at >= len(self.replies):
            raise OutOfReplies(
                f"The fake model has {len(self.replies)} replies and is asked once more: "
                f"{str(messages[-1].text)[:200]!r}.",
                hint="Give it another reply, or a function of the messages.",
            )
        return self.replies[at]

    def _with_ids(self, message: AIMessage) -> AIMessage:
        """Give each call an id that no other one has, and that is the same in each run of the test."""
        calls = []
        for each in message.tool_calls:
            with self._lock:
                self._call_count += 1
                calls.append({**each, "id": each["id"] or f"call-{self._call_count}"})
        return message.model_copy(update={"tool_calls": calls})


def _as_message(said: Reply) -> AIMessage:
    if isinstance(said, Exception) or (isinstance(said, type) and issubclass(said, Exception)):
        raise said
    if isinstance(said, AIMessage):
        return said
    if isinstance(said, BaseModel):
        args = said.model_dump(mode="json")
        return AIMessage("", tool_calls=[call(type(said).__name__, **args)])
    if isinstance(said, str):
        return AIMessage(said)
    calls = said if isinstance(said, list) else [said]
    if not all(isinstance(each, dict) and "name" in each and "args" in each for each in calls):
        raise OutOfReplies(
            f"The fake model cannot reply {said!r}.",
            hint="A reply is a text, call(...), a list of them, an AIMessage, a pydantic object or an exception.",
        )
    return AIMessage("", tool_calls=calls)


def _chunks(message: AIMessage, messages: Sequence[BaseMessage]) -> Iterator[ChatGenerationChunk]:
    """The message token by token, its calls, usage and what else it holds with the last one."""
    is_text = isinstance(message.content, str)
    tokens: list[Any] = _TOKENS.findall(message.text) if is_text else [message.content]
    for token in tokens[:-1]:
        yield ChatGenerationChunk(message=AIMessageChunk(content=token, id=message.id))
    read = sum(len(str(each.text).split()) for each in messages)
    usage = message.usage_metadata or {
        "input_tokens": read,
        "output_tokens": len(tokens),
        "total_tokens": read + len(tokens),
    }
    chunk = AIMessageChunk(
        content=tokens[-1] if tokens else "",
        id=message.id,
        name=message.name,
        tool_call_chunks=[
            tool_call_chunk(
                name=each["name"], args=json.dumps(each["args"]), id=each["id"], index=index
            )
            for index, each in enumerate(message.tool_calls)
        ],
        additional_kwargs=message.additional_kwargs,
        response_metadata={"model_name": NAME, **message.response_metadata},
        usage_metadata=usage,
        chunk_position="last",
    )
    yield ChatGenerationChunk(message=chunk)
