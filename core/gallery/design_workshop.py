"""
Design workshop: three colleagues improve one design on a shared workspace until all agree.

    accessibility -> sales -> engineering -> accessibility ...   at most two rounds
                                          -> conclude: agreed, or what is still open

Each reads the whole workspace and puts one entry on it: a change, or that it may stay as it is.
"""

from __future__ import annotations

import operator
from typing import Annotated, Literal, TypedDict

from langgraph.graph import END, START, StateGraph

from interlock.core.gallery.models import ask, chat_model

Colleague = Literal["accessibility", "sales", "engineering"]
COLLEAGUES = 3  # who take turns; a round is one turn of each
MAX_ROUNDS = 2  # whether they agree by then or not


class Entry(TypedDict):
    """What one colleague put on the workspace."""

    by: Colleague
    agrees: bool
    text: str


class Task(TypedDict):
    """What is worked on."""

    design: str
    screen_cm: int


class Outcome(TypedDict):
    """What comes out; `open_points` is empty where all agree."""

    workspace: Annotated[list[Entry], operator.add]
    rounds: int
    agreed: bool
    open_points: list[str]


class Workshop(Task, Outcome):
    """The work on one design."""


async def contribute(name: Colleague, state: Workshop) -> dict[str, object]:
    """Read the whole workspace and put one entry on it."""
    job = (
        f"Contribute to the shared workspace as the colleague for {name}. Reply with 'CHANGE: ' "
        "and one change, or with 'AGREE: ' and why it may stay as it is."
    )
    shared = "\n".join(f"{entry['by']}: {entry['text']}" for entry in state["workspace"])
    given = {"design": state["design"], "screen_cm": state["screen_cm"], "workspace": shared}
    said = str((await chat_model().ainvoke(ask(job, colleague=name, **given))).text).strip()
    word, _, text = said.partition(":")
    agrees = word.strip(" *").upper() == "AGREE"
    return {"workspace": [Entry(by=name, agrees=agrees, text=text.strip() or said)]}


async def accessibility(state: Workshop) -> dict[str, object]:
    """Speak for those who see badly or reach low."""
    return await contribute("accessibility", state)


async def sales(state: Workshop) -> dict[str, object]:
    """Speak for those who sell the tickets."""
    return await contribute("sales", state)


async def engineering(state: Workshop) -> dict[str, object]:
    """Speak for those who have to build it."""
    return await contribute("engineering", state)


def last_round(state: Workshop) -> list[Entry]:
    """What each colleague said last."""
    return state["workspace"][-COLLEAGUES:]


def after_round(state: Workshop) -> Literal["accessibility", "conclude"]:
    """Go round once more while somebody wants a change, and no more often than allowed."""
    if all(entry["agrees"] for entry in last_round(state)):
        return "conclude"
    has_time = len(state["workspace"]) < MAX_ROUNDS * COLLEAGUES
    return "accessibility" if has_time else "conclude"


def conclude(state: Workshop) -> dict[str, object]:
    """Say whether all agree, and if not, who wants what."""
    wishes = [f"{e['by']}: {e['text']}" for e in last_round(state) if not e["agrees"]]
    rounds = len(state["workspace"]) // COLLEAGUES
    return {"rounds": rounds, "agreed": not wishes, "open_points": wishes}


builder = StateGraph(Workshop, input_schema=Task, output_schema=Outcome)
for node in (accessibility, sales, engineering, conclude):
    builder.add_node(node)
builder.add_edge(START, "accessibility")
builder.add_edge("accessibility", "sales")
builder.add_edge("sales", "engineering")
builder.add_conditional_edges("engineering", after_round)
builder.add_edge("conclude", END)
graph = builder.compile(name="design_workshop")
