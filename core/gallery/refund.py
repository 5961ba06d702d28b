"""
One refund, from the request to the money: hold it if it is large, then pay it out or decline it.

    (reassure) -> review -> pay_out or decline

A graph of its own, so that each refund goes on as soon as it is approved, whatever others wait for.
"""

from __future__ import annotations

import logging
from typing import Literal, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from interlock.core.gallery import bank
from interlock.core.gallery.models import ask, chat_model
from interlock.core.gallery.refund_forms import RefundRequest, decision_form

APPROVAL_ABOVE_EUR = 500.0

Kind = Literal["urgent", "question", "general"]
logger = logging.getLogger(__name__)


class Outcome(TypedDict):
    """How one request ended."""

    result: Literal["paid", "declined", "answered"]
    paid_eur: float
    text: str


class Asked(TypedDict):
    """One request, and what kind the desk took it for."""

    request: RefundRequest
    kind: Kind


class Finished(TypedDict):
    """What comes back to the desk, by order number."""

    outcomes: dict[str, Outcome]


class Progress(Finished):
    """What is found out on the way."""

    reply: str
    approved: bool
    pay_eur: float
    note: str


class Refund(Asked, Progress):
    """Everything known about one refund."""


def finish(
    request: RefundRequest,
    result: Literal["paid", "declined", "answered"],
    text: str,
    paid_eur: float = 0.0,
) -> Finished:
    """Note how a request ended."""
    return {"outcomes": {request.order: {"result": result, "paid_eur": paid_eur, "text": text}}}


def by_urgency(state: Refund) -> Literal["reassure", "review"]:
    """Write to a customer who cannot wait before anything else is done."""
    return "reassure" if state["kind"] == "urgent" else "review"


async def reassure(state: Refund) -> dict[str, str]:
    """Tell the customer that somebody is at it."""
    request = state["request"]
    job = "Reassure the customer in two sentences; promise no money."
    reply = await chat_model().ainvoke(ask(job, order=request.order, message=request.message))
    return {"reply": str(reply.text)}


def review(state: Refund) -> dict[str, object]:
    """Hold a refund above the limit until a person has filled in the decision."""
    request = state["request"]
    if request.amount <= APPROVAL_ABOVE_EUR:
        return {"approved": True, "pay_eur": request.amount}
    question = f"Refund {request.amount:.2f} EUR to customer {request.customer}?"
    facts = {"question": question, "urgency": state["kind"], **request.model_dump()}
    decision = interrupt(facts, response_schema=decision_form(request))
    note = decision.note or decision.ground
    return {"approved": decision.approved, "pay_eur": decision.amount, "note": note}


def by_decision(state: Refund) -> Literal["pay_out", "decline"]:
    """Pay only what was approved."""
    return "pay_out" if state["approved"] else "decline"


def pay_out(state: Refund, runtime: Runtime) -> Finished:
    """Move the money; the key makes it safe to run this step twice."""
    request, amount = state["request"], state["pay_eur"]
    thread = runtime.execution_info.thread_id if runtime.execution_info else None
    receipt = bank.pay(key=f"{thread}:{request.order}", amount=amount)
    get_stream_writer()({"paid": receipt, "order": request.order, "amount_eur": amount})
    logger.info("Paid %.2f EUR for order %s, receipt %s", amount, request.order, receipt)
    text = f"Paid {amount:.2f} EUR to customer {request.customer}, receipt {receipt}."
    return finish(request, "paid", text, amount)


def decline(state: Refund) -> Finished:
    """Close the request without paying, with the reviewer's words."""
    request, note = state["request"], state["note"].rstrip(".")
    return finish(request, "declined", f"Declined {request.amount:.2f} EUR: {note}.")


builder = StateGraph(Refund, input_schema=Asked, output_schema=Progress)
builder.add_node(reassure)
builder.add_node(review)
builder.add_node(pay_out)
builder.add_node(decline)
builder.add_conditional_edges(START, by_urgency)
builder.add_edge("reassure", "review")
builder.add_conditional_edges("review", by_decision)
builder.add_edge("pay_out", END)
builder.add_edge("decline", END)
graph = builder.compile(name="refund")
