"""A graph of the project's own `core`."""

import core
import core.errors
import interlock_rules
from core.settings.base import OWNER
from core.state import Report, State
from dashboard import palette
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from ..state import Report as same


def tell(state: State) -> State:
    words = (OWNER, palette.WORD, interlock_rules.LIMIT, core.errors.InterlockError.__doc__)
    return {"report": Report("; ".join(map(str, words)))}


def ask(state: State) -> State:
    assert isinstance(state["report"], same), type(state["report"])
    return {"text": f"{interrupt('Go on?')}: {state['report'].mood}"}


graph = StateGraph(State).add_sequence([tell, ask]).add_edge(START, "tell").compile()
