"""Graphs that raise what they like, never end, say much, or keep what cannot be kept."""

from __future__ import annotations

import asyncio
import logging
import operator
import sys
from typing import Annotated, Any

import book
from langgraph.graph import END, START, StateGraph
from langgraph.types import RetryPolicy
from typing_extensions import TypedDict

logger = logging.getLogger("desk.failing")


class State(TypedDict, total=False):
    book: str
    how: str
    password: str
    seen: Annotated[list[str], operator.add]
    thing: Any


class Abort(BaseException):
    """Not an Exception on purpose."""


class Unreadable(Exception):
    """Raises where its text is asked for."""

    def __str__(self) -> str:
        raise ValueError("no text")


class Talkative(Exception):
    """Prints where its text is asked for."""

    def __str__(self) -> str:
        print("asked for my text")
        return "talkative"


def first(state: State) -> dict[str, Any]:
    book.note(state["book"], "first")
    return {"seen": ["first"]}


def _raise(how: str) -> None:
    if how == "exit":
        sys.exit(3)
    errors: dict[str, BaseException] = {
        "error": ValueError("wrong"),
        "keyboard": KeyboardInterrupt(),
        "base": Abort("out"),
        "unreadable": Unreadable(),
        "talkative": Talkative(),
        "cancelled": asyncio.CancelledError("from inside"),
    }
    raise errors[how]


async def breaks(state: State) -> dict[str, Any]:
    book.note(state["book"], "breaks")
    _raise(state["how"])
    return {}


def breaks_in_thread(state: State) -> dict[str, Any]:
    book.note(state["book"], "breaks")
    _raise(state["how"])
    return {}


def last(state: State) -> dict[str, Any]:
    book.note(state["book"], "last")
    return {"seen": ["last"]}


def _line(name: str, node: Any, retry: RetryPolicy | None = None) -> Any:
    builder = StateGraph(State)
    builder.add_node("first", first)
    builder.add_node(name, node, retry_policy=retry)
    builder.add_node("last", last)
    builder.add_edge(START, "first")
    builder.add_edge("first", name)
    builder.add_edge(name, "last")
    builder.add_edge("last", END)
    return builder.compile()


raising = _line("breaks", breaks)
raising_in_thread = _line("breaks", breaks_in_thread)


def flaky(state: State) -> dict[str, Any]:
    book.note(state["book"], "flaky")
    book.fail_if_told(state["book"], "flaky")
    return {"seen": ["flaky"]}


retrying = _line(
    "flaky", flaky, RetryPolicy(max_attempts=3, initial_interval=0.01, retry_on=RuntimeError)
)


def keep(state: State) -> dict[str, Any]:
    book.note(state["book"], "keep")
    return {"thing": (lambda: None)}


unstorable = _line("keep", keep)


def again(state: State) -> dict[str, Any]:
    book.note(state["book"], "again")
    return {"seen": ["again"]}


def _is_enough(state: State) -> str:
    return END if len(state["seen"]) > 15 else "again"


endless = (
    StateGraph(State)
    .add_node("again", again)
    .add_edge(START, "again")
    .add_conditional_edges("again", _is_enough, ["again", END])
    .compile()
)


def route(state: State) -> str:
    book.fail_if_told(state["book"], "route")
    return "last"


routed = (
    StateGraph(State)
    .add_node("first", first)
    .add_node("last", last)
    .add_edge(START, "first")
    .add_conditional_edges("first", route, ["last"])
    .add_edge("last", END)
    .compile()
)


def talk(state: State) -> dict[str, Any]:
    print("printed")
    print("to stderr", file=sys.stderr)
    print("no newline", end="")
    logger.warning("logged %s", "here")
    logging.getLogger("interlock.core.gallery.desk").warning("from the gallery")
    logging.getLogger("interlock.core.worker").warning("about the run")
    return {}


talking = _line("talk", talk)


def left(state: State) -> dict[str, Any]:
    book.note(state["book"], "left")
    return {"seen": ["left"]}


async def right(state: State) -> dict[str, Any]:
    book.note(state["book"], "right")
    await book.wait_for(state["book"], "right")
    book.die_if_told(state["book"], "right")
    book.fail_if_told(state["book"], "right")
    return {"seen": ["right"]}


side_by_side = (
    StateGraph(State)
    .add_node("left", left)
    .add_node("right", right)
    .add_node("last", last)
    .add_edge(START, "left")
    .add_edge(START, "right")
    .add_edge(["left", "right"], "last")
    .add_edge("last", END)
    .compile()
)
