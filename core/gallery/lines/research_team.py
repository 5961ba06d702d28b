"""The local model's words in the research team, and its archivist, turn by turn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from interlock.core.gallery.speech import Agent, Call, Parts, Reply, Writer


def _scope(parts: Parts) -> str:
    subject = parts.get("subject", "this")
    return "\n".join(
        f"{subject}: {question}?"
        for question in ("who is concerned", "what does it cost", "what speaks against it")
    )


def _dig(messages: Sequence[BaseMessage]) -> Reply:
    """Look it up, figures as well where a cost is asked for, and say what was found where."""
    asked = max(i for i, m in enumerate(messages) if isinstance(m, HumanMessage) or i == 0)
    question = str(messages[asked].text)
    results = [m for m in messages[asked + 1 :] if isinstance(m, ToolMessage)]
    if not results:
        calls = [Call("search_archive", {"words": question})]
        if "cost" in question.lower():
            calls.append(Call("look_up_figure", {"words": question}))
        return Reply("I look that up.", calls)
    return Reply(_tell([_read(result) for result in results]))


def _read(result: ToolMessage) -> object:
    try:
        return json.loads(str(result.text))
    except ValueError:
        return None


def _tell(found: Sequence[object]) -> str:
    """The figure, or else the first clipping, with its source."""
    for each in found:
        if isinstance(each, dict) and "value" in each:
            return f"It costs {each['value']:g} {each['unit']} ({each['source']})."
    for each in found:
        if isinstance(each, list) and each:
            return f"{each[0]['text'].rstrip('.')} ({each[0]['source']})."
    return "The archive has nothing about it."


def _give_up(_parts: Parts) -> str:
    """Whoever may search no more says so."""
    return "Nothing was found in the time there was."


REPLIES: Mapping[str, Writer] = {"scope": _scope, "dig": _give_up}
AGENTS: Mapping[str, Agent] = {"dig": _dig}
