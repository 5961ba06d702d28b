"""Words that several screens use: a decision in the past tense, a risk. Colours and icons: `palette`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from interlock.core.model import deadlines
from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary, Kind, Verb
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import format_countdown

_DONE_WORDS = {
    Verb.APPROVE: "Approved",
    Verb.REJECT: "Rejected",
    Verb.REVISE: "Sent back for revision",
    Verb.EDIT: "Approved with changes",
    Verb.RESPOND: "Answered",
    Verb.ANSWER: "Answered",
    Verb.FALLBACK: "Used the fallback",
    Verb.SKIP: "Skipped",
    Verb.STOP: "Stopped",
}
_STANDING_WORDS: Mapping[Kind, Mapping[Verb, str]] = {
    Kind.BREAKPOINT: {Verb.APPROVE: "Went on", Verb.EDIT: "Went on with changes"},
    Kind.FAILURE: {Verb.APPROVE: "Retried", Verb.EDIT: "Retried with changes"},
}
HIGH_RISK = "high"
_UNRATED = ("", "unknown", "none", "unset")  # no policy says how risky it is


def say_done(verb: str, kind: Kind | None = None, *, count: int = 1) -> str:
    """
    A decision in the past tense: `Approved`.

    Args:
        verb: What was decided.
        kind: Of the card, whose buttons have words of their own at a breakpoint and after a failure.
        count: How many actions were decided, each by itself.
    """
    if count > 1:
        return f"Sent {count} decisions"
    if verb not in set(Verb):
        return "Decided"
    own = _STANDING_WORDS.get(kind, {}) if kind else {}
    return own.get(Verb(verb), _DONE_WORDS[Verb(verb)])


MAY_HAVE_REPEATED = (
    "It may have done steps again: a worker that had it ended, and what it may have kept in memory"
    " while the database was away was lost with it."
)


def look_of_durability(steps_in_memory: int, *, may_have_repeated: bool = False) -> Look | None:
    """The badge of a run that went on while its database was away; None if it never did."""
    if not steps_in_memory and not may_have_repeated:
        return None
    return Look(Tone.SHORT_CIRCUITED, "not durable", ":material/cloud_off:")


def say_durability(steps_in_memory: int, *, may_have_repeated: bool = False) -> str:
    """What that badge means; empty without one."""
    late = _say_late(steps_in_memory) if steps_in_memory else ""
    return f"{late} {MAY_HAVE_REPEATED}".strip() if may_have_repeated else late


def _say_late(steps_in_memory: int) -> str:
    what = "1 step was" if steps_in_memory == 1 else f"{steps_in_memory} steps were"
    return (
        f"{what} kept in the memory of its worker while the database was away, and stored late. Had"
        " the worker ended meanwhile, they would have been lost and done again."
    )


def say_going_on(workflows: Sequence[str]) -> str:
    """What goes on while the database is away; empty if nothing does, as far as is known."""
    if not workflows:
        return ""
    what = "workflow" if len(workflows) == 1 else "workflows"
    return (
        f"Not durable: runs of the {what} {', '.join(show_hidden(name) for name in workflows)} go on"
        " meanwhile in the memory of their worker. If it ends before the database is back, they go"
        " on from their last stored step and do again what they did since."
    )


def look_of_deadline(card: ApprovalSummary, now: datetime) -> Look | None:
    """The countdown of a card whose time is running out, or over; None while there is time."""
    if card.status is not ApprovalStatus.PENDING or not deadlines.is_warned(card, now):
        return None
    icon = "alarm" if deadlines.is_overdue(card, now) else "timer"
    return Look(Tone.WAITING, format_countdown(card.deadline_at, now), f":material/{icon}:")


def look_of_risk(risk: str) -> Look | None:
    """How a risk is shown: a grey word, since warm colours are kept for states. None: nobody rated it."""
    if risk in _UNRATED:
        return None
    icon = ":material/gpp_maybe:" if risk == HIGH_RISK else ":material/shield:"
    return Look(Tone.QUIET, f"{risk} risk", icon)
