from typing import Any, TypedDict


class State(TypedDict):
    text: str
    made: str
    answer: Any
