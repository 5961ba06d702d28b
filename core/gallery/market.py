"""A stand-in for a market data feed that misses some symbols, and for the exchange behind it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypedDict, get_args

from interlock.core.gallery import faults, latency

City = Literal["Vienna", "Frankfurt", "Zurich", "Paris", "London"]
CITIES: tuple[City, ...] = get_args(City)
SHARES = (
    *("ALP", "BRG", "CEM", "DAN", "EDL", "FEL", "GLA", "HOF", "INN", "JUL"),
    *("KAR", "LIN", "MUR", "NOR", "OST", "PIN", "QUA", "RHE", "SAL", "TAU"),
)
SYMBOLS = tuple(f"{share}.{city[0]}" for share in SHARES for city in CITIES)
MOODS: Mapping[City, str] = {
    "Vienna": "rising",
    "Frankfurt": "falling",
    "Zurich": "calm",
    "Paris": "falling",
    "London": "rising",
}


class Quote(TypedDict):
    """What a share costs, and since yesterday's close by how much more or less."""

    price_eur: float
    change_percent: float
    is_fresh: bool


class Answer(NamedTuple):
    """What the feed had, and why it had no more."""

    quotes: dict[str, Quote]
    missed: dict[str, str]


def quote(asked: Mapping[str, int]) -> Answer:
    """
    Ask for the price of each symbol; the number says how often it was asked for before.

    Every eighth symbol has no answer at first, and one in forty only the third time.
    """
    faults.check("market")
    time.sleep(latency.call_s())
    quotes: dict[str, Quote] = {}
    missed: dict[str, str] = {}
    for symbol, before in asked.items():
        if symbol not in SYMBOLS:
            missed[symbol] = "no such symbol"
        elif before < _misses(symbol):
            missed[symbol] = "no answer in time"
        else:
            quotes[symbol] = _price(symbol, is_fresh=True)
    return Answer(quotes, missed)


def last_close(symbol: str) -> Quote | None:
    """Yesterday's price, which needs no feed; none where there is no such symbol."""
    return _price(symbol, is_fresh=False) if symbol in SYMBOLS else None


def mood(city: City) -> str:
    """Ask how the day goes at an exchange."""
    faults.check("market")
    time.sleep(latency.call_s())
    return f"{city}: {MOODS[city]}"


def place(*, key: str, symbol: str, quantity: int) -> str:
    """
    Buy at the exchange and return the order's number.

    The same key always returns the same number: a step that is repeated does not buy twice.
    """
    faults.check("market")
    time.sleep(latency.call_s())
    return f"T-{_number(f'{key}:{symbol}:{quantity}'):08X}"


def _misses(symbol: str) -> int:
    position = SYMBOLS.index(symbol)
    return 2 if position % 40 == 7 else int(position % 8 == 7)


def _price(symbol: str, *, is_fresh: bool) -> Quote:
    close_eur = 10 + _number(symbol) % 9_000 / 50
    change_percent = (_number(symbol[::-1]) % 101 - 50) / 10 if is_fresh else 0.0
    return {
        "price_eur": round(close_eur * (1 + change_percent / 100), 2),
        "change_percent": change_percent,
        "is_fresh": is_fresh,
    }


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
