"""
Answer from the knowledge base: look the question up, then say what was found.

    look_up ─▶ answer

Two branches of the help desk end here. Neither node reads who asks, so that their results may be
shared among customers: `interlock.toml` caches the first by the very question, the second by meaning.
"""

from __future__ import annotations

from typing import TypedDict

from langgraph.graph import START, StateGraph

from interlock.core.gallery import knowledge
from interlock.core.gallery.models import ask, chat_model


class Question(TypedDict):
    """What is asked, and how it is to be answered."""

    message: str
    variant: str


class Answer(TypedDict):
    """What is said."""

    reply: str


class Research(Question, Answer):
    """A question, what was found about it, and the answer."""

    articles: list[str]


async def look_up(state: Question) -> dict[str, list[str]]:
    """Find the articles that fit the question best."""
    return {"articles": await knowledge.search(state["message"])}


async def answer(state: Research) -> Answer:
    """Say what the articles say, in the style of the variant."""
    job = "Inform the customer from the articles alone: 'brief' is one sentence, 'warm' is three."
    prompt = ask(
        job,
        style=state["variant"],
        message=state["message"],
        articles="\n".join(f"- {article}" for article in state["articles"]),
    )
    return {"reply": str((await chat_model().ainvoke(prompt)).text)}


builder = StateGraph(Research, input_schema=Question, output_schema=Answer)
builder.add_node(look_up)
builder.add_node(answer)
builder.add_edge(START, "look_up")
builder.add_edge("look_up", "answer")
graph = builder.compile(name="research")
