"""Law 4 for threads that are set back: a worker that dies before any of its writes leaves one fork."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, field_validator

from interlock.core.errors import Conflict
from interlock.core.graphs.factories import read_factory
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.delivery import MAX_DEATHS_AT_ONE_PLACE
from interlock.core.model.history import FieldEdit
from interlock.core.model.rewinding import RewindVerb
from interlock.core.services import deciding, history, launching, observing, rewinding, running
from interlock.core.services.launching import Launch
from interlock.core.services.rewinding import ForkRequest

from .laboratory import Lab, labs

open_lab = pytest.fixture(scope="module")(labs)


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    seen: Annotated[list[int], operator.add]


class Inner(TypedDict, total=False):
    seen: list[int]
    visits: int


def _step(name: str) -> Callable[[State], State]:
    return lambda _: {"log": [name]}


def _ask(_: State) -> State:
    return {"log": [interrupt("ready?")]}


def _visit(state: Inner) -> Inner:
    visits = state.get("visits", 0) + 1
    return {"visits": visits, "seen": [visits]}


def build(*, remembers: bool = False) -> Any:
    """A step, a question, a graph of its own that is gone through twice, an end."""
    inner = StateGraph(Inner).add_node("visit", _visit).add_edge(START, "visit")
    return (
        StateGraph(State)
        .add_node("first", _step("first"))
        .add_node("ask", _ask)
        .add_node("team", inner.compile(checkpointer=True if remembers else None))
        .add_node("last", _step("last"))
        .add_edge(START, "first")
        .add_edge("first", "ask")
        .add_edge("ask", "team")
        .add_conditional_edges(
            "team", lambda s: "team" if len(s["seen"]) < 2 else "last", ["team", "last"]
        )
        .add_edge("last", END)
        .compile()
    )


class Thread:
    """One thread that was answered and has ended."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.app = lab, lab.app
        request = Launch(workflow="deaths", input={"log": []})
        self.run = launching.launch(lab.app, request, actor="ann")
        lab.work()
        (self.card,) = self.cards("pending")
        self.answer(self.card, "yes")

    def answer(self, card: Any, value: str) -> None:
        intent = Intent(verb=Verb.ANSWER, value=value)
        deciding.decide(self.app, card.approval_id, intent, version=None, actor="ben")
        self.lab.work()

    def cards(self, *statuses: str) -> list[Any]:
        found = observing.list_inbox(self.app, thread_id=self.run.thread_id, statuses=statuses)
        return list(found)

    def open(self) -> history.History:
        return history.open_history(self.app, self.run.thread_id)

    def at(self, node: str, nth: int = 0) -> str:
        points = [p for p in self.open().points[::-1] if node in p.next]
        return points[nth].checkpoint_id

    def set_back(self, verb: RewindVerb, at: str, **given: Any) -> None:
        request = ForkRequest(verb=verb, checkpoint_id=at, **given)
        rewinding.apply(self.app, self.run.thread_id, request, actor="cid", reason="a test")

    def values(self) -> Any:
        detail = observing.run_detail(self.app, self.open().runs[0].run_id)
        assert detail.snapshot is not None
        return detail.snapshot.values


def _rerun(thread: Thread) -> None:
    thread.set_back(RewindVerb.RERUN, thread.at("team", 1))


def _edit(thread: Thread) -> None:
    edits = (FieldEdit(field="log", value=["edited"]),)
    thread.set_back(RewindVerb.EDIT, thread.at("team", 1), edits=edits, as_node="ask")


def _redecide(thread: Thread) -> None:
    intent = Intent(verb=Verb.ANSWER, value="no")
    at = thread.card.checkpoint_id
    thread.set_back(RewindVerb.REDECIDE, at, approval_id=thread.card.approval_id, intent=intent)


def _skip(thread: Thread) -> None:
    thread.set_back(RewindVerb.SKIP, thread.at("last"))


def _stop(thread: Thread) -> None:
    thread.set_back(RewindVerb.STOP, thread.at("team", 1))


def _again(thread: Thread) -> None:
    """Twice at the same question: the second time its head is a copy, which is not run in place."""
    thread.set_back(RewindVerb.RERUN, thread.card.checkpoint_id)
    thread.lab.work()
    (card,) = thread.cards("pending")
    thread.set_back(RewindVerb.RERUN, card.checkpoint_id)


