"""A form whose every word is an attacker's, for the input and for the answer."""

import os
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

TEXT = os.environ["HOSTILE_TEXT"]


class Words(BaseModel):
    __doc__ = TEXT

    word: str = Field(default=TEXT, title=TEXT, description=TEXT)
    choice: Literal[TEXT, "another"] = Field(default=TEXT, title=TEXT, description=TEXT)


class Said(TypedDict, total=False):
    word: str
    choice: str
    answer: Any


def ask(state: Words) -> Said:
    answer = interrupt({"question": TEXT, TEXT: {TEXT: TEXT}}, response_schema=Words)
    return {"answer": answer.model_dump()}


builder = StateGraph(Said, input_schema=Words)
builder.add_node(ask)
builder.add_edge(START, "ask")
builder.add_edge("ask", END)
graph = builder.compile()
