"""How to wait for user input, and how to ask until the answer is valid."""

from typing import TypedDict

from langgraph.checkpoint.memory import MemorySaver
from langgraph.constants import END, START
from langgraph.graph import StateGraph
from langgraph.types import interrupt


class State(TypedDict):
    input: str
    user_feedback: str


def step_1(state):
    print("---Step 1---")


def human_feedback(state):
    print("---human_feedback---")
    feedback = interrupt("Please provide feedback:")
    return {"user_feedback": feedback}


def step_3(state):
    print("---Step 3---")


builder = StateGraph(State)
builder.add_node("step_1", step_1)
builder.add_node("human_feedback", human_feedback)
builder.add_node("step_3", step_3)
builder.add_edge(START, "step_1")
builder.add_edge("step_1", "human_feedback")
builder.add_edge("human_feedback", "step_3")
builder.add_edge("step_3", END)
graph = builder.compile(checkpointer=MemorySaver())


class Person(TypedDict):
    age: int


def get_valid_age(state: Person) -> Person:
    prompt = "Please enter your age (must be a non-negative integer)."
    while True:
        user_input = interrupt(prompt)
        try:
            age = int(user_input)
            if age < 0:
                raise ValueError("Age must be non-negative.")
            break
        except (ValueError, TypeError):
            prompt = f"{user_input} is not valid. Please enter a non-negative integer for age."
    return {"age": age}


validating = (
    StateGraph(Person)
    .add_node("get_valid_age", get_valid_age)
    .add_edge(START, "get_valid_age")
    .add_edge("get_valid_age", END)
    .compile(checkpointer=MemorySaver())
)
