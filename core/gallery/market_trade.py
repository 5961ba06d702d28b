"""
One trade, from the proposal to the exchange: a person lets it out, makes it smaller, or stops it.

    release -> execute or stop
"""

from __future__ import annotations

from typing import Literal, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from interlock.core.gallery import market
from interlock.core.gallery.market_forms import trade_form


class Order(TypedDict):
    """What is to be bought, at which price, and why."""

    symbol: str
    quantity: int
    price_eur: float
    reason: str


class Traded(TypedDict):
    """How the trade ended."""

    outcome: str


class Trade(Order, Traded):
    """Everything known about one trade."""

    is_approved: bool
    note: str


def release(state: Trade) -> dict[str, object]:
    """Hold the trade until a person has decided: a bought share cannot be given back."""
    symbol, quantity, price_eur = state["symbol"], state["quantity"], state["price_eur"]
    facts = {
        "question": f"Buy {quantity} {symbol} at {price_eur:.2f} EUR?",
        "cost_eur": round(quantity * price_eur, 2),
        "reason": state["reason"],
    }
    decision = interrupt(facts, response_schema=trade_form(quantity))
    return {
        "is_approved": decision.approved,
        "quantity": decision.quantity,
        "note": decision.note,
    }


def by_decision(state: Trade) -> Literal["execute", "stop"]:
    """Buy only what was approved."""
    return "execute" if state["is_approved"] else "stop"


def execute(state: Trade, runtime: Runtime) -> Traded:
    """Buy; the task is the key, which makes it safe to run this step twice."""
    info = runtime.execution_info
    key = f"{info.thread_id}:{info.task_id}" if info else ""
    number = market.place(key=key, symbol=state["symbol"], quantity=state["quantity"])
    get_stream_writer()({"bought": number, "symbol": state["symbol"]})
    cost_eur = state["quantity"] * state["price_eur"]
    words = f"Bought {state['quantity']} {state['symbol']} for {cost_eur:.2f} EUR, order {number}."
    return {"outcome": words}


def stop(state: Trade) -> Traded:
    """Close the trade without buying, with the reviewer's words."""
    return {"outcome": f"Did not buy {state['symbol']}: {state['note'] or 'it was stopped'}."}


builder = StateGraph(Trade, input_schema=Order, output_schema=Traded)
for node in (release, execute, stop):
    builder.add_node(node)
builder.add_edge(START, "release")
builder.add_conditional_edges("release", by_decision)
builder.add_edge("execute", END)
builder.add_edge("stop", END)
graph = builder.compile(name="trade")
