"""The three checks of a prescription: the dose of a day, what does not go together, and allergies."""

from __future__ import annotations

from collections import Counter
from typing import Any

from interlock.core.gallery import formulary
from interlock.core.gallery.prescription_state import (
    Case,
    Check,
    Finding,
    Severity,
    keep_worst,
)

FAR_ABOVE = 1.5  # times the highest dose; then it is a danger


def check_dose(state: Case) -> dict[str, Any]:
    """Hold what is taken in a day against the most that may be."""
    a_day: Counter[formulary.Name] = Counter()
    for medicine in state.medicines:
        a_day[medicine.name] += medicine.dose_mg * medicine.times_a_day
    found: dict[str, Finding] = {}
    for name, mg in a_day.items():
        most = formulary.MAX_MG_A_DAY[name]
        if mg > most:
            severity: Severity = "danger" if mg > FAR_ABOVE * most else "caution"
            found[name] = Finding(severity, f"{mg} mg a day; {most} mg is the most")
    return note("dose", found)


def check_interactions(state: Case) -> dict[str, Any]:
    """Look at each pair, with what the patient takes already."""
    names = [medicine.name for medicine in state.medicines]
    found: dict[str, Finding] = {}
    for name in names:
        for other in [*state.takes, *names]:
            known = formulary.PAIRS.get(frozenset({name, other}))
            if known is not None:
                severity, text = known
                found = keep_worst(found, {name: Finding(severity, f"with {other}: {text}")})
    return note("interactions", found)


def check_allergies(state: Case) -> dict[str, Any]:
    """Look whether the patient is allergic to it, or to its class."""
    allergies = {allergy.strip().casefold() for allergy in state.allergies}
    found: dict[str, Finding] = {
        medicine.name: Finding("danger", "the patient is allergic to it")
        for medicine in state.medicines
        if allergies & {medicine.name, formulary.CLASSES.get(medicine.name, medicine.name)}
    }
    return note("allergies", found)


def note(check: Check, found: dict[str, Finding]) -> dict[str, Any]:
    """What a check writes: itself off the list, what it found, and a count of both."""
    alerts = [f"{name}: {finding.text}" for name, finding in found.items()]
    counts = {"checks": 1, "findings": len(found)}
    return {"open_checks": [check], "findings": found, "alerts": alerts, "counts": counts}
