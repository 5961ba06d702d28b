"""
Refund desk: answer questions, pay small refunds at once, and hold large ones for a person.

    classify -> a question: answer         -> collect
             -> urgent or general: refund  -> collect

Each request takes a branch of its own (`Send`), all at the same time. `refund.py` is what happens
to a refund; `refund_forms.py` is what people fill in.
"""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from interlock.core.gallery import refund
from interlock.core.gallery.models import ask, chat_model
from interlock.core.gallery.refund import Asked, Finished, Kind, Outcome
from interlock.core.gallery.refund_forms import RefundRequest, RefundRequests


class Desk(TypedDict):
    """All requests; `kinds` and `outcomes` are by order number."""

    requests: list[RefundRequest]
    kinds: dict[str, Kind]
    outcomes: Annotated[dict[str, Outcome], operator.or_]
    summary: str


async def classify(state: RefundRequests) -> dict[str, object]:
    """Tell questions from refunds, and what cannot wait from the rest."""
    job = "Classify the customer's message. Reply with one word: urgent, question or general."
    replies = await chat_model().abatch([ask(job, message=r.message) for r in state.requests])
    kinds = {
        request.order: "question" if request.amount == 0 else read_kind(str(reply.text))
        for request, reply in zip(state.requests, replies, strict=True)
    }
    return {"requests": state.requests, "kinds": kinds}


def read_kind(reply: str) -> Kind:
    """Find the kind in what the model said; a model that says something else has said general."""
    kinds: tuple[Kind, ...] = ("urgent", "question", "general")
    return next((kind for kind in kinds if kind in reply.lower()), "general")


def send_each(state: Desk) -> list[Send]:
    """Give each request a branch of its own."""
    kinds = state["kinds"]
    return [
        Send(
            "answer" if kinds[request.order] == "question" else "refund",
            Asked(request=request, kind=kinds[request.order]),
        )
        for request in state["requests"]
    ]


async def answer(state: Asked) -> Finished:
    """Answer a question; no money moves, so nobody has to approve it."""
    request = state["request"]
    job = "Answer the customer's question about a refund in two or three friendly sentences."
    reply = await chat_model().ainvoke(ask(job, order=request.order, message=request.message))
    return refund.finish(request, "answered", str(reply.text))


def collect(state: Desk) -> dict[str, str]:
    """Say how every request ended, and how much was paid in all."""
    outcomes = {request.order: state["outcomes"][request.order] for request in state["requests"]}
    paid_eur = sum(outcome["paid_eur"] for outcome in outcomes.values())
    lines = [f"Order {order}: {outcome['text']}" for order, outcome in outcomes.items()]
    return {"summary": "\n".join([f"{len(lines)} done, {paid_eur:.2f} EUR paid back.", *lines])}


builder = StateGraph(Desk, input_schema=RefundRequests)
builder.add_node(classify)
builder.add_node(answer)
builder.add_node("refund", refund.graph)
builder.add_node(collect)
builder.add_edge(START, "classify")
builder.add_conditional_edges("classify", send_each, ["answer", "refund"])
builder.add_edge("answer", "collect")
builder.add_edge("refund", "collect")
builder.add_edge("collect", END)
graph = builder.compile(name="refund_desk")
