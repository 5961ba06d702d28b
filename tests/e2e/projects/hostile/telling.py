"""Everything a workflow can say without being asked, said by an attacker."""

import logging
import os

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

TEXT = os.environ["HOSTILE_TEXT"]
NAME = os.environ["HOSTILE_NAME"]  # what LangGraph takes as the name of a node


class Told(TypedDict, total=False):
    note: str
    notes: dict


def say(state: Told) -> Told:
    print(TEXT)
    logging.getLogger(NAME).warning(TEXT)
    get_stream_writer()({TEXT: TEXT})
    written = GenericFakeChatModel(messages=iter([AIMessage(TEXT)])).invoke("Write.")
    return {"note": str(written.content), "notes": {TEXT: [TEXT]}}


def fail(state: Told) -> Told:
    raise type(NAME, (ValueError,), {})(TEXT)


builder = StateGraph(Told)
builder.add_node(NAME, say)
builder.add_node("fail", fail)
builder.add_edge(START, NAME)
builder.add_edge(NAME, "fail")
builder.add_edge("fail", END)
graph = builder.compile()
