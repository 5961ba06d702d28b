"""What the local model does when it is given tools: the agents of the gallery, turn by turn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk

from interlock.core.gallery import lines, replies
from interlock.core.gallery.speech import Agent, Call, Reply

AGENTS: Mapping[str, Agent] = {
    word: agent
    for module in lines.modules()
    for word, agent in getattr(module, "AGENTS", {}).items()
}


def reply_with_tools(messages: Sequence[BaseMessage]) -> Reply:
    """Reply as the agent whose prompt this is; its first word tells which."""
    prompt = str(messages[0].text).split(maxsplit=1) if messages else []
    agent = AGENTS.get(prompt[0].lower()) if prompt else None
    return agent(messages) if agent else Reply(replies.reply_to(messages))


def chunk_calls(messages: Sequence[BaseMessage], calls: Sequence[Call]) -> list[ToolCallChunk]:
    """The calls as a model streams them, at the end of what it says."""
    return [
        tool_call_chunk(
            name=call.name, args=json.dumps(call.args), id=call_id(messages, index), index=index
        )
        for index, call in enumerate(calls)
    ]


def call_id(messages: Sequence[BaseMessage], position: int) -> str:
    """The id of a call: the same for the same conversation, another for any other."""
    said = json.dumps([[message.type, str(message.text)] for message in messages])
    return f"call_{hashlib.sha256(f'{position}:{said}'.encode()).hexdigest()[:16]}"
