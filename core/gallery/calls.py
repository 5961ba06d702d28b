"""What the local model does when it is given tools: the agents of the gallery, turn by turn."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk

from interlock.core.gallery import replies

CITY = re.compile(r"\b(Vienna|Graz|Linz)\b", re.IGNORECASE)
SENT = re.compile(r"Sent M-\w+ to \S+?(?=[,.]?\s|[,.]?$)")
REASON = re.compile(r"with reason: (.+)", re.DOTALL)
MAX_BRIEF = 300  # characters of the brief that a mail quotes


class Call(NamedTuple):
    """A tool and what it is called with."""

    name: str
    args: Mapping[str, Any]


class Reply(NamedTuple):
    """What the model says, and the tools it calls with it."""

    text: str
    calls: Sequence[Call] = ()


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


def _reach_out(messages: Sequence[BaseMessage]) -> Reply:
    """Look up the contacts, write to each, and say what became of it."""
    asked = max(i for i, m in enumerate(messages) if isinstance(m, HumanMessage) or i == 0)
    brief, turn = str(messages[asked].text).strip(), messages[asked + 1 :]
    results = {m.tool_call_id: m for m in turn if isinstance(m, ToolMessage)}
    called = [call for m in turn if isinstance(m, AIMessage) for call in m.tool_calls]
    mails = [call for call in called if call["name"] == "send_email"]
    if not called:
        cities = dict.fromkeys(named.capitalize() for named in CITY.findall(brief)) or ["any"]
        lookups = [Call("find_contacts", {"city": city}) for city in cities]
        return Reply("I look up whom to write to.", lookups)
    if mails:
        lines = [_tell(mail["args"].get("to", "?"), results[mail["id"] or ""]) for mail in mails]
        return Reply("\n".join(lines))
    found = [
        contact
        for call in called
        for contact in json.loads(str(results[call["id"] or ""].text) or "[]")
    ]
    if not found:
        return Reply("There is nobody in the address book for that.")
    drafts = [Call("send_email", _write(contact, brief)) for contact in found]
    return Reply(f"I drafted {len(drafts)} mails; none goes out before you let it.", drafts)


def _write(contact: Mapping[str, str], brief: str) -> dict[str, object]:
    first = contact["name"].split()[0]
    wish = " ".join(brief.split())[:MAX_BRIEF]
    return {
        "to": contact["email"],
        "subject": f"A word to {contact['company']}",
        "body": (
            f"Dear {first},\n\nI am writing because of this: {wish}\n\n"
            f"It would be good to hear from {contact['company']}. A short reply is enough."
        ),
        "priority": "normal",
        "follow_up_days": 7,
        "signature": {"name": "Rosa Lind", "phone": None},
    }


def _tell(to: str, result: ToolMessage) -> str:
    """One line about a mail: sent, held back with the reviewer's words, or answered instead."""
    text = str(result.text)
    sent = SENT.search(text)
    if sent is not None:
        return f"{sent[0]}."
    if result.status == "error":
        reason = REASON.search(text)
        return f"Not sent to {to}: {reason[1] if reason else 'it was not let out'}"
    return f"Not sent to {to}. I was told: {text}"


AGENTS: Mapping[str, Callable[[Sequence[BaseMessage]], Reply]] = {"reach": _reach_out}
