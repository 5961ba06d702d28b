"""The local model as the analyst of the market desk: asks five exchanges, then names a share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from interlock.core.gallery.market import CITIES
from interlock.core.gallery.speech import Agent, Call, Reply

FALLEN = re.compile(r"^([A-Z]{3}\.([A-Z])) ([+-][\d.]+) %$", re.MULTILINE)
MOOD = re.compile(r"^(\w+): (rising|calm|falling)$")


def _weigh(messages: Sequence[BaseMessage]) -> Reply:
    """Ask for the mood everywhere, then choose what fell most where the day goes well."""
    asked = max(i for i, m in enumerate(messages) if isinstance(m, HumanMessage) or i == 0)
    brief, turn = str(messages[asked].text), messages[asked + 1 :]
    if not any(isinstance(message, AIMessage) for message in turn):
        calls = [Call("exchange_mood", {"city": city}) for city in CITIES]
        return Reply("I ask at all five exchanges.", calls)
    told = [MOOD.match(str(m.text)) for m in turn if isinstance(m, ToolMessage)]
    moods = {found[1][0]: (found[1], found[2]) for found in told if found}
    for symbol, letter, change in FALLEN.findall(brief):
        city, mood = moods.get(letter, ("", "unknown"))
        if mood == "rising" and change.startswith("-"):
            return Reply(f"{symbol} fell by {change[1:]} % while {city} is rising.\nBUY {symbol}")
    silent = len(CITIES) - len(moods)
    why = f"{silent} exchanges did not answer." if silent else "Nothing fell where it rises."
    return Reply(f"{why}\nBUY nothing")


AGENTS: Mapping[str, Agent] = {"weigh": _weigh}
