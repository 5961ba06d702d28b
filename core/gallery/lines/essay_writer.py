"""The local model's words in the essay writer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.core.gallery.speech import Parts, Writer


def _plan(_parts: Parts) -> str:
    return "Where does the idea come from?\nWhat does it change in practice?\nWhat does it cost?"


def _research(parts: Parts) -> str:
    for word, finding in FINDINGS.items():
        if word in parts.get("question", "").lower():
            return finding
    return "Little has been written about this, and what there is agrees with common sense."


FINDINGS = {
    "come from": "The idea is older than its name: people did it before anyone wrote it down.",
    "practice": "Those who adopt it interrupt each other less, and notice trouble sooner.",
    "cost": "It asks for patience at the start, because its gain shows only after some weeks.",
}


def _draft(parts: Parts) -> str:
    topic = parts.get("topic", "This topic")
    findings = re.findall(r"^- (.+)$", parts.get("notes", ""), re.MULTILINE)
    body = " ".join(findings) or "There is little research to lean on, so this essay stays careful."
    return (
        f"{topic}\n\n"
        f"This is written for {parts.get('audience', 'everyone')}, who have little time, so here "
        f"is the point first: it pays off, and it is within reach.\n\n{body}\n\n"
        "Whoever wants to start can start small: pick one place, try it for a week, and keep what "
        "helped."
    )


EXAMPLE = "For example, one team tried it on a single desk first, and kept it after a week."
OBJECTION = "However, it does not suit every case: where all is calm already, it adds little."


def _critique(parts: Parts) -> str:
    essay = parts.get("essay", "")
    if "For example" not in essay:
        return "REVISE: give one example the reader can picture."
    if "However" not in essay:
        return "REVISE: say what speaks against it."
    return "ACCEPT: the point is clear, illustrated and weighed."


def _revise(parts: Parts) -> str:
    essay, remark = parts.get("essay", ""), parts.get("remark", "")
    before, gap, ending = essay.rpartition("\n\n")
    addition = f"As a first reader asked: {remark}"
    if "example" in remark and EXAMPLE not in essay:
        addition = EXAMPLE
    elif "against" in remark and OBJECTION not in essay:
        addition = OBJECTION
    return f"{before}{gap}{addition}\n\n{ending}"


REPLIES: Mapping[str, Writer] = {
    "plan": _plan,
    "research": _research,
    "draft": _draft,
    "critique": _critique,
    "revise": _revise,
}
