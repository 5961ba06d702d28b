"""Words that several screens use: a decision in the past tense, a risk. Colours and icons: `palette`."""

from __future__ import annotations

from interlock.core.model.approvals import Verb
from interlock.dashboard.palette import Look, Tone

_DONE_WORDS = {
    Verb.APPROVE: "Approved",
    Verb.REJECT: "Rejected",
    Verb.EDIT: "Approved with changes",
    Verb.RESPOND: "Answered",
    Verb.ANSWER: "Answered",
    Verb.SKIP: "Skipped",
    Verb.STOP: "Stopped",
}
HIGH_RISK = "high"
_UNRATED = ("", "unknown", "none", "unset")  # no policy says how risky it is


def say_done(verb: str) -> str:
    """A decision in the past tense: `Approved`."""
    return _DONE_WORDS[Verb(verb)] if verb in set(Verb) else "Decided"


def look_of_risk(risk: str) -> Look | None:
    """How a risk is shown: a grey word, since warm colours are kept for states. None: nobody rated it."""
    if risk in _UNRATED:
        return None
    icon = ":material/gpp_maybe:" if risk == HIGH_RISK else ":material/shield:"
    return Look(Tone.QUIET, f"{risk} risk", icon)
