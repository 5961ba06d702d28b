"""
One deployment, until it stands or is given up: try, find out what went wrong, try again.

    attempt -> it stands
            -> diagnose -> attempt ...   at most 3 times, then
                        -> stuck: given up with the reason, or a person says what now

A graph of its own: the loop knows nothing of the release around it but what to deploy.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from interlock.core.gallery import release_platform as platform
from interlock.core.gallery.models import ask, chat_model
from interlock.core.gallery.release_platform import DeploymentFailed, Rehearsal, Step

MAX_ATTEMPTS = 3


class Deployment(TypedDict):
    """What is deployed and how it goes; `failures` are those since it was last let go."""

    service: str
    version: str
    rollout: str
    when_stuck: Literal["ask", "roll back"]
    rehearse: Rehearsal
    failures: list[str]
    advice: str
    done: list[Step]
    reason: str


def attempt(state: Deployment, runtime: Runtime) -> dict[str, object]:
    """Try it; what the platform says about a failure is kept, and is no error of this workflow."""
    number = len(state["failures"]) + 1
    key = platform.key_of(state["service"], state["version"], runtime)
    try:
        receipt = platform.do("deploy", key=key, attempt=number, rehearsal=state["rehearse"])
    except DeploymentFailed as error:
        return {"failures": [*state["failures"], str(error)]}
    get_stream_writer()({"deployed": receipt, "rollout": state["rollout"], "attempt": number})
    return {"done": [*state["done"], "deploy"]}


def after_attempt(state: Deployment) -> Literal["diagnose", "__end__"]:
    """Find out why it does not stand."""
    return "__end__" if "deploy" in state["done"] else "diagnose"


async def diagnose(state: Deployment) -> dict[str, str]:
    """Say what may help the next attempt."""
    job = "Troubleshoot the failed deployment: say in one sentence what may help."
    reply = await chat_model().ainvoke(ask(job, failure=state["failures"][-1]))
    return {"advice": str(reply.text)}


def after_diagnose(state: Deployment) -> Literal["attempt", "stuck"]:
    """Try again while there are attempts left."""
    return "attempt" if len(state["failures"]) < MAX_ATTEMPTS else "stuck"


def stuck(state: Deployment) -> dict[str, object]:
    """Give up with the reason, or ask a person what now."""
    reason = f"It failed {len(state['failures'])} times, at last because {state['failures'][-1]}."
    if state["when_stuck"] == "roll back":
        return {"reason": reason}
    answer = interrupt(
        {
            "question": f"{state['service']} {state['version']} does not come up. What now?",
            "choices": ["try again", "roll back"],
            "failures": "\n".join(f"{n}. {why}" for n, why in enumerate(state["failures"], 1)),
            "advice": state["advice"],
        }
    )
    return {"failures": []} if answer == "try again" else {"reason": reason}


def after_stuck(state: Deployment) -> Literal["attempt", "__end__"]:
    """Three more attempts where a person wants them."""
    return "__end__" if state["failures"] else "attempt"


builder = StateGraph(Deployment)
for node in (attempt, diagnose, stuck):
    builder.add_node(node)
builder.add_edge(START, "attempt")
builder.add_conditional_edges("attempt", after_attempt)
builder.add_conditional_edges("diagnose", after_diagnose)
builder.add_conditional_edges("stuck", after_stuck)
graph = builder.compile(name="deployment")
