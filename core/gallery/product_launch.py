"""
Product launch: an orchestrator briefs three teams, their leads brief workers, a person says go.

    orchestrator -> market_research: the research team   -> plan -> go_ahead: a person -> launch
                 -> marketing:       lead -> workers ->  -> plan
                 -> operations:      lead -> workers ->  -> plan

The teams work at the same time, and so do the workers of each. Marketing and operations are one
graph (`launch_team.py`); the research team is the one of the newsroom (`research_team.py`).
"""

from __future__ import annotations

import operator
import re
from typing import Annotated, Literal, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Overwrite, Send, interrupt

from interlock.core.gallery import launch_team, research_team
from interlock.core.gallery.launch_team import Order, Report
from interlock.core.gallery.models import ask, chat_model
from interlock.core.gallery.product_launch_forms import LaunchIdea
from interlock.core.gallery.research_team import Finding, Subject

Team = Literal["marketing", "operations"]
TEAMS: tuple[Team, ...] = ("marketing", "operations")


class Launch(TypedDict):
    """The launch on its way; `reports` is by team."""

    product: str
    budget_eur: int
    findings: list[Finding]
    reports: Annotated[dict[str, Report], operator.or_]
    plan: str
    cost_eur: int
    status: Literal["planning", "go", "launched", "postponed", "dropped"]


async def orchestrator(
    state: LaunchIdea,
) -> Command[Literal["market_research", "marketing", "operations"]]:
    """Brief all teams at once."""
    job = "Orchestrate the launch. Reply with a line for each team: its name, a colon, its brief."
    given = {"product": state.product, "budget_eur": state.budget_eur}
    reply = await chat_model().ainvoke(ask(job, **given, teams=" ".join(TEAMS)))
    briefs = read_briefs(str(reply.text), state.product)
    orders = [Send(t, Order(team=t, product=state.product, brief=briefs[t])) for t in TEAMS]
    return Command(
        goto=[Send("market_research", Subject(subject=state.product)), *orders],
        update={**state.model_dump(), "reports": Overwrite({}), "status": "planning"},
    )


def read_briefs(reply: str, product: str) -> dict[Team, str]:
    """Find each team's brief; a team that was forgotten prepares what it can."""
    found = {t: re.search(rf"(?mi)^[\W\d]*{t}[^\w\n]*:(.+)$", reply) for t in TEAMS}
    return {
        t: m[1].strip(" *") if m else f"Prepare the launch: {product}" for t, m in found.items()
    }


async def plan(state: Launch) -> dict[str, object]:
    """Make one plan of what the teams found out and prepared."""
    job = "Integrate the findings and the teams' reports into a launch plan of one short paragraph."
    found = "\n".join(f"- {finding['answer']}" for finding in state["findings"])
    told = "\n".join(f"- {team}: {state['reports'][team]['summary']}" for team in TEAMS)
    prompt = ask(job, product=state["product"], findings=found, reports=told)
    cost_eur = sum(report["cost_eur"] for report in state["reports"].values())
    return {"plan": str((await chat_model().ainvoke(prompt)).text), "cost_eur": cost_eur}


def go_ahead(state: Launch) -> Command[Literal["launch", "__end__"]]:
    """Wait for a person, who picks what happens with the plan."""
    left_eur = state["budget_eur"] - state["cost_eur"]
    decision = interrupt(
        {
            "question": f"Launch “{state['product']}” for {state['cost_eur']} EUR?",
            "plan": state["plan"],
            "budget_eur": state["budget_eur"],
            "left_eur": left_eur,
            "reports": {team: state["reports"][team]["summary"] for team in TEAMS},
            "options": ["launch", "postpone", "drop"],
        }
    )
    if decision == "launch":
        return Command(goto="launch", update={"status": "go"})
    status = "dropped" if decision == "drop" else "postponed"
    return Command(goto="__end__", update={"status": status})


def launch(state: Launch) -> dict[str, str]:
    """Announce the product; here that is a line in the run's stream."""
    get_stream_writer()({"launched": state["product"], "cost_eur": state["cost_eur"]})
    return {"status": "launched"}


builder = StateGraph(Launch, input_schema=LaunchIdea)
builder.add_node(orchestrator)
builder.add_node("market_research", research_team.graph)
builder.add_node("marketing", launch_team.graph)
builder.add_node("operations", launch_team.graph)
builder.add_node(plan)
builder.add_node(go_ahead)
builder.add_node(launch)
builder.add_edge(START, "orchestrator")
builder.add_edge(["market_research", "marketing", "operations"], "plan")
builder.add_edge("plan", "go_ahead")
builder.add_edge("launch", END)
graph = builder.compile(name="product_launch")
