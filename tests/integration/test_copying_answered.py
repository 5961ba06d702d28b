"""
Law 1 for copies: an answer that has not done its work goes to nobody a second time.

A node that was answered and failed, or asks on, keeps its answers beside the checkpoint.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt

from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.rewinding import RewindVerb
from interlock.core.services import deciding, history, launching, observing, rewinding, running
from interlock.core.services.launching import Launch
from interlock.core.services.rewinding import ForkRequest

from .laboratory import Lab, labs

open_lab = pytest.fixture(scope="module")(labs)


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    name: str


class Desk:
    """What the nodes of a test share: who is told what, and whether the work fails."""

    def __init__(self) -> None:
        self.is_broken = True
        self.used: list[str] = []

    def ask(self, _: State) -> State:
        return {"log": [self.use(interrupt("ready?"))]}

    def ask_twice(self, _: State) -> State:
        first = interrupt("first?")
        self.used.append(first)
        return {"log": [first, interrupt("second?")]}

    def ask_by_name(self, state: State) -> State:
        if state["name"] == "quiet":
            return {"log": ["quiet"]}
        answer = interrupt(state["name"])
        return {"log": [self.use(answer) if state["name"] == "broken" else answer]}

    def use(self, answer: str) -> str:
        self.used.append(answer)
        if self.is_broken:
            raise ValueError("broken")
        return answer


def _around(node: Callable[[State], State], *, depth: int, remembers: bool = False) -> Any:
    builder = StateGraph(State).add_node("ask", node).add_edge(START, "ask")
    for _ in range(depth):
        inner = builder.compile(checkpointer=True if remembers else None)
        builder = StateGraph(State).add_node("team", inner).add_edge(START, "team")
    return builder.compile()


def _fan(desk: Desk) -> Any:
    sends = [Send("ask", {"name": name}) for name in ("quiet", "broken", "waits")]
    builder = StateGraph(State).add_node("ask", desk.ask_by_name)
    return builder.add_conditional_edges(START, lambda _: sends, ["ask"]).compile()


class Thread:
    """One thread of a lab, and what is done with it."""

    def __init__(self, lab: Lab, thread_id: str) -> None:
        self.lab, self.app, self.thread_id = lab, lab.app, thread_id

    @property
    def newest(self) -> Any:
        return history.open_history(self.app, self.thread_id).runs[0]

    def cards(self) -> list[Any]:
        found = observing.list_inbox(self.app, thread_id=self.thread_id, statuses=("pending",))
        return sorted(found, key=lambda card: card.title)

    def answer(self, value: str, *, asked: str) -> None:
        (card,) = [c for c in self.cards() if c.payload == asked]
        self.decide(card, Intent(verb=Verb.ANSWER, value=value))

    def go_on(self) -> None:
        (card,) = self.cards()
        assert card.kind == "breakpoint"
        self.decide(card, Intent(verb=Verb.APPROVE))

    def decide(self, card: Any, intent: Intent) -> None:
        deciding.decide(self.app, card.approval_id, intent, version=card.version, actor="ben")
        self.lab.work()

    def asked(self) -> list[Any]:
        return sorted(card.payload for card in self.cards())

    def copy(self) -> Thread:
        head = history.open_history(self.app, self.thread_id).head_id
        assert head is not None
        request = ForkRequest(verb=RewindVerb.COPY, checkpoint_id=head)
        made = rewinding.apply(self.app, self.thread_id, request, actor="ann", reason="a test")
        self.lab.work()
        return Thread(self.lab, made.thread_id)

    def log(self) -> list[str]:
        detail = observing.run_detail(self.app, self.newest.run_id)
        assert detail.snapshot is not None
        return list(detail.snapshot.values["log"])


def begin(lab: Lab, graph: Any) -> Thread:
    lab.serve("answered", graph)
    run = launching.launch(lab.app, Launch(workflow="answered", input={"log": []}), actor="ann")
    lab.work()
    return Thread(lab, run.thread_id)


SHAPES = {
    "root": {"depth": 0},
    "inner": {"depth": 1},
    "deep and remembering": {"depth": 2, "remembers": True},
}


@pytest.mark.parametrize(
    ("kind", "shape"),
    [*(("sqlite", shape) for shape in SHAPES), ("postgres", "inner")],
)
def test_a_copy_asks_anew_where_an_answered_node_failed(open_lab, kind, shape):
    desk, lab = Desk(), open_lab(kind)
    thread = begin(lab, _around(desk.ask, **SHAPES[shape]))
    thread.answer("the old answer", asked="ready?")
    assert thread.newest.status == "failed"
    before = lab.read_rows()

    copied = thread.copy()
    assert copied.newest.status == "paused"
    desk.is_broken = False
    copied.go_on()
    assert (copied.asked(), desk.used) == (["ready?"], ["the old answer"])
    copied.answer("a new answer", asked="ready?")
    assert (copied.newest.status, copied.log()) == ("done", ["a new answer"])

    assert {key: row for key, row in lab.read_rows().items() if key in before} == before
    running.retry(lab.app, thread.newest.run_id, actor="ben")
    lab.work()
    assert (thread.newest.status, thread.log()) == ("done", ["the old answer"])


def test_a_copy_of_a_node_that_asks_on_asks_it_all(open_lab):
    desk, lab = Desk(), open_lab("sqlite")
    thread = begin(lab, _around(desk.ask_twice, depth=1))
    thread.answer("yes", asked="first?")

    copied = thread.copy()
    copied.go_on()
    assert (copied.asked(), desk.used) == (["first?"], ["yes"])
    copied.answer("no", asked="first?")
    copied.answer("never", asked="second?")
    assert (copied.newest.status, copied.log()) == ("done", ["no", "never"])
    thread.answer("always", asked="second?")
    assert thread.log() == ["yes", "always"]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_has_ended_beside_an_answered_node_does_not_run_again(open_lab, kind):
    desk, lab = Desk(), open_lab(kind)
    thread = begin(lab, _fan(desk))
    thread.answer("old", asked="broken")

    copied = thread.copy()
    copied.go_on()
    assert copied.asked() == ["broken", "waits"]
    desk.is_broken = False
    copied.answer("here", asked="waits")
    assert copied.asked() == ["broken"]
    copied.answer("new", asked="broken")
    assert (copied.newest.status, copied.log()) == ("done", ["quiet", "new", "here"])
    assert desk.used == ["old", "new"]


def test_a_copy_of_what_waits_beside_an_answer_that_was_used_still_asks(open_lab):
    desk, lab = Desk(), open_lab("sqlite")
    desk.is_broken = False
    thread = begin(lab, _fan(desk))
    thread.answer("used", asked="broken")

    copied = thread.copy()
    assert (copied.newest.status, copied.asked()) == ("waiting", ["waits"])
    copied.answer("here", asked="waits")
    assert copied.log() == ["quiet", "used", "here"]
    assert desk.used == ["used"]


def test_an_answer_to_nobody_in_particular_stays_behind(open_lab):
    """As LangGraph stores one that was given without an id, by another application."""
    desk, lab = Desk(), open_lab("sqlite")
    thread = begin(lab, _around(desk.ask, depth=0))

    async def resume(graph: Any) -> None:
        config = {"configurable": {"thread_id": thread.thread_id}}
        with pytest.raises(ValueError, match="broken"):
            await graph.ainvoke(Command(resume="bare"), config, durability="sync")

    lab.ask_graph("answered", resume)
    copied = thread.copy()
    copied.go_on()
    assert (copied.asked(), desk.used) == (["ready?"], ["bare"])
