"""The local model as the agent that writes to customers, turn by turn."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from interlock.core.gallery.speech import Agent, Call, Reply

CITY = re.compile(r"\b(Vienna|Graz|Linz)\b", re.IGNORECASE)
SENT = re.compile(r"Sent M-\w+ to \S+?(?=[,.]?\s|[,.]?$)")
REASON = re.compile(r"with reason: (.+)", re.DOTALL)
MAX_BRIEF = 300  # characters of the brief that a mail quotes


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


AGENTS: Mapping[str, Agent] = {"reach": _reach_out}
