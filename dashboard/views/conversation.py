"""
A conversation out of JSON: who said what, which tools were called, what they gave back.

Read from messages of LangChain as they are kept, and from what people write themselves: role and
content, pairs, plain texts. Everything in it is an agent's or a customer's: drawn inert (law 9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from interlock.core.model import media
from interlock.core.model.media import Media
from interlock.core.types import Json
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import clip, one_line, to_json_text

Role = Literal["human", "ai", "tool", "system"]

MESSAGES_LIMIT_COUNT = 50  # of one conversation on a screen, the newest
TEXT_LIMIT_COUNT = 20_000  # characters of one message
NAME_LIMIT_COUNT = 60
MESSAGES = "messages"  # the field of a state that holds them nearly always

_ROLES: Mapping[str, Role] = {
    "human": "human",
    "user": "human",
    "ai": "ai",
    "assistant": "ai",
    "tool": "tool",
    "function": "tool",
    "system": "system",
    "developer": "system",
}
_NAMES: Mapping[Role, str] = {
    "human": "User",
    "ai": "Agent",
    "tool": "Tool",
    "system": "Instructions",
}
_CALL_TYPES = frozenset({"tool_use", "tool_call", "function_call", "tool_call_chunk"})


@dataclass(frozen=True)
class Call:
    """A tool that an agent wants to use."""

    name: str
    args: Json


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message. `who` says whose it is in a word or two; `is_failed` is of a tool."""

    role: Role
    who: str
    text: str = ""
    calls: tuple[Call, ...] = ()
    parts: tuple[Media, ...] = ()
    is_failed: bool = False


@dataclass(frozen=True)
class Conversation:
    """The newest messages, oldest first; `earlier_count` are those before them."""

    messages: tuple[Message, ...]
    earlier_count: int = 0


def build(messages: Json, *, max_media_bytes: int = media.MAX_BYTES) -> Conversation:
    """
    Read a conversation; what is no message among the messages is shown as it is.

    Args:
        messages: A list of messages, or a single one.
        max_media_bytes: A larger picture, sound, film or file is named, not shown.
    """
    listed = messages if isinstance(messages, list) and not _is_pair(messages) else [messages]
    shown = listed[-MESSAGES_LIMIT_COUNT:]
    return Conversation(
        messages=tuple(_read(m, max_media_bytes) for m in shown if m is not None),
        earlier_count=len(listed) - len(shown),
    )


def find_messages(values: Json) -> Json:
    """The messages within a state: those under `messages`, else the first list of them; None if none."""
    if not isinstance(values, Mapping):
        return None
    fields = [values.get(MESSAGES), *values.values()]
    return next((field for field in fields if is_conversation(field)), None)


def is_conversation(value: Json) -> bool:
    """Whether a value is a list of messages and of nothing else."""
    return isinstance(value, list) and bool(value) and all(_is_message(each) for each in value)


def _is_message(value: Json) -> bool:
    if not isinstance(value, Mapping):
        return _is_pair(value)
    return "content" in value and _role(value) is not None


def _is_pair(value: Json) -> bool:
    """Whether it is `["user", "hello"]`."""
    is_two = isinstance(value, list) and len(value) == 2
    return is_two and all(isinstance(part, str) for part in value) and value[0] in _ROLES


def _role(message: Mapping[str, Json]) -> Role | None:
    said = [message.get("role"), message.get("type")]
    return next((_ROLES[each] for each in said if isinstance(each, str) and each in _ROLES), None)


def _read(message: Json, max_bytes: int) -> Message:
    if _is_pair(message):
        return _read({"role": message[0], "content": message[1]}, max_bytes)
    if isinstance(message, str):
        return _read({"role": "user", "content": message}, max_bytes)
    if not isinstance(message, Mapping) or "content" not in message:
        return Message(role="system", who="Something else", text=_say(message))
    role = _role(message) or "system"
    content = message["content"]
    blocks: Sequence[Json] = content if isinstance(content, list) else [content]
    parts = [media.read_part(b, max_bytes=max_bytes) for b in blocks if isinstance(b, Mapping)]
    calls = _read_calls(message, blocks)
    texts = [text for b in blocks if (text := _say_block(b))]
    return Message(
        role=role,
        who=_say_who(message, role),
        text=clip(show_hidden("\n\n".join(texts)), TEXT_LIMIT_COUNT),
        calls=calls,
        parts=tuple(p for p in parts if p is not None),
        is_failed=role == "tool" and message.get("status") == "error",
    )


def _say_who(message: Mapping[str, Json], role: Role) -> str:
    name = message.get("name")
    known = _NAMES[role] if _role(message) else "Something else"
    if not isinstance(name, str) or not name:
        return known
    return f"{known} · {clip(show_hidden(one_line(name)), NAME_LIMIT_COUNT)}"


def _read_calls(message: Mapping[str, Json], blocks: Sequence[Json]) -> tuple[Call, ...]:
    """The calls a message lists, else those that stand among its content."""
    listed = [*_list(message.get("tool_calls")), *_list(message.get("invalid_tool_calls"))]
    found = listed or [b for b in blocks if _is_call(b)]
    return tuple(_read_call(c) for c in found if isinstance(c, Mapping))


def _read_call(call: Mapping[str, Json]) -> Call:
    function = call.get("function")  # of OpenAI's own shape
    inner: Mapping[str, Json] = function if isinstance(function, Mapping) else call
    given = (inner.get(key) for key in ("args", "input", "arguments"))
    args: Json = next((each for each in given if each is not None), {})
    name = clip(show_hidden(one_line(inner.get("name") or "a tool")), NAME_LIMIT_COUNT)
    return Call(name, media.shorten(args))


def _is_call(block: Json) -> bool:
    return isinstance(block, Mapping) and block.get("type") in _CALL_TYPES


def _say_block(block: Json) -> str:
    """The words of a content block; what is neither words, call nor media is shown as JSON."""
    if block is None or isinstance(block, str):
        return block or ""
    if not isinstance(block, Mapping):
        return _say(block)
    for key in ("text", "thinking", "reasoning"):
        said = block.get(key)
        if isinstance(said, str):
            return said
    if _is_call(block) or media.read_part(block, max_bytes=0) is not None:
        return ""
    return _say(block)


def _say(value: Json) -> str:
    return clip(show_hidden(to_json_text(media.shorten(value))), TEXT_LIMIT_COUNT)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
