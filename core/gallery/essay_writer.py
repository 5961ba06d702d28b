"""
Essay writer: plan, research, draft, criticise, revise, and publish once a person has read it.

    plan -> research (every question at the same time) -> draft -> critique
         -> revise -> critique ...   at most `max_revisions` times
         -> review: a person publishes it, discards it, or says what to change
"""

from __future__ import annotations

import operator
from typing import Annotated, Literal, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt

from interlock.core.gallery.essay_form import Assignment
from interlock.core.gallery.models import ask, chat_model

MAX_QUESTIONS = 5  # a real model may list more than anyone wants to pay for


class Essay(TypedDict):
    """The essay on its way; `notes` is by question."""

    topic: str
    audience: str
    max_revisions: int
    questions: list[str]
    notes: Annotated[dict[str, str], operator.or_]
    essay: str
    remark: str
    revisions: int
    status: Literal["writing", "approved", "published", "discarded"]


class Question(TypedDict):
    """One thing to find out."""

    topic: str
    question: str


async def plan(state: Assignment) -> dict[str, object]:
    """List what has to be found out first, one question a line."""
    job = "Plan an essay: list the three questions to research, one a line, and nothing else."
    reply = await chat_model().ainvoke(ask(job, topic=state.topic, audience=state.audience))
    lines = [line.strip(" -*") for line in str(reply.text).splitlines()]
    questions = [line for line in lines if line][:MAX_QUESTIONS] or [state.topic]
    return {**state.model_dump(), "questions": questions, "revisions": 0, "status": "writing"}


def send_questions(state: Essay) -> list[Send]:
    """Research every question at the same time."""
    topic = state["topic"]
    return [Send("research", Question(topic=topic, question=q)) for q in state["questions"]]


def research(state: Question) -> dict[str, dict[str, str]]:
    """Find out one thing."""
    job = "Research the question and reply with one sentence that can be used in the essay."
    reply = chat_model().invoke(ask(job, topic=state["topic"], question=state["question"]))
    get_stream_writer()({"researched": state["question"]})
    return {"notes": {state["question"]: str(reply.text)}}


async def draft(state: Essay) -> dict[str, str]:
    """Write the first version, word by word."""
    job = "Draft a short essay of four paragraphs from the notes, with the topic as its title."
    notes = "\n".join(f"- {state['notes'][question]}" for question in state["questions"])
    prompt = ask(job, topic=state["topic"], audience=state["audience"], notes=notes)
    return {"essay": str((await chat_model().ainvoke(prompt)).text)}


def critique(state: Essay) -> dict[str, str]:
    """Find what is weakest, or nothing."""
    job = "Critique the essay. Reply with 'REVISE: ' and one remark, or with 'ACCEPT: ' and why."
    reply = chat_model().invoke(ask(job, audience=state["audience"], essay=state["essay"]))
    return {"remark": str(reply.text)}


def after_critique(state: Essay) -> Literal["revise", "review"]:
    """Revise while there is something to improve, and no more often than allowed."""
    is_flawed = state["remark"].lstrip().upper().startswith("REVISE")
    return "revise" if is_flawed and state["revisions"] < state["max_revisions"] else "review"


async def revise(state: Essay) -> dict[str, object]:
    """Rewrite the essay so that the remark no longer holds."""
    job = "Revise the essay as the remark says. Reply with the whole essay and nothing else."
    reply = await chat_model().ainvoke(ask(job, essay=state["essay"], remark=state["remark"]))
    return {"essay": str(reply.text), "revisions": state["revisions"] + 1}


def review(state: Essay) -> dict[str, str]:
    """Wait for a person, who publishes the essay, discards it, or writes what to change."""
    answer = interrupt(
        {
            "question": f"Publish “{state['topic']}”?",
            "essay": state["essay"],
            "last_remark": state["remark"],
            "revisions": state["revisions"],
            "hint": "Yes publishes it, no discards it; a text is a wish, and it comes back revised.",
        }
    )
    word = answer.strip().lower() if isinstance(answer, str) else ""
    if answer is True or word in {"publish", "yes"}:
        return {"status": "approved"}
    if answer is False or word in {"discard", "no"}:
        return {"status": "discarded"}
    return {"status": "writing", "remark": str(answer or "Make it clearer.")}


def after_review(state: Essay) -> Literal["revise", "publish", "__end__"]:
    """Publish only what a person let through."""
    if state["status"] == "writing":
        return "revise"
    return "publish" if state["status"] == "approved" else "__end__"


def publish(state: Essay) -> dict[str, str]:
    """Put the essay out; here that is a line in the run's stream."""
    get_stream_writer()({"published": state["topic"], "words": len(state["essay"].split())})
    return {"status": "published"}


builder = StateGraph(Essay, input_schema=Assignment)
for node in (plan, research, draft, critique, revise, review, publish):
    builder.add_node(node)
builder.add_edge(START, "plan")
builder.add_conditional_edges("plan", send_questions, ["research"])
builder.add_edge("research", "draft")
builder.add_edge("draft", "critique")
builder.add_conditional_edges("critique", after_critique)
builder.add_edge("revise", "critique")
builder.add_conditional_edges("review", after_review)
builder.add_edge("publish", END)
graph = builder.compile(name="essay_writer")
