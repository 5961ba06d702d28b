import works
from langgraph.graph import START, StateGraph

graph = StateGraph(works.State).add_node("node", lambda state: {"found": ["parts"]})
graph.add_edge(START, "node")
