"""
The state of the prescription check: validated, and with a reducer for each way it may change.

LangGraph gives every node a `Case`, so a value out of its bounds stops at the next node. A reducer
decides what becomes of a field that several nodes write; `Overwrite` goes past it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from interlock.core.gallery.formulary import Name

MAX_LOG = 200  # lines that a file keeps
PRIORITY = {"note": 0, "caution": 1, "danger": 2}

Severity = Literal["note", "caution", "danger"]
Check = Literal["dose", "interactions", "allergies"]
Step = Literal["received", "checked", "held", "dispensed", "refused"]

MOVES: Mapping[Step, frozenset[Step]] = {
    "received": frozenset({"checked"}),
    "checked": frozenset({"held", "dispensed"}),
    "held": frozenset({"received", "dispensed", "refused"}),
    "dispensed": frozenset({"received"}),
    "refused": frozenset({"received"}),
}


@dataclass(frozen=True)
class Medicine:
    """One line of a prescription; it is replaced, never changed."""

    name: Annotated[Name, Field(description="What.")] = "paracetamol"
    dose_mg: Annotated[int, Field(ge=1, le=5_000, description="Milligrams at a time.")] = 500
    times_a_day: Annotated[int, Field(ge=1, le=8, description="How often a day.")] = 3


@dataclass(frozen=True)
class Finding:
    """What is doubtful about a medicine, and how much."""

    severity: Severity
    text: str


def append(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The newest at the end; the oldest are dropped."""
    return [*old, *new][-MAX_LOG:]


def prepend(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The newest first."""
    return [*new, *old]


def remove(old: Sequence[Check], done: Sequence[Check]) -> list[Check]:
    """What is written is taken out: only what is left stays."""
    return [check for check in old if check not in done]


def keep_worst(old: Mapping[str, Finding], new: Mapping[str, Finding]) -> dict[str, Finding]:
    """Of two findings about one medicine the graver one stays, whoever came first."""
    merged = dict(old)
    for name, finding in new.items():
        known = merged.get(name)
        if known is None or PRIORITY[finding.severity] > PRIORITY[known.severity]:
            merged[name] = finding
    return merged


def count(old: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Add to each counter."""
    return {name: old.get(name, 0) + more.get(name, 0) for name in sorted({*old, *more})}


def move(old: Step, new: Step) -> Step:
    """Go on to a step that may follow; nothing is dispensed that was refused."""
    if new not in MOVES[old]:
        raise ValueError(f"A prescription that is {old} cannot become {new}.")
    return new


class Case(BaseModel):
    """One patient's prescription; `counts` and `log` go on over all prescriptions of the thread."""

    patient: str = Field(default="", max_length=80)
    age: int = Field(default=0, ge=0, le=120)
    allergies: list[str] = Field(default=[], max_length=10)
    takes: list[Name] = Field(default=[], max_length=10)
    medicines: list[Medicine] = Field(default=[], max_length=10)
    step: Annotated[Step, move] = "received"
    risk: int = Field(default=0, ge=0, le=100)
    open_checks: Annotated[list[Check], remove] = []
    findings: Annotated[dict[str, Finding], keep_worst] = {}
    alerts: Annotated[list[str], prepend] = []
    counts: Annotated[dict[str, int], count] = {}
    log: Annotated[list[str], append] = []
    advice: str = Field(default="", max_length=5_000)
    note: str = Field(default="", max_length=500)
