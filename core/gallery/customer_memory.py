"""
Customer memory: what the help desk heard, made into what it knows of a customer.

    gather ─▶ distil ─▶ remember

The help desk talks and this keeps: it reads the transcripts that are new since the last time and
writes what is worth knowing into the store, one fact a topic, where the next conversation recalls it.
Launch it as often as you like; what it has remembered once it does not read again.
"""

from __future__ import annotations

import re
from typing import Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore
from pydantic import BaseModel, Field

from interlock.core.gallery.help_memory import memories_of, transcripts_of
from interlock.core.gallery.models import ask, chat_model

MAX_TURNS = 50  # read in one launch; the rest waits for the next
MAX_FACTS = 10  # taken from one launch
FACT = re.compile(r"^[\s*-]*([\w -]{1,40}):\s*(.{1,300})$", re.MULTILINE)


class Who(BaseModel):
    """Whose conversations to learn from."""

    customer: str = Field(default="4711", pattern=r"^[\w-]{1,40}$", description="Customer number.")


class Memory(TypedDict):
    """What was heard, what it teaches, and what became of it."""

    customer: str
    turns: list[str]
    facts: dict[str, str]
    report: str


async def gather(state: Who, *, store: BaseStore) -> dict[str, object]:
    """Find the turns that nobody has learnt from yet."""
    new = await store.asearch(
        transcripts_of(state.customer), filter={"is_remembered": False}, limit=MAX_TURNS
    )
    report = f"Nothing new was heard of customer {state.customer}."
    keys = sorted(item.key for item in new)
    return {"customer": state.customer, "turns": keys, "facts": {}, "report": report}


def if_any(state: Memory) -> Literal["distil", "__end__"]:
    """Without anything new there is nothing to pay a model for."""
    return "distil" if state["turns"] else "__end__"


async def distil(state: Memory, *, store: BaseStore) -> dict[str, dict[str, str]]:
    """Take from what the customer said what will matter next time."""
    kept = [await store.aget(transcripts_of(state["customer"]), key) for key in state["turns"]]
    heard = "\n".join(f"- {item.value['customer']}" for item in kept if item)
    job = "Distil lasting facts about the customer, one a line as 'topic: fact'; else reply 'none'."
    reply = str((await chat_model().ainvoke(ask(job, heard=heard))).text)
    found = [(topic.strip().lower(), fact.strip()) for topic, fact in FACT.findall(reply)]
    return {"facts": dict(found[:MAX_FACTS])}


async def remember(state: Memory, *, store: BaseStore) -> dict[str, str]:
    """Keep the facts, the newer one of a topic, and mark the turns; safe to do twice."""
    customer = state["customer"]
    for topic, fact in state["facts"].items():
        await store.aput(memories_of(customer), topic, {"fact": fact}, index=False)
    for key in state["turns"]:
        item = await store.aget(transcripts_of(customer), key)
        if item:
            value = {**item.value, "is_remembered": True}
            await store.aput(transcripts_of(customer), key, value, index=False)
    learnt = ", ".join(state["facts"]) or "nothing that lasts"
    return {"report": f"Read {len(state['turns'])} turns of customer {customer}: {learnt}."}


builder = StateGraph(Memory, input_schema=Who)
builder.add_node(gather)
builder.add_node(distil)
builder.add_node(remember)
builder.add_edge(START, "gather")
builder.add_conditional_edges("gather", if_any)
builder.add_edge("distil", "remember")
builder.add_edge("remember", END)
graph = builder.compile(name="customer_memory")
