"""How to view and update state in subgraphs: a breakpoint in the weather subgraph."""

from typing import Literal

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from typing_extensions import TypedDict

from chat import RuleModel


class SubGraphState(MessagesState):
    city: str


def model_node(state: SubGraphState):
    return {"city": "San Francisco"}


def weather_node(state: SubGraphState):
    return {"messages": [{"role": "assistant", "content": f"It's sunny in {state['city']}!"}]}


subgraph = StateGraph(SubGraphState)
subgraph.add_node(model_node)
subgraph.add_node(weather_node)
subgraph.add_edge(START, "model_node")
subgraph.add_edge("model_node", "weather_node")
subgraph.add_edge("weather_node", END)
subgraph = subgraph.compile(interrupt_before=["weather_node"])


class RouterState(MessagesState):
    route: Literal["weather", "other"]


class Router(TypedDict):
    route: Literal["weather", "other"]


router_model = RuleModel(rule=lambda messages: {"route": "weather"}).with_structured_output(Router)


def router_node(state: RouterState):
    route = router_model.invoke(state["messages"])
    return {"route": route["route"]}


def route_after_prediction(state: RouterState) -> Literal["weather_graph", END]:
    return "weather_graph" if state["route"] == "weather" else END


graph = StateGraph(RouterState)
graph.add_node(router_node)
graph.add_node("weather_graph", subgraph)
graph.add_edge(START, "router_node")
graph.add_conditional_edges("router_node", route_after_prediction)
graph.add_edge("weather_graph", END)
graph = graph.compile(checkpointer=InMemorySaver())
