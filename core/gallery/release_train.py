"""
Release train: bring a version to production step by step, and take it back step by step if it fails.

    write_notes -> build -> hold -> migrate -> deploy -> verify -> announce
                             |                    |         |
       a person holds it back|    it does not come up   errors rise
                             '------> roll_back <-'---------'
                                      undoes what was done, the last step first

`release_deployment.py` is what happens at `deploy`: tried at most three times, then a person is asked.
`release_platform.py` stands in for the platform, `release_forms.py` is what people fill in.
"""

from __future__ import annotations

from typing import Literal

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from interlock.core.gallery import release_deployment
from interlock.core.gallery import release_platform as platform
from interlock.core.gallery.models import ask, chat_model
from interlock.core.gallery.release_deployment import Deployment
from interlock.core.gallery.release_forms import GoAhead, Release
from interlock.core.gallery.release_platform import Step

MAX_ERROR_RATE = 1.0  # per cent of requests


class Train(Deployment):
    """The release on its way: `done` is what was done, in order, and `undone` what was taken back."""

    changes: list[str]
    notes: str
    undone: list[Step]
    status: Literal["under way", "live", "rolled back"]


async def write_notes(state: Release) -> dict[str, object]:
    """Write for customers what is new, and begin afresh whatever was in this thread before."""
    job = "Annotate the release: one friendly paragraph for customers about what is new."
    changes = "\n".join(f"- {change}" for change in state.changes)
    prompt = ask(job, release=f"{state.service} {state.version}", changes=changes)
    notes = str((await chat_model().ainvoke(prompt)).text)
    afresh = {"rollout": "", "failures": [], "advice": "", "done": [], "undone": [], "reason": ""}
    return {**dict(state), **afresh, "notes": notes, "status": "under way"}


def build(state: Train, runtime: Runtime) -> dict[str, list[Step]]:
    """Build the image that goes to production."""
    receipt = platform.do("build", key=platform.key_of(state["service"], state["version"], runtime))
    get_stream_writer()({"built": receipt})
    return {"done": [*state["done"], "build"]}


def hold(state: Train) -> dict[str, str]:
    """Let nothing near production before a person has said so."""
    go_ahead = interrupt(
        {
            "question": f"Deploy {state['service']} {state['version']} to production?",
            "way_back": "If errors rise, every step is undone, the last one first.",
            "changes": "\n".join(f"- {change}" for change in state["changes"]),
            "release_notes": state["notes"],
        },
        response_schema=GoAhead,
    )
    if go_ahead.approved:
        return {"rollout": go_ahead.rollout}
    return {"reason": go_ahead.note or "A person held it back."}


def after_hold(state: Train) -> Literal["migrate", "roll_back"]:
    """Withdraw what was built when it is not to be used."""
    return "roll_back" if state["reason"] else "migrate"


def migrate(state: Train, runtime: Runtime) -> dict[str, list[Step]]:
    """Bring the database to the schema of the new version."""
    key = platform.key_of(state["service"], state["version"], runtime)
    get_stream_writer()({"migrated": platform.do("migrate", key=key)})
    return {"done": [*state["done"], "migrate"]}


def after_deploy(state: Train) -> Literal["verify", "roll_back"]:
    """Look at it where it stands; what came up only in part is taken back."""
    return "roll_back" if state["reason"] else "verify"


def verify(state: Train) -> dict[str, str]:
    """Look whether customers meet errors."""
    rate = platform.error_rate(rehearsal=state["rehearse"])
    get_stream_writer()({"error_rate_percent": rate})
    return {"reason": f"{rate} % of requests fail." if rate > MAX_ERROR_RATE else ""}


def after_verify(state: Train) -> Literal["announce", "roll_back"]:
    """Tell about it only when it works."""
    return "roll_back" if state["reason"] else "announce"


def announce(state: Train) -> dict[str, str]:
    """Put the release notes out; here that is a line in the run's stream."""
    get_stream_writer()({"announced": state["version"], "notes": state["notes"]})
    return {"status": "live"}


def roll_back(state: Train, runtime: Runtime) -> dict[str, object]:
    """Undo the last step that still stands: one at a time, so that a crash repeats one at most."""
    step = left(state)[-1]
    key = platform.key_of(state["service"], state["version"], runtime)
    get_stream_writer()({"undone": step, "receipt": platform.undo(step, key=key)})
    return {"undone": [*state["undone"], step], "status": "rolled back"}


def left(state: Train) -> list[Step]:
    """What was done and still stands."""
    return [step for step in state["done"] if step not in state["undone"]]


def after_roll_back(state: Train) -> Literal["roll_back", "__end__"]:
    """Go on until nothing stands."""
    return "roll_back" if left(state) else "__end__"


builder = StateGraph(Train, input_schema=Release)
for node in (write_notes, build, hold, migrate, verify, announce, roll_back):
    builder.add_node(node)
builder.add_node("deploy", release_deployment.graph)
builder.add_edge(START, "write_notes")
builder.add_edge("write_notes", "build")
builder.add_edge("build", "hold")
builder.add_conditional_edges("hold", after_hold)
builder.add_edge("migrate", "deploy")
builder.add_conditional_edges("deploy", after_deploy)
builder.add_conditional_edges("verify", after_verify)
builder.add_edge("announce", END)
builder.add_conditional_edges("roll_back", after_roll_back)
graph = builder.compile(name="release_train")
