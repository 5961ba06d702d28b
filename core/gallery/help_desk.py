"""
Help desk: a conversation that goes on over many launches, with what is slow done beside it.

    take_in ─┬─▶ talk ────────────────────┬─▶ file_away ─▶ (condense)
             └─▶ enrich, one a document ──┘

The answer does not wait for the documents: it says that they are being read, and a later turn knows
what stands in them. `help_talk.py` is what is said, `help_reading.py` how documents are read,
`help_memory.py` what stays of a turn.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.store.base import BaseStore
from langgraph.types import Command, Send

from interlock.core.gallery import help_memory, help_reading, help_talk
from interlock.core.gallery.help_forms import Attachment, Customer, CustomerMessage
from interlock.core.gallery.help_reading import Document, join


class Conversation(TypedDict):
    """What a thread knows; `documents` is by what stands in them, `messages` is the end of the talk."""

    message: str
    attachments: list[Attachment]
    variant: str
    messages: Annotated[list[AnyMessage], add_messages]
    summary: str
    documents: Annotated[dict[str, Document], join]
    known: list[str]
    kind: help_talk.Kind
    reply: str
    turn: int


async def take_in(
    state: CustomerMessage, config: RunnableConfig, *, store: BaseStore
) -> Command[Literal["talk", "enrich"]]:
    """Begin a turn: note the variant it is drawn for, and let documents be read beside the talk."""
    papers = [help_reading.paper_of(attachment) for attachment in state.attachments]
    turn = {
        "message": state.message,
        "attachments": [],  # the papers hold them, and the state stays small
        "variant": str(config["configurable"].get("variant", "")) or help_talk.STYLES[0],
        "messages": [HumanMessage(state.message)],
        "documents": {p["key"]: Document(name=p["name"], notes="") for p in papers},
        "reply": "",
        "known": await help_memory.recall(store),
    }
    return Command(update=turn, goto=["talk", *(Send("enrich", paper) for paper in papers)])


builder = StateGraph(Conversation, input_schema=CustomerMessage, context_schema=Customer)
builder.add_node(take_in)
builder.add_node("talk", help_talk.graph)
builder.add_node("enrich", help_reading.enrich)
builder.add_node("file_away", help_memory.file_away)
builder.add_node("condense", help_memory.condense)
builder.add_edge(START, "take_in")
builder.add_edge("talk", "file_away")
builder.add_edge("enrich", "file_away")
builder.add_conditional_edges("file_away", help_memory.when_long)
graph = builder.compile(name="help_desk")
