"""
What stays of a turn: the end of the talk in the state, all of it in the store.

    file_away ─▶ condense, where the window is full

The state holds plain text: what a provider sends along with a reply never comes into it. Long-term
memory is made by another workflow, `customer_memory.py`; here it is only recalled.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore

from interlock.core.gallery.help_forms import current_customer
from interlock.core.gallery.models import ask, chat_model

WINDOW = 6  # messages that stay word by word: three turns
MAX_RECALLED = 10


class Turn(TypedDict):
    """A turn that is over."""

    message: str
    variant: str
    kind: str
    reply: str
    turn: int


class Long(TypedDict):
    """A talk that has grown beyond its window."""

    messages: list[AnyMessage]
    summary: str


def transcripts_of(customer: str) -> tuple[str, ...]:
    """Where everything that a customer said is kept."""
    return ("help desk", "transcripts", customer)


def memories_of(customer: str) -> tuple[str, ...]:
    """Where it is kept what is known of a customer."""
    return ("help desk", "memories", customer)


async def recall(store: BaseStore) -> list[str]:
    """What earlier conversations have taught about the customer."""
    found = await store.asearch(memories_of(current_customer().number), limit=MAX_RECALLED)
    return sorted(f"{item.key}: {item.value['fact']}" for item in found)


async def file_away(state: Turn, config: RunnableConfig, *, store: BaseStore) -> dict[str, object]:
    """Write the turn into the transcript; a second try writes the same entry again."""
    thread = config["configurable"]["thread_id"]
    number = state.get("turn", 0) + 1
    entry: dict[str, Any] = {
        "thread": thread,
        "turn": number,
        "kind": state["kind"],
        "variant": state["variant"],
        "customer": state["message"],
        "desk": state["reply"],
        "is_remembered": False,
    }
    transcripts = transcripts_of(current_customer().number)
    await store.aput(transcripts, f"{thread}:{number:04}", entry, index=False)
    return {"messages": [AIMessage(state["reply"])], "turn": number}


def when_long(state: Long) -> Literal["condense", "__end__"]:
    """Condense only what no longer fits."""
    return "condense" if len(state["messages"]) > WINDOW else "__end__"


async def condense(state: Long) -> dict[str, object]:
    """Fold the oldest messages into the summary, and let them go."""
    old = state["messages"][:-WINDOW]
    job = "Condense the conversation into at most three sentences; keep what was said before."
    said = "\n".join(f"{message.type}: {message.text}" for message in old)
    prompt = ask(job, before=state.get("summary", ""), talk=said)
    summary = str((await chat_model().ainvoke(prompt)).text)
    return {
        "summary": summary,
        "messages": [RemoveMessage(id=message.id) for message in old if message.id],
    }
