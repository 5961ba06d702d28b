import enum
from dataclasses import dataclass
from typing import Any, TypedDict


class Mood(enum.Enum):
    GOOD = "good"


@dataclass
class Report:
    text: str
    mood: Mood = Mood.GOOD


class State(TypedDict, total=False):
    text: str
    report: Any
