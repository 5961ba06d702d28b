from core.graphs.loading import graph as inner
from core.state import State
from langgraph.graph import START, StateGraph

graph = StateGraph(State).add_node("inner", inner).add_edge(START, "inner")
