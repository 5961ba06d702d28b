"""A preview as scripts and records have it: the facts, and the sentences that an operator was shown."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.model.rewind_checks import Problem
from interlock.core.model.rewind_words import say_certain, say_consequences, say_warnings
from interlock.core.model.rewinding import PastDecision, Preview
from interlock.core.types import Json


def as_json(preview: Preview, problems: Sequence[Problem] = ()) -> dict[str, Json]:
    """
    The stored and printed form of a preview.

    Args:
        preview: The preview.
        problems: Why it is refused as things stand.
    """
    difference = preview.difference
    return {
        "verb": str(preview.intention.verb),
        "checkpoint_id": preview.intention.checkpoint_id,
        "as_node": preview.as_node,
        "certain": None if preview.certain is None else list(preview.certain),
        "will_rerun": list(preview.will_rerun),
        "restarts": list(preview.restarts),
        "side_effects": {"true": list(preview.repeats), "unknown": list(preview.may_repeat)},
        "decisions": {
            "asked_again": [_decision(each) for each in preview.asked_again],
            "kept": [_decision(each) for each in preview.kept],
            "undone": [_decision(each) for each in preview.undone],
        },
        "superseded": [card.approval_id for card in preview.superseded],
        "left": (
            {"branch": preview.left_branch, "checkpoint_id": preview.left_head_id}
            if preview.left_head_id is not None
            else None
        ),
        "difference": difference.as_json() if difference is not None else None,
        "says": [say_certain(preview), *say_consequences(preview)],
        "warnings": list(say_warnings(preview)),
        "problems": [{"refusal": str(p.refusal), "message": p.message} for p in problems],
    }


def _decision(decision: PastDecision) -> dict[str, Json]:
    return vars(decision) | {"decided_at": decision.decided_at.isoformat()}
