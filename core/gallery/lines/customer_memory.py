"""The local model's words in the customer memory."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.core.gallery.speech import Parts, Writer

FACTS = {
    "contact": re.compile(r"I (prefer answers by [\w-]+)", re.IGNORECASE),
    "name": re.compile(r"my name (is [A-Z]\w+)"),
    "setup": re.compile(r"we (use [\w ]+)", re.IGNORECASE),
}


def _distil(parts: Parts) -> str:
    heard = parts.get("heard", "")
    found = {topic: words.findall(heard) for topic, words in FACTS.items()}
    facts = [f"{topic}: you {_to_you(said[-1])}" for topic, said in found.items() if said]
    return "\n".join(facts) or "none"


def _to_you(said: str) -> str:
    return f"said your name {said}" if said.startswith("is ") else said


REPLIES: Mapping[str, Writer] = {"distil": _distil}
