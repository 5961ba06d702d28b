"""
Research team: split a subject into questions, and let an archivist look into each, all at once.

    scope -> archivist, once for each question -> gather
             (an agent with tools: the archive, the statistics)

A graph to be used in others: the newsroom's researcher and the product launch's market research are
this one, as it stands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import ModelRequest, ModelResponse, wrap_model_call
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Send

from interlock.core.gallery import archive
from interlock.core.gallery.archive import Clipping, Figure
from interlock.core.gallery.models import ask, chat_model

MAX_QUESTIONS = 4  # a real model may ask more than anyone wants to pay for
MAX_SEARCHES = 3  # turns in which an archivist may search, who could go on for ever

PROMPT = (
    "Dig through the archive for the question you are asked. Look up figures where the question "
    "asks for a cost. Reply with one sentence that names its source, or say that there is nothing."
)


class Finding(TypedDict):
    """A question and what was found out."""

    question: str
    answer: str


class Subject(TypedDict):
    """What to find out about."""

    subject: str


class Findings(TypedDict):
    """What comes back, in the order of the questions."""

    findings: list[Finding]


class Research(Subject, Findings):
    """The work of the team; what the archivists say stays within it."""

    questions: list[str]
    messages: Annotated[list[AnyMessage], add_messages]


@tool
def search_archive(words: Annotated[str, "What to search for."]) -> list[Clipping]:
    """Search what was written before."""
    return archive.search(words)


@tool
def look_up_figure(words: Annotated[str, "What it is about."]) -> Figure | str:
    """Look up what something costs."""
    return archive.figure(words) or "Nobody has counted it."


async def scope(state: Subject) -> dict[str, list[str]]:
    """List the questions, one a line."""
    job = "Scope the research: list three short questions, one a line, and nothing else."
    reply = await chat_model().ainvoke(ask(job, subject=state["subject"]))
    lines = [line.strip(" -*") for line in str(reply.text).splitlines()]
    questions = list(dict.fromkeys(line for line in lines if line))[:MAX_QUESTIONS]
    return {"questions": questions or [state["subject"]]}


def send_questions(state: Research) -> list[Send]:
    """Give each question to an archivist of its own."""
    return [Send("archivist", {"messages": [HumanMessage(q)]}) for q in state["questions"]]


def gather(state: Research) -> Findings:
    """Keep each archivist's last word; what was looked up on the way is not needed any more."""
    answers: dict[str, str] = {}
    question = ""
    for message in state["messages"]:
        if isinstance(message, HumanMessage):
            question = str(message.text)
        elif isinstance(message, AIMessage) and not message.tool_calls:
            answers[question] = str(message.text).strip()
    nothing = "Nothing was found."
    return {
        "findings": [
            Finding(question=each, answer=answers.get(each) or nothing)
            for each in state["questions"]
        ]
    }


@wrap_model_call
async def answer_in_the_end(
    request: ModelRequest, call: Callable[[ModelRequest], Awaitable[ModelResponse]]
) -> ModelResponse:
    """Take the tools away after some searches, so that an answer has to come."""
    turns = sum(isinstance(message, AIMessage) for message in request.messages)
    return await call(request if turns < MAX_SEARCHES else request.override(tool_choice="none"))


archivist = create_agent(
    chat_model(),
    tools=[search_archive, look_up_figure],
    system_prompt=PROMPT,
    middleware=[answer_in_the_end],
    name="archivist",
)

builder = StateGraph(Research, input_schema=Subject, output_schema=Findings)
builder.add_node(scope)
builder.add_node("archivist", archivist)
builder.add_node(gather)
builder.add_edge(START, "scope")
builder.add_conditional_edges("scope", send_questions, ["archivist"])
builder.add_edge("archivist", "gather")
builder.add_edge("gather", END)
graph = builder.compile(name="research_team")
