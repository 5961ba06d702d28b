"""The people and programs of the demonstration, who launch, decide and go back."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Person:
    """
    Somebody who decides cards.

    `weight` is the share of the cards that are theirs, `seconds` what they take for one at the
    median, `approves` the share that they let through.
    """

    name: str
    weight: int
    seconds: float
    approves: float


OPERATORS = (
    Person(name="Mira Voss", weight=5, seconds=45, approves=0.9),
    Person(name="Jonas Berg", weight=3, seconds=80, approves=0.82),
    Person(name="Aylin Kaya", weight=3, seconds=150, approves=0.74),
    Person(name="Tom Reyes", weight=2, seconds=3, approves=1.0),  # who reads nothing is to be seen
)
SOURCES = ("web shop", "customer service", "press desk", "release calendar", "treasury")
SPREAD = 0.6  # of what a thing takes, as the sigma of a log-normal distribution


def choose(rng: random.Random) -> Person:
    """Whoever takes the next card."""
    return rng.choices(OPERATORS, [each.weight for each in OPERATORS])[0]


def vary(rng: random.Random, median: float, *, spread: float = SPREAD) -> float:
    """A value around a median, now and then much higher, as durations are."""
    return median * math.exp(rng.gauss(0.0, spread))


REASONS = (
    "Checked against the order.",
    "Agreed with the team lead.",
    "As discussed this morning.",
    "Within our rules.",
    "",
    "",
)
REFUSALS = (
    "The amount does not match the order.",
    "Not before legal has seen it.",
    "The wording promises too much.",
    "Wait for the numbers of this week.",
)
