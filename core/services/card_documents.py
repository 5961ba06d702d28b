"""The JSON documents of what a team does with cards together: the same from command line and API. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.model.bulk import Outcome, Told
from interlock.core.types import Json


def of_bulk(told: Sequence[Told]) -> dict[str, Json]:
    """The document of `decide-many`: how many came to what, and each card in its order."""
    counts = {str(outcome): 0 for outcome in Outcome}
    for each in told:
        counts[str(each.outcome)] += 1
    return {"counts": dict(counts), "cards": [of_told(each) for each in told]}


def of_told(told: Told) -> dict[str, Json]:
    """What came of one card of many."""
    return {
        "approval_id": told.pick.approval_id,
        "version": told.pick.version,
        "outcome": str(told.outcome),
        "status": told.status or None,
        "run_id": told.run_id,
        "workflow": told.workflow or None,
        "title": told.title or None,
        "refusal": told.refusal or None,
        "winner": None if told.winner is None else dict(told.winner),
    }
