"""
Market data: prices from an unreliable feed, an analyst who asks five exchanges, a trade to release.

    plan -> collect -> fetch (batches of 10, at most 5 at once) -> collect ...   3 tries a symbol
         -> (escalate: a person says what to do about missing prices)
         -> brief -> analyst -> propose -> (trade: release -> execute or stop) -> report

`market_quotes.py` is the prices, `market_analyst.py` the agent, `market_trade.py` the trade.
No edge leads to `yesterday`: where the feed does not answer, the policy of `fetch` falls back to it.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from langchain_core.messages import AnyMessage
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.types import Overwrite, Send, interrupt

from interlock.core.gallery import market_quotes, market_trade
from interlock.core.gallery.market import SYMBOLS
from interlock.core.gallery.market_analyst import analyst, write_brief
from interlock.core.gallery.market_forms import Missing, Watch
from interlock.core.gallery.market_quotes import Watched
from interlock.core.gallery.market_trade import Order, Traded

BUY = re.compile(r"BUY\s+([A-Z]{3}\.[A-Z])")


class Desk(Watched, Traded):
    """Everything known at the desk."""

    budget_eur: float
    when_missing: Literal["go on", "ask", "stop"]
    messages: Annotated[list[AnyMessage], add_messages]
    order: Order | None
    report: str


def plan(state: Watch) -> dict[str, object]:
    """List what to watch, and forget what was found the last time."""
    symbols = list(dict.fromkeys([*SYMBOLS[: state.shares], *state.also]))
    anew = {name: Overwrite({}) for name in ("quotes", "missed", "tries")}
    asked = state.model_dump(include={"budget_eur", "when_missing"})
    return {**asked, **anew, "symbols": symbols, "order": None, "outcome": "Nothing was bought."}


def collect(state: Desk) -> dict[str, object]:
    """Wait for the batches, and tell how many prices are of today."""
    fresh = market_quotes.fresh(state)
    get_stream_writer()({"prices": len(fresh), "of": len(state["symbols"])})
    return {}


def after_prices(state: Desk) -> list[Send] | str:
    """Ask again for what is missing, three times at most; then go on, or let a person say."""
    if state["when_missing"] == "stop":
        return "report"
    again = market_quotes.next_batches(state)
    if again:
        return again
    has_gaps = bool(market_quotes.missing(state))
    return "escalate" if has_gaps and state["when_missing"] == "ask" else "brief"


def escalate(state: Desk) -> dict[str, object]:
    """Let a person say what to do about the prices that are missing."""
    gaps, total = market_quotes.tell_missing(state), len(state["symbols"])
    facts = {"question": f"{len(gaps)} of {total} prices are missing. Go on?", "missing": gaps}
    answer = interrupt(facts, response_schema=Missing)
    if answer.choice == "try again":
        return {"tries": dict.fromkeys(market_quotes.missing(state), 0)}
    return {"when_missing": answer.choice}


def brief(state: Desk) -> dict[str, object]:
    """Tell the analyst what fell most today; a price of yesterday is no ground for a trade."""
    return {"messages": [write_brief(market_quotes.fresh(state))]}


def propose(state: Desk) -> dict[str, object]:
    """Read the analyst's choice, and order as much of it as the budget allows."""
    said = str(state["messages"][-1].text)
    named = BUY.findall(said)
    quote = market_quotes.fresh(state).get(named[-1]) if named else None
    quantity = int(state["budget_eur"] // quote["price_eur"]) if quote else 0
    if quote is None or quantity < 1:
        return {"order": None}
    price_eur = quote["price_eur"]
    return {"order": Order(symbol=named[-1], quantity=quantity, price_eur=price_eur, reason=said)}


def after_propose(state: Desk) -> list[Send] | str:
    """Hand the order to the trade; without one there is nothing to ask."""
    return [Send("trade", state["order"])] if state["order"] else "report"


def report(state: Desk) -> dict[str, str]:
    """Say how many prices are of today, what is missing and why, and what was bought."""
    fresh, gaps = market_quotes.fresh(state), market_quotes.tell_missing(state)
    head = f"{len(fresh)} of {len(state['symbols'])} prices are of today. {state['outcome']}"
    return {"report": "\n".join([head, *gaps])}


builder = StateGraph(Desk, input_schema=Watch)
for node in (plan, market_quotes.fetch, market_quotes.yesterday, collect, escalate, brief):
    builder.add_node(node)
builder.add_node("analyst", analyst)
builder.add_node(propose)
builder.add_node("trade", market_trade.graph)
builder.add_node(report)
builder.add_edge(START, "plan")
builder.add_edge("plan", "collect")
builder.add_conditional_edges("collect", after_prices, ["fetch", "escalate", "brief", "report"])
builder.add_edge("fetch", "collect")
builder.add_edge("escalate", "collect")
builder.add_edge("brief", "analyst")
builder.add_edge("analyst", "propose")
builder.add_conditional_edges("propose", after_propose, ["trade", "report"])
builder.add_edge("trade", "report")
builder.add_edge("report", END)
graph = builder.compile(name="market_data")
