"""
A technical message goes to whom it needs: an expert, the knowledge base, or a simple reply.

    gauge ─┬─ complexity above 0.8 ──▶ expert
           ├─ research is needed ────▶ research  (help_research.py)
           └─ else ──────────────────▶ simple
"""

from __future__ import annotations

import re
from typing import Literal, TypedDict

from langgraph.graph import START, StateGraph

from interlock.core.gallery import help_reading, help_research
from interlock.core.gallery.help_reading import Document
from interlock.core.gallery.models import ask, chat_model

EXPERT_ABOVE = 0.8


class Problem(TypedDict):
    """What does not work, and the documents that came with it."""

    message: str
    variant: str
    documents: dict[str, Document]


class Solution(TypedDict):
    """What is said."""

    reply: str


class Case(Problem, Solution):
    """A problem and how hard it is."""

    complexity: float
    needs_research: bool


async def gauge(state: Problem) -> dict[str, object]:
    """Tell how hard it is, from 0 to 1, and whether something has to be looked up."""
    job = "Gauge the problem: reply with its complexity from 0 to 1, and 'research' if facts are missing."
    said = str((await chat_model().ainvoke(ask(job, message=state["message"]))).text)
    number = re.search(r"\d*\.?\d+", said)
    complexity = min(float(number[0]), 1.0) if number else 0.5
    return {"complexity": complexity, "needs_research": "research" in said.lower()}


def by_complexity(state: Case) -> Literal["expert", "research", "simple"]:
    """The expert is dear, and so is a search: neither is asked without need."""
    if state["complexity"] > EXPERT_ABOVE:
        return "expert"
    return "research" if state["needs_research"] else "simple"


async def expert(state: Case) -> Solution:
    """Find the cause, with everything that the customer has sent."""
    job = "Diagnose the problem: name the likely cause, one test for it, and the next step."
    found = help_reading.describe(state["documents"])
    prompt = ask(job, message=state["message"], documents=found)
    return {"reply": str((await chat_model().ainvoke(prompt)).text)}


async def simple(state: Case) -> Solution:
    """Say what helps most often."""
    job = "Suggest in one sentence what helps most often."
    prompt = ask(job, style=state["variant"], message=state["message"])
    return {"reply": str((await chat_model().ainvoke(prompt)).text)}


builder = StateGraph(Case, input_schema=Problem, output_schema=Solution)
builder.add_node(gauge)
builder.add_node(expert)
builder.add_node(simple)
builder.add_node("research", help_research.graph)
builder.add_edge(START, "gauge")
builder.add_conditional_edges("gauge", by_complexity)
graph = builder.compile(name="technical")
