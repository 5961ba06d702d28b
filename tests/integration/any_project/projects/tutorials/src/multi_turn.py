"""Multi-turn conversation: the human is a node, the loop ends when he is done."""

from typing import Annotated, List, Literal

from langchain_core.messages import HumanMessage
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from chat import RuleModel


class State(TypedDict):
    linkedin_topic: str
    generated_post: Annotated[List[str], add_messages]
    human_feedback: Annotated[List[str], add_messages]


llm = RuleModel(rule=lambda messages: f"Post about {messages[-1].content}")


def model(state: State):
    feedback = state["human_feedback"][-1].content if state.get("human_feedback") else "nothing yet"
    response = llm.invoke([HumanMessage(f"{state['linkedin_topic']}, after {feedback}")])
    return {"generated_post": [response], "human_feedback": state.get("human_feedback", [])}


def human_node(state: State) -> Command[Literal["model", "end_node"]]:
    user_feedback = interrupt(
        {
            "generated_post": state["generated_post"],
            "message": "Provide feedback or type 'done' to finish",
        }
    )
    if str(user_feedback).lower() == "done":
        return Command(update={"human_feedback": ["Finalised"]}, goto="end_node")
    return Command(update={"human_feedback": [user_feedback]}, goto="model")


def end_node(state: State):
    return {"generated_post": state["generated_post"]}


graph = StateGraph(State)
graph.add_node("model", model)
graph.add_node("human_node", human_node)
graph.add_node("end_node", end_node)
graph.set_entry_point("model")
graph.add_edge(START, "model")
graph.add_edge("model", "human_node")
graph.set_finish_point("end_node")
graph = graph.compile()