def _back(thread: Thread) -> None:
    head = thread.open().head_id
    assert head is not None
    thread.set_back(RewindVerb.RERUN, thread.card.checkpoint_id)
    thread.lab.work()
    thread.set_back(RewindVerb.GO_BACK, head)


WHOLE = ["first", "yes", "last"]
STORIES = [
    # what is done, at least so many places to die at, the log and the visits at its end, forks
    (_rerun, 4, WHOLE, [1, 1], 1),
    (_edit, 4, ["edited", "last"], [1, 1], 1),
    (_redecide, 2, ["first", "no", "last"], [1, 1], 1),
    (_skip, 1, ["first", "yes"], [1, 1], 1),
    (_stop, 2, ["first", "yes"], [1], 1),
    (_again, 2, ["first"], [], 2),
    (_back, 1, WHOLE, [1, 1], 2),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story[0].__name__.strip("_"))
def test_a_worker_that_dies_before_any_write_leaves_one_fork_and_no_answer_twice(open_lab, story):
    act, places, log, seen, forks = story
    lab = open_lab("sqlite")
    lab.serve("deaths", build())
    for place in itertools.count():
        thread = Thread(lab)
        act(thread)
        has_died = lab.die(place)
        lab.work()

        found = thread.open()
        assert {run.status for run in found.runs} <= {"done", "waiting", "continued", "cancelled"}
        assert (len(found.forks), len(found.spans)) == (forks, forks + 1)
        assert thread.values() == {"log": log, "seen": seen}
        answers = [decision.answer for decision in found.decisions]
        assert answers == (["yes", "no"] if act is _redecide else ["yes"])
        assert [run.status for run in found.runs].count("waiting") == (act is _again)
        truth = lab.do(lab.workshop.savers.entries(thread.run.thread_id, None, 1000))
        assert [p.checkpoint_id for p in found.points[::-1]] == [t.checkpoint_id for t in truth]
        if not has_died:
            break
    assert place >= places


def test_a_copy_whose_worker_dies_is_made_once(open_lab):
    lab = open_lab("sqlite")
    lab.serve("deaths", build())
    thread = Thread(lab)
    thread.set_back(RewindVerb.COPY, thread.at("team", 1), new_thread_id="the copy")
    lab.die(None)
    before = lab.read_rows()
    lab.work()

    assert lab.read_rows() == before
    (card,) = observing.list_inbox(lab.app, thread_id="the copy", statuses=("pending",))
    intent = Intent(verb=Verb.APPROVE)
    deciding.decide(lab.app, card.approval_id, intent, version=None, actor="ben")
    lab.work()
    run = history.open_history(lab.app, "the copy").runs[0]
    values = observing.run_detail(lab.app, run.run_id).snapshot.values
    assert (run.status, values) == ("done", {"log": WHOLE, "seen": [1, 1]})


@pytest.mark.parametrize("place", [None, 1])
@pytest.mark.parametrize("act", [_rerun, _edit])
def test_a_graph_with_a_memory_goes_on_from_what_it_knew_at_the_point(open_lab, act, place):
    """Also if the worker dies between the fork and the first thing that runs there."""
    lab = open_lab("sqlite")
    lab.serve("deaths", build(remembers=True))
    thread = Thread(lab)
    assert thread.values()["seen"] == [1, 2]
    act(thread)
    if place is not None:
        assert lab.die(place)
    lab.work()
    assert thread.values()["seen"] == [1, 2]
    assert len(thread.open().spans) == 2


class Even(BaseModel):
    """A rule that is not in its JSON Schema."""

    amount: int = 2
    log: Annotated[list[str], operator.add] = []

    @field_validator("amount")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


def test_an_edit_that_only_the_worker_can_refuse_leaves_the_thread_and_asks_again(open_lab):
    lab = open_lab("sqlite")
    graph = StateGraph(Even).add_node("ask", _ask).add_edge(START, "ask").compile()
    lab.serve("deaths", graph)
    run = launching.launch(lab.app, Launch(workflow="deaths", input={"log": []}), actor="ann")
    lab.work()
    (card,) = observing.list_inbox(lab.app, thread_id=run.thread_id)
    before = lab.read_rows()
    edits = (FieldEdit(field="amount", value=3),)
    request = ForkRequest(
        verb=RewindVerb.EDIT, checkpoint_id=card.checkpoint_id, edits=edits, as_node="ask"
    )
    failed = rewinding.apply(lab.app, run.thread_id, request, actor="cid", reason="a test")
    lab.work()

    ended = observing.get_run(lab.app, failed.run_id)
    assert (ended.status, ended.error.type) == ("failed", "InvalidInput")
    assert "must be even" in ended.error.message
    assert lab.read_rows() == before
    (again,) = observing.list_inbox(lab.app, thread_id=run.thread_id)
    assert (again.approval_id, again.version) == (card.approval_id, card.version + 1)
    assert observing.get_run(lab.app, run.run_id).status == "waiting"


