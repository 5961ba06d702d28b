from typing import TypedDict

from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    text: str


def write(state: State) -> State:
    with open("report.md", "a") as report, open("result.json", "w") as result:
        report.write("a line\n")
        result.write("{}")
    return {"text": "written"}


graph = StateGraph(State).add_node("write", write).add_edge(START, "write")
