"""
Design contest: designers compete, a judge picks a winner, and colleagues work on it until they agree.

    open_contest -> sketch, once for each designer, all at the same time -> judge
                 -> workshop: rounds on a shared workspace, two at most  -> present

The workshop is a graph of its own (`design_workshop.py`).
"""

from __future__ import annotations

import operator
import re
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Overwrite, Send

from interlock.core.gallery import design_workshop
from interlock.core.gallery.design_forms import Brief, Designer, Goal
from interlock.core.gallery.design_workshop import Entry
from interlock.core.gallery.models import ask, chat_model

BEST_SCORE = 100


class Contest(TypedDict):
    """The contest; `sketches` and `scores` are by designer."""

    goal: Goal
    screen_cm: int
    designers: list[Designer]
    sketches: Annotated[dict[Designer, str], operator.or_]
    scores: dict[Designer, int]
    winner: Designer
    explanation: str
    design: str
    workspace: list[Entry]
    rounds: int
    agreed: bool
    open_points: list[str]
    result: str


class Entrant(TypedDict):
    """One designer at the contest."""

    designer: Designer
    goal: Goal
    screen_cm: int


def open_contest(state: Brief) -> dict[str, object]:
    """Begin without any sketches, also on a thread that had a contest before."""
    designers = list(dict.fromkeys(state.designers))
    return {**state.model_dump(), "designers": designers, "sketches": Overwrite({})}


def send_designers(state: Contest) -> list[Send]:
    """Let all designers work at the same time; none sees what the others do."""
    given = {"goal": state["goal"], "screen_cm": state["screen_cm"]}
    return [Send("sketch", {"designer": designer, **given}) for designer in state["designers"]]


async def sketch(state: Entrant) -> dict[str, dict[Designer, str]]:
    """Design the machine in one's own way."""
    job = "Sketch the first page of a ticket machine in your own way, in two or three sentences."
    reply = await chat_model().ainvoke(ask(job, **state))
    return {"sketches": {state["designer"]: str(reply.text)}}


async def judge(state: Contest) -> dict[str, object]:
    """Score all designs at once, and say why the best one is the best."""
    job = (
        "Judge the designs by the goal. Reply with a line for each, its name, a colon and a score "
        f"from 0 to {BEST_SCORE}, then with one sentence that explains who wins."
    )
    designs = "\n".join(f"{name}: {state['sketches'][name]}" for name in state["designers"])
    reply = str((await chat_model().ainvoke(ask(job, goal=state["goal"], designs=designs))).text)
    scores = read_scores(reply, state["designers"])
    winner = max(scores, key=scores.__getitem__)  # of equals, who was named first
    lines = [line.strip() for line in reply.splitlines() if line.strip()]
    return {
        "scores": scores,
        "winner": winner,
        "explanation": lines[-1] if lines else "The judge did not explain it.",
        "design": state["sketches"][winner],
    }


def read_scores(reply: str, designers: list[Designer]) -> dict[Designer, int]:
    """Find each designer's score; whom the judge forgot has none."""
    found = {name: re.search(rf"(?i)\b{name}\b[^\d\n]{{0,20}}(\d+)", reply) for name in designers}
    return {name: min(int(m[1]), BEST_SCORE) if m else 0 for name, m in found.items()}


def present(state: Contest) -> dict[str, str]:
    """Say who won and why, what was changed, and what nobody could agree on."""
    wished = [e for e in state["workspace"] if not e["agrees"]]
    changes = dict.fromkeys(f"- {each['by']}: {each['text']}" for each in wished)
    ending = f"Agreed after round {state['rounds']}."
    if not state["agreed"]:
        ending = f"No agreement after {state['rounds']} rounds: {'; '.join(state['open_points'])}"
    won = f"{state['winner']} wins with {state['scores'][state['winner']]} points."
    return {"result": "\n".join([f"{won} {state['explanation']}", *changes, ending])}


builder = StateGraph(Contest, input_schema=Brief)
builder.add_node(open_contest)
builder.add_node(sketch)
builder.add_node(judge)
builder.add_node("workshop", design_workshop.graph)
builder.add_node(present)
builder.add_edge(START, "open_contest")
builder.add_conditional_edges("open_contest", send_designers, ["sketch"])
builder.add_edge("sketch", "judge")
builder.add_edge("judge", "workshop")
builder.add_edge("workshop", "present")
builder.add_edge("present", END)
graph = builder.compile(name="design_contest")