def test_a_rewind_that_comes_to_nothing_leaves_a_breakpoint_as_it_was(open_lab):
    lab = open_lab("sqlite")
    graph = StateGraph(Even).add_node("step", lambda _: {"log": ["step"]}).add_edge(START, "step")
    lab.serve("deaths", graph.compile())
    request = Launch(workflow="deaths", input={"log": []}, break_before=("step",))
    run = launching.launch(lab.app, request, actor="ann")
    lab.work()
    before = lab.read_rows()

    def ask() -> Any:
        (card,) = observing.list_inbox(lab.app, thread_id=run.thread_id, statuses=("pending",))
        return card

    def set_back(value: int) -> Any:
        edits = (FieldEdit(field="amount", value=value),)
        point = ask().checkpoint_id
        request = ForkRequest(
            verb=RewindVerb.EDIT, checkpoint_id=point, edits=edits, as_node="step"
        )
        return rewinding.apply(lab.app, run.thread_id, request, actor="cid", reason="a test")

    first = ask()
    refused = set_back(3)
    lab.work()
    cancelled = set_back(4)
    running.cancel(lab.app, cancelled.run_id, actor="cid")

    assert observing.get_run(lab.app, refused.run_id).status == "failed"
    assert observing.get_run(lab.app, cancelled.run_id).status == "cancelled"
    assert observing.get_run(lab.app, run.run_id).status == "paused"
    assert lab.read_rows() == before
    again = ask()
    assert (again.approval_id, again.kind, again.version) == (
        *(first.approval_id, "breakpoint"),
        first.version + 2,
    )
    with pytest.raises(Conflict, match="waits for a human"):
        launching.launch(
            lab.app, Launch(workflow="deaths", input={}, thread_id=run.thread_id), actor="ann"
        )
    deciding.decide(
        lab.app, again.approval_id, Intent(verb=Verb.APPROVE), version=again.version, actor="ben"
    )
    lab.work()
    newest = history.open_history(lab.app, run.thread_id).runs[0]
    assert (newest.status, newest.kind) == ("done", "proceed")


class Door:
    """A factory that opens, raises, or takes its worker with it."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self.is_shut = False

    def open(self) -> Any:
        if self.is_shut:
            raise RuntimeError("the project cannot be opened")
        return self._graph


@pytest.mark.parametrize("deaths", [0, MAX_DEATHS_AT_ONE_PLACE + 1], ids=["raises", "kills"])
def test_a_rewind_whose_graph_no_worker_can_open_asks_again(open_lab, deaths):
    """Nobody could read the head; where the thread stands, its rows tell."""
    lab = open_lab("sqlite")
    door = Door(build())
    lab.serve("deaths", read_factory(door.open))
    run = launching.launch(lab.app, Launch(workflow="deaths", input={"log": []}), actor="ann")
    lab.work()
    (card,) = observing.list_inbox(lab.app, thread_id=run.thread_id)
    first = history.open_history(lab.app, run.thread_id).points[-1].checkpoint_id
    door.is_shut = True
    request = ForkRequest(verb=RewindVerb.RERUN, checkpoint_id=first)
    made = rewinding.apply(lab.app, run.thread_id, request, actor="cid", reason="a test")
    for _ in range(deaths):
        lab.die(0)
    lab.work()

    assert observing.get_run(lab.app, made.run_id).status == "failed"
    (again,) = observing.list_inbox(lab.app, thread_id=run.thread_id)
    assert (again.approval_id, again.version) == (card.approval_id, card.version + 1)
    door.is_shut = False
    intent = Intent(verb=Verb.ANSWER, value="yes")
    deciding.decide(lab.app, again.approval_id, intent, version=again.version, actor="ben")
    lab.work()
    newest = history.open_history(lab.app, run.thread_id).runs[0]
    assert (newest.kind, newest.status) == ("resume", "done")
