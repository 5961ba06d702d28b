"""A stand-in for the press archive and the statistics office that real researchers would ask."""

from __future__ import annotations

import re
import time
from typing import TypedDict

from interlock.core.gallery import latency

MOST_CLIPPINGS = 2  # a search gives out no more


class Clipping(TypedDict):
    """Something that was written before, and where."""

    source: str
    text: str


class Figure(TypedDict):
    """A number, and who counted it."""

    source: str
    value: float
    unit: str


# What is kept, by the words it is found by: all of them have to be asked for.
CLIPPINGS: dict[tuple[str, ...], Clipping] = {
    ("tram", "concerned"): {
        "source": "Evening Post",
        "text": "Every third passenger after midnight works in a kitchen or a hospital.",
    },
    ("tram", "against"): {
        "source": "Residents' Letter",
        "text": "Those who live along the lines ask for slower trams after midnight.",
    },
    ("bike", "concerned"): {
        "source": "Wheel & Road",
        "text": "Two of three who would buy a cargo bike have no room to park one.",
    },
    ("bike", "against"): {
        "source": "Wheel & Road",
        "text": "The first folding models rattled, and their owners still talk about it.",
    },
    ("concerned",): {
        "source": "The Almanac",
        "text": "Those who are touched first are seldom those who are asked first.",
    },
    ("against",): {
        "source": "The Almanac",
        "text": "What was tried elsewhere took twice as long as planned.",
    },
}
FIGURES: dict[tuple[str, ...], Figure] = {
    ("tram",): {"source": "City Statistics", "value": 2.4, "unit": "million EUR a year"},
    ("bike",): {"source": "Trade Register", "value": 3900, "unit": "EUR apiece"},
}


def search(words: str) -> list[Clipping]:
    """The clippings that fit best, those found by the most words first."""
    time.sleep(latency.call_s())
    asked = _words(words)
    fitting = [keys for keys in CLIPPINGS if _fits(keys, asked)]
    return [CLIPPINGS[keys] for keys in sorted(fitting, key=len, reverse=True)][:MOST_CLIPPINGS]


def figure(words: str) -> Figure | None:
    """What it costs, where somebody counted it."""
    time.sleep(latency.call_s())
    return next((FIGURES[keys] for keys in FIGURES if _fits(keys, _words(words))), None)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _fits(keys: tuple[str, ...], asked: set[str]) -> bool:
    return all(any(word.startswith(key) for word in asked) for key in keys)
