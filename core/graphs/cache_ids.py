"""
Ids of messages and calls of tools, which are made anew each time, in what a cache was asked and keeps.

A kept answer may name messages and calls of its question, to change or to answer them: when it is
served it names those of the question of now. Its own messages get ids of their own each time, else
the same question twice on one thread would replace the first answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from langchain_core.messages import BaseMessage, RemoveMessage, ToolMessage
from langgraph.types import Send

_CALLS = ("tool_calls", "invalid_tool_calls", "tool_call_chunks")
_NAMES = ("id", "tool_use_id", "call_id")  # as providers have them in contents and extras


@dataclass(frozen=True)
class Ids:
    """Those of a question: of messages in their order, of calls by their first appearance."""

    messages: tuple[str | None, ...] = ()
    calls: tuple[str, ...] = ()


def iter_calls(parts: Mapping[str, Any]) -> Iterator[tuple[MutableMapping[str, Any], str]]:
    """Where the parts of a message name the calls it makes: a dict and the key in it."""
    for name in _CALLS:
        for call in _dicts(parts.get(name)):
            yield call, "id"


def iter_echoes(parts: Mapping[str, Any]) -> Iterator[tuple[MutableMapping[str, Any], str]]:
    """Where a provider's content and extras may name calls, too."""
    extras = parts.get("additional_kwargs")
    more = extras.get("tool_calls") if isinstance(extras, Mapping) else None
    for block in [*_dicts(parts.get("content")), *_dicts(more)]:
        for name in _NAMES:
            if isinstance(block.get(name), str):
                yield block, name


def renew(writes: Sequence[tuple[str, Any]], then: Ids, now: Ids) -> list[tuple[str, Any]]:
    """
    What a node wrote, as it is served.

    Args:
        writes: Channels and values, freshly loaded: their messages are changed in place.
        then: The ids of the question it was made for.
        now: The ids of the question it is served to.
    """
    messages = {a: b for a, b in zip(then.messages, now.messages, strict=False) if a and b}
    renewing = _Renewing(messages, dict(zip(then.calls, now.calls, strict=False)))
    for _, value in writes:
        renewing.visit(value)
    return [(channel, value) for channel, value in writes]


@dataclass
class _Renewing:
    messages: dict[str, str]
    calls: dict[str, str]
    _done: set[int] = field(default_factory=set)  # objects by identity

    def visit(self, value: Any) -> None:
        if isinstance(value, BaseMessage):
            if id(value) not in self._done:
                self._done.add(id(value))
                self._change(value)
        elif isinstance(value, Send):
            self.visit(value.arg)
        elif isinstance(value, Mapping):
            for each in value.values():
                self.visit(each)
        elif isinstance(value, list | tuple):
            for each in value:
                self.visit(each)

    def _change(self, message: BaseMessage) -> None:
        if message.id and isinstance(message, RemoveMessage):
            message.id = self.messages.get(message.id, message.id)
        elif message.id:
            message.id = self.messages.setdefault(message.id, str(uuid4()))
        if isinstance(message, ToolMessage):
            message.tool_call_id = self.calls.get(message.tool_call_id, message.tool_call_id)
        parts = vars(message)
        for holder, name in [*iter_calls(parts), *iter_echoes(parts)]:
            holder[name] = self.calls.get(holder.get(name, ""), holder.get(name))


def _dicts(value: Any) -> list[MutableMapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
