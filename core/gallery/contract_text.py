"""
The text of a contract: generate it, hold it against the house rules, and refine it, within a bound.

    draft, or redraft where there is a remark -> check -> redraft -> check ...
                                                          at most `max_redrafts` times

A graph of its own: it is run once for the first text, and again whenever an approver sends it back.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from langgraph.graph import START, StateGraph

from interlock.core.gallery.contract_rules import find_problems
from interlock.core.gallery.models import ask, chat_model


class Text(TypedDict):
    """The text so far, and what is wrong with it; `remarks` that come in are those of a person."""

    supplier: str
    service: str
    value_eur: float
    months: int
    max_redrafts: int
    text: str
    remarks: list[str]
    redrafts: int


def by_remark(state: Text) -> Literal["draft", "redraft"]:
    """Begin with what a person said about the text, or without a text at all."""
    return "redraft" if state["remarks"] else "draft"


async def draft(state: Text) -> dict[str, object]:
    """Write the first text."""
    job = "Formulate a short contract with a title and numbered clauses; we are the customer."
    terms = {name: state[name] for name in ("supplier", "service", "months")}
    price = f"{state['value_eur']:,.2f} EUR"
    reply = await chat_model().ainvoke(ask(job, price=price, **terms))
    return {"text": str(reply.text), "redrafts": 0}


def check(state: Text) -> dict[str, list[str]]:
    """Note which of the house rules the text does not keep."""
    return {"remarks": find_problems(state["text"], state["supplier"], state["value_eur"])}


def after_check(state: Text) -> Literal["redraft", "__end__"]:
    """Mend what is wrong, no more often than allowed; what is left is told to the approvers."""
    may_mend = state["redrafts"] < state["max_redrafts"]
    return "redraft" if state["remarks"] and may_mend else "__end__"


async def redraft(state: Text) -> dict[str, object]:
    """Rewrite the text so that the first remark no longer holds."""
    job = "Redraft the contract as the remark says. Reply with the whole contract, nothing else."
    reply = await chat_model().ainvoke(
        ask(job, contract=state["text"], remark=state["remarks"][0], supplier=state["supplier"])
    )
    return {"text": str(reply.text), "redrafts": state["redrafts"] + 1}


builder = StateGraph(Text)
for node in (draft, check, redraft):
    builder.add_node(node)
builder.add_conditional_edges(START, by_remark)
builder.add_edge("draft", "check")
builder.add_edge("redraft", "check")
builder.add_conditional_edges("check", after_check)
graph = builder.compile(name="contract_text")
