"""
Newsroom: an editor (the supervisor) gives a story to one desk after the other, until it is out.

    editor -> researcher (the research team, a graph of its own) -> editor
           -> writer                                             -> editor
           -> reviewer: it goes back to the writer, or           -> editor
           -> picture_desk: if it fails, the story goes on       -> editor
           -> publish, or the end where there is nowhere to go
"""

from __future__ import annotations

from typing import Literal, TypedDict

from langgraph.config import get_stream_writer
from langgraph.errors import NodeError
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from interlock.core.gallery import pictures, research_team
from interlock.core.gallery.models import ask, chat_model
from interlock.core.gallery.newsroom_forms import StoryIdea
from interlock.core.gallery.research_team import Finding

Desk = Literal["researcher", "writer", "reviewer", "picture_desk", "publish"]
DESKS: tuple[Desk, ...] = ("researcher", "writer", "reviewer", "picture_desk", "publish")
Assigned = Command[Literal[Desk, "__end__"]]
MAX_TURNS = 12  # of the editor, whatever a model says


class Story(TypedDict):
    """The story on its way; `missing` is what it appears without, and why."""

    subject: str
    readers: str
    max_drafts: int
    way: list[Desk]
    findings: list[Finding]
    article: str
    drafts: int
    review: Literal["none", "revise", "accepted", "given up"]
    remark: str
    picture: str
    missing: list[str]
    status: Literal["working", "published", "stopped"]
    ending: str


def open_story(state: StoryIdea) -> dict[str, object]:
    """Begin with an empty desk, also on a thread that had a story before."""
    return {
        **state.model_dump(),
        "way": [],
        "findings": [],
        "article": "",
        "drafts": 0,
        "review": "none",
        "remark": "",
        "picture": "",
        "missing": [],
        "status": "working",
        "ending": "",
    }


async def editor(state: Story) -> Assigned:
    """Name the desk that is next; a desk that does not exist ends the story."""
    if len(state["way"]) >= MAX_TURNS:
        return stop(f"The editor gave it to a desk {MAX_TURNS} times, and it was not done.")
    job = "Assign the story to the desk that is next. Reply with one of its names and nothing else."
    said = {"findings": len(state["findings"]), "drafts": state["drafts"]}
    done = {"review": state["review"], "visited": " ".join(state["way"])}
    reply = await chat_model().ainvoke(ask(job, desks=" ".join(DESKS), **said, **done))
    desk = read_desk(str(reply.text))
    if desk is None:
        return stop(f"There is no such desk: {str(reply.text)[:200]}")
    return Command(goto=desk, update={"way": [*state["way"], desk]})


def read_desk(reply: str) -> Desk | None:
    """Find the desk that was named first."""
    named = [(reply.lower().find(desk), desk) for desk in DESKS if desk in reply.lower()]
    return min(named)[1] if named else None


def stop(why: str) -> Assigned:
    """End without publishing, and say why."""
    return Command(goto="__end__", update={"status": "stopped", "ending": why})


async def writer(state: Story) -> dict[str, object]:
    """Write the article, or write it again as the remark says."""
    job = "Compose a short news article from the findings; heed the remark if there is one."
    found = "\n".join(f"- {finding['answer']}" for finding in state["findings"])
    given = {"readers": state["readers"], "findings": found, "remark": state["remark"]}
    reply = await chat_model().ainvoke(ask(job, subject=state["subject"], **given))
    return {"article": str(reply.text), "drafts": state["drafts"] + 1, "review": "none"}


async def reviewer(state: Story) -> Command[Literal["writer", "editor"]]:
    """Send a flawed article straight back to the writer, as long as it may be written again."""
    job = "Proofread the article. Reply with 'REVISE: ' and one remark, or with 'ACCEPT: ' and why."
    reply = await chat_model().ainvoke(ask(job, readers=state["readers"], article=state["article"]))
    verdict, _, remark = str(reply.text).strip().partition(":")
    if not verdict.upper().startswith("REVISE"):
        return Command(goto="editor", update={"review": "accepted", "remark": ""})
    remark = remark.strip() or "Make it clearer."
    if state["drafts"] < state["max_drafts"]:
        return Command(goto="writer", update={"review": "revise", "remark": remark})
    missing = [*state["missing"], f"the reviewer's consent: {remark}"]
    return Command(goto="editor", update={"review": "given up", "missing": missing})


def picture_desk(state: Story) -> dict[str, str]:
    """Find a picture; an article is better with one, and good without."""
    return {"picture": pictures.find(state["subject"])}


def without_picture(state: Story, error: NodeError) -> Command[Literal["editor"]]:
    """Go on without a picture where the desk has failed, and keep why."""
    missing = [*state["missing"], f"a picture: {error.error}"]
    return Command(goto="editor", update={"missing": missing})


def publish(state: Story) -> dict[str, str]:
    """Put the article out, and say what it appears without."""
    if not state["article"]:
        return {"status": "stopped", "ending": "There was no article to publish."}
    get_stream_writer()({"published": state["subject"], "words": len(state["article"].split())})
    without = "".join(f"\nWithout {each}" for each in state["missing"])
    picture = f" with picture {state['picture']}" if state["picture"] else ""
    return {"status": "published", "ending": f"Published{picture}.{without}"}


builder = StateGraph(Story, input_schema=StoryIdea)
builder.add_node(open_story)
builder.add_node(editor)
builder.add_node("researcher", research_team.graph)
builder.add_node(writer)
builder.add_node(reviewer)
builder.add_node(picture_desk, error_handler=without_picture)
builder.add_node(publish)
builder.add_edge(START, "open_story")
builder.add_edge("open_story", "editor")
builder.add_edge("researcher", "editor")
builder.add_edge("writer", "editor")
builder.add_edge("picture_desk", "editor")
builder.add_edge("publish", END)
graph = builder.compile(name="newsroom")
