from typing import TypedDict

import core
from core.settings import OWNER
from dashboard.words import WORD
from langgraph.graph import START, StateGraph

from . import settings as relative


class State(TypedDict):
    text: str


def tell(state: State) -> dict:
    return {"text": f"{OWNER}, {WORD}, {relative.OWNER}, {core.__name__}, {State.__module__}"}


graph = StateGraph(State).add_node("tell", tell).add_edge(START, "tell").compile()
