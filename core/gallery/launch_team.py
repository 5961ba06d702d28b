"""
A team of the product launch: its lead splits a brief into tasks, workers do them, the lead reports.

    lead -> worker, once for each task, all at the same time -> report

Marketing and operations are both this graph; each has its own brief.
"""

from __future__ import annotations

import operator
import re
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from interlock.core.gallery.models import ask, chat_model

MAX_TASKS = 4  # a real model may split finer than anyone wants to pay for
COST = re.compile(r"\bCOST\W*(\d+)", re.IGNORECASE)


class Order(TypedDict):
    """What the orchestrator asks a team for."""

    team: str
    product: str
    brief: str


class Done(TypedDict):
    """One task that a worker did."""

    task: str
    text: str
    cost_eur: int


class Report(TypedDict):
    """What a lead tells the orchestrator."""

    summary: str
    cost_eur: int
    done: list[Done]


class Reports(TypedDict):
    """What comes back, by team."""

    reports: dict[str, Report]


class Team(Order, Reports):
    """The work of one team."""

    tasks: list[str]
    done: Annotated[list[Done], operator.add]


class Task(TypedDict):
    """What a lead asks a worker for."""

    team: str
    product: str
    task: str


async def lead(state: Order) -> dict[str, list[str]]:
    """Split the brief into tasks, one a line."""
    job = "Delegate the brief to your team: list two or three tasks, one a line, and nothing else."
    given = {"team": state["team"], "product": state["product"], "brief": state["brief"]}
    reply = await chat_model().ainvoke(ask(job, **given))
    lines = [line.strip(" -*") for line in str(reply.text).splitlines()]
    return {"tasks": [line for line in lines if line][:MAX_TASKS] or [state["brief"]]}


def send_tasks(state: Team) -> list[Send]:
    """Give each task to a worker of its own."""
    team, product = state["team"], state["product"]
    return [Send("worker", Task(team=team, product=product, task=t)) for t in state["tasks"]]


async def worker(state: Task) -> dict[str, list[Done]]:
    """Do one task, and say what it costs."""
    job = "Perform the task. Reply with one sentence, and at its end 'COST: ' and a number of EUR."
    reply = str((await chat_model().ainvoke(ask(job, **state))).text)
    cost = COST.search(reply)
    text = COST.split(reply)[0].strip()
    return {"done": [Done(task=state["task"], text=text, cost_eur=int(cost[1]) if cost else 0)]}


async def report(state: Team) -> Reports:
    """Sum up what the workers did, and add up what it costs."""
    job = "Consolidate what your team did into one or two sentences for the orchestrator."
    work = "\n".join(f"- {done['text']}" for done in state["done"])
    reply = await chat_model().ainvoke(ask(job, team=state["team"], work=work))
    cost_eur = sum(done["cost_eur"] for done in state["done"])
    told = Report(summary=str(reply.text), cost_eur=cost_eur, done=state["done"])
    return {"reports": {state["team"]: told}}


builder = StateGraph(Team, input_schema=Order, output_schema=Reports)
builder.add_node(lead)
builder.add_node(worker)
builder.add_node(report)
builder.add_edge(START, "lead")
builder.add_conditional_edges("lead", send_tasks, ["worker"])
builder.add_edge("worker", "report")
builder.add_edge("report", END)
graph = builder.compile(name="launch_team")
