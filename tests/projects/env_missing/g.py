from typing import TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph

NUMBER = 7


class State(TypedDict):
    text: str


def node(state: State) -> dict:
    return {"text": state["text"].upper()}


graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()


def wrong_arguments(tenant: str, region: str):
    return graph


def gives_no_graph():
    return {"nodes": []}


def needs_a_key(config: RunnableConfig):
    tenant = config["configurable"]["tenant"]
    return graph if tenant else None
