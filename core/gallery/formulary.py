"""
A stand-in for a pharmacy: which doses and pairs of medicines are doubtful, and the counter.

A few well-known examples to show a workflow with. It is no medical reference, and not fit to be one.
"""

from __future__ import annotations

import hashlib
import time
from typing import Literal

from interlock.core.gallery import latency

Name = Literal[
    "ibuprofen", "paracetamol", "amoxicillin", "simvastatin", "clarithromycin", "warfarin"
]

MAX_MG_A_DAY: dict[Name, int] = {
    "ibuprofen": 2_400,
    "paracetamol": 4_000,
    "amoxicillin": 6_000,
    "simvastatin": 40,
    "clarithromycin": 1_000,
    "warfarin": 10,
}
CLASSES: dict[Name, str] = {"amoxicillin": "penicillin", "clarithromycin": "macrolides"}
PAIRS: dict[frozenset[Name], tuple[Literal["note", "danger"], str]] = {
    frozenset({"ibuprofen", "warfarin"}): ("danger", "together they make bleeding likely"),
    frozenset({"simvastatin", "clarithromycin"}): ("danger", "together they can destroy muscle"),
    frozenset({"paracetamol", "warfarin"}): ("note", "over weeks it thins the blood further"),
}


def hand_out(*, key: str) -> str:
    """
    Hand medicines over the counter and return the slip's number.

    The same key always returns the same slip: a step that is repeated after a crash hands out once.
    """
    time.sleep(latency.call_s())
    return f"P-{hashlib.sha256(key.encode()).hexdigest()[:8].upper()}"
