"""The local model's words at the design contest: the designers', the judge's, the colleagues'."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.core.gallery.speech import Parts, Writer

SKETCHES = {
    "express": "One page with what most people buy. Touches: 1. Words: 60. Cost: 900 EUR.",
    "guided": "One question a page, in large letters. Touches: 5. Words: 8. Cost: 1100 EUR.",
    "map": "A map of the city; touch where you go. Touches: 3. Words: 20. Cost: 400 EUR.",
}


def _sketch(parts: Parts) -> str:
    return SKETCHES.get(
        parts.get("designer", ""), "One button. Touches: 1. Words: 1. Cost: 100 EUR."
    )


# What each goal looks at, what a point of it costs, and why it counts.
GOALS = {
    "quick": ("Touches", 10, "nobody else needs so few touches"),
    "easy": ("Words", 1, "nobody else asks people to read so little"),
    "cheap": ("Cost", 0.05, "nobody else builds it for so little money"),
}


def _judge(parts: Parts) -> str:
    word, weight, why = GOALS.get(parts.get("goal", ""), GOALS["quick"])
    scores = {}
    for name, text in re.findall(r"^(\w+): (.+)$", parts.get("designs", ""), re.MULTILINE):
        found = re.search(rf"{word}: (\d+)", text)
        scores[name] = max(0, round(100 - weight * int(found[1]))) if found else 0
    lines = [f"{name}: {score}" for name, score in scores.items()]
    best = max(scores, key=scores.__getitem__, default="Nobody")
    return "\n".join([*lines, f"{best.capitalize()} is the best one, since {why}."])


FITS_FROM_CM = 20  # large letters and six tickets side by side
LARGE, SMALL = "letters as large as a thumb", "smaller letters"
SIX = "all six tickets on the first page"


def _contribute(parts: Parts) -> str:
    """Ask for what is one's own concern, unless it is on the workspace already."""
    shared, colleague = parts.get("workspace", ""), parts.get("colleague", "")
    is_large = shared.rfind(LARGE) > shared.rfind(SMALL)
    if colleague == "accessibility" and not is_large:
        return f"CHANGE: {LARGE}"
    if colleague == "sales" and SIX not in shared:
        return f"CHANGE: {SIX}"
    if colleague == "engineering" and is_large and SIX in shared:
        screen_cm = int(re.sub(r"\D", "", parts.get("screen_cm", "")) or FITS_FROM_CM)
        if screen_cm < FITS_FROM_CM:
            return f"CHANGE: {SMALL}, since six tickets do not fit on {screen_cm} cm otherwise"
    return "AGREE: what I care about is taken care of"


REPLIES: Mapping[str, Writer] = {
    "sketch": _sketch,
    "judge": _judge,
    "contribute": _contribute,
}
