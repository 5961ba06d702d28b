"""
What the help desk answers to one message: it is sorted, and each class has a branch of its own.

    sort ─┬─ urgent ────▶ draft ─▶ hand_over: a person answers
          ├─ billing ───▶ billing    (help_billing.py: an agent, its tools by the customer's tier)
          ├─ technical ─▶ technical  (help_technical.py: expert, research or simple, by complexity)
          ├─ question ──▶ question   (help_research.py: looked up, then answered)
          └─ general ───▶ chat
"""

from __future__ import annotations

from typing import Literal, TypedDict, cast, get_args

from langchain_core.messages import AnyMessage
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from interlock.core.gallery import help_billing, help_reading, help_research, help_technical
from interlock.core.gallery.help_forms import Customer, current_customer
from interlock.core.gallery.help_reading import Document
from interlock.core.gallery.models import ask, chat_model

Kind = Literal["urgent", "billing", "technical", "question", "general"]
STYLES = ("brief", "warm")  # the variants; a launch draws one of them (P19)


class Heard(TypedDict):
    """One message, and what is known when it comes."""

    message: str
    variant: str
    messages: list[AnyMessage]
    summary: str
    documents: dict[str, Document]
    known: list[str]


class Said(TypedDict):
    """What comes back: the branch that it took, and the answer as plain text."""

    kind: Kind
    reply: str


class Talk(Heard, Said):
    """Everything that one answer is made of."""


async def sort(state: Heard) -> dict[str, Kind]:
    """Tell what kind of message it is; a model that says something else has said general."""
    job = "Sort the customer's message. Reply with one word: urgent, billing, technical, question or general."
    reply = await chat_model().ainvoke(ask(job, message=state["message"]))
    words = str(reply.text).lower()
    return {"kind": next((cast(Kind, k) for k in get_args(Kind) if k in words), "general")}


def by_kind(state: Talk) -> Literal["draft", "billing", "technical", "question", "chat"]:
    """Each class has its branch."""
    kind = state["kind"]
    if kind == "urgent":
        return "draft"
    return "chat" if kind == "general" else kind


async def chat(state: Talk) -> dict[str, str]:
    """Go on talking, with what was said before and what is known of the customer."""
    job = "Converse with the customer: reply in one or two sentences to the last message."
    said = "\n".join(f"{message.type}: {message.text}" for message in state["messages"])
    prompt = ask(
        job,
        style=state["variant"],
        before=state.get("summary", ""),
        talk=said,
        documents=help_reading.describe(state["documents"]),
        known="\n".join(state["known"]),
    )
    return {"reply": str((await chat_model().ainvoke(prompt)).text)}


async def draft(state: Talk) -> dict[str, str]:
    """Write down what a person might answer to what cannot wait."""
    job = "Calm the customer in two sentences; promise nothing."
    reply = await chat_model().ainvoke(ask(job, message=state["message"]))
    return {"reply": str(reply.text)}


def hand_over(state: Talk) -> dict[str, str]:
    """Let a person answer: yes sends the draft, no sends a call for patience, a text is sent instead."""
    answer = interrupt(
        {
            "question": f"Answer customer {current_customer().number}, who cannot wait?",
            "message": state["message"],
            "draft": state["reply"],
            "hint": "Yes sends the draft; a text is sent in its place; no says that we call back.",
        }
    )
    if answer is False:
        return {"reply": "Thank you for writing. One of us calls you back within the hour."}
    return {"reply": answer if isinstance(answer, str) and answer.strip() else state["reply"]}


builder = StateGraph(Talk, input_schema=Heard, output_schema=Said, context_schema=Customer)
builder.add_node(sort)
builder.add_node(draft)
builder.add_node(hand_over)
builder.add_node(chat)
builder.add_node("billing", help_billing.graph)
builder.add_node("technical", help_technical.graph)
builder.add_node("question", help_research.graph)
builder.add_edge(START, "sort")
builder.add_conditional_edges("sort", by_kind)
builder.add_edge("draft", "hand_over")
graph = builder.compile(name="talk")
