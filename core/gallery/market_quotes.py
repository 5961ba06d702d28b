"""
Prices from a feed that is not to be relied on: what is missing, and how often it was asked for.

A symbol that gets no price is a line in `missed`, not an error: it does not sink the others of its
batch. Only a feed that does not answer at all raises, and what happens then is the policy's business.
"""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

from langgraph.types import Send

from interlock.core.gallery import market
from interlock.core.gallery.market import Quote

BATCH_SIZE = 10  # symbols in one call of the feed
BATCHES_AT_ONCE = 5
MAX_TRIES = 3


class Prices(TypedDict):
    """What is known of the prices, by symbol; `tries` is how often each was asked for."""

    quotes: Annotated[dict[str, Quote], operator.or_]
    missed: Annotated[dict[str, str], operator.or_]
    tries: Annotated[dict[str, int], operator.or_]


class Watched(Prices):
    """The prices, and what they were asked for."""

    symbols: list[str]


class Batch(TypedDict):
    """The symbols of one call, and how often each was asked for before."""

    asked: dict[str, int]


def fetch(state: Batch) -> Prices:
    """Ask the feed for the prices of one batch."""
    quotes, missed = market.quote(state["asked"])
    return {"quotes": quotes, "missed": missed, "tries": count(state)}


def yesterday(state: Batch) -> Prices:
    """Take yesterday's prices, marked as such; the policy of `fetch` falls back to this node."""
    closes = {symbol: market.last_close(symbol) for symbol in state["asked"]}
    return {
        "quotes": {symbol: close for symbol, close in closes.items() if close is not None},
        "missed": dict.fromkeys(closes, "the feed does not answer"),
        "tries": count(state),
    }


def count(batch: Batch) -> dict[str, int]:
    """Count this try for every symbol of the batch."""
    return {symbol: before + 1 for symbol, before in batch["asked"].items()}


def next_batches(state: Watched) -> list[Send]:
    """At most five batches of what has no fresh price yet, and was asked for less than three times."""
    tries = state["tries"]
    open_symbols = [s for s in missing(state) if tries.get(s, 0) < MAX_TRIES]
    open_symbols.sort(key=lambda symbol: tries.get(symbol, 0))
    starts = range(0, len(open_symbols), BATCH_SIZE)[:BATCHES_AT_ONCE]
    batches = [open_symbols[start : start + BATCH_SIZE] for start in starts]
    return [Send("fetch", Batch(asked={s: tries.get(s, 0) for s in batch})) for batch in batches]


def missing(state: Watched) -> list[str]:
    """The symbols without a price of today."""
    found = fresh(state)
    return [symbol for symbol in state["symbols"] if symbol not in found]


def fresh(state: Watched) -> dict[str, Quote]:
    """The prices of today."""
    return {symbol: quote for symbol, quote in state["quotes"].items() if quote["is_fresh"]}


def tell_missing(state: Watched) -> list[str]:
    """A line for each symbol without a price of today: why, and what there is instead."""
    return [
        f"{symbol}: {state['missed'].get(symbol, 'not asked for')}, gave up after "
        f"{state['tries'].get(symbol, 0)} tries; {_instead(state, symbol)}."
        for symbol in missing(state)
    ]


def _instead(state: Watched, symbol: str) -> str:
    stale = state["quotes"].get(symbol)
    return f"{stale['price_eur']:.2f} EUR yesterday" if stale else "no price"
