"""
Random graphs, random answers, threads set back at random: what must hold whatever is done.

Carried out by the worker's own parts on both databases. Each seed is one graph and one story, always
the same.
"""

from __future__ import annotations

import operator
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels import DeltaChannel
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt

from interlock.core.errors import InterlockError
from interlock.core.model.approvals import STANDING, Approval, Intent, Verb
from interlock.core.model.branching import grow
from interlock.core.model.history import EditMode, FieldEdit
from interlock.core.model.rewinding import INPUT_NODE, RewindVerb
from interlock.core.model.runs import OPEN, Run
from interlock.core.services import deciding, history, launching, observing, rewinding
from interlock.core.services.launching import Launch
from interlock.core.services.rewinding import ForkRequest, Staged

from .laboratory import Lab, Rows, labs

open_lab = pytest.fixture(scope="module")(labs)

STEPS = 5  # things that are done to one thread
STORIES = [("sqlite", seed) for seed in range(7)] + [("postgres", seed) for seed in range(50, 56)]
_MORE_OFTEN = (RewindVerb.GO_BACK, RewindVerb.REDECIDE, RewindVerb.REDECIDE, RewindVerb.EDIT)


def _add(held: list[str], given: Sequence[list[str]]) -> list[str]:
    return [*held, *(each for some in given for each in some)]


class State(TypedDict, total=False):
    done: Annotated[list[str], operator.add]
    trail: Annotated[list[str], DeltaChannel(_add)]
    note: int


class Inner(TypedDict, total=False):
    trail: Annotated[list[str], DeltaChannel(_add)]
    visits: int
    heard: str


@pytest.mark.parametrize(("kind", "seed"), STORIES)
def test_whatever_is_done_to_a_thread_its_tree_is_right_and_nothing_is_answered_twice(
    open_lab, kind, seed
):
    story = Story(open_lab(kind), seed)
    story.check()
    for _ in range(STEPS):
        story.do_something()
        story.check()


class Story:
    """One graph, one thread, and what is done to it."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self.lab, self.app = lab, lab.app
        self.random = random.Random(seed)
        self.begun: list[str] = []
        self.heard: list[str] = []
        self.count = 0
        self.name = f"story{seed}"
        self.graph, self.nodes = build(self.random, self.begun, self.heard)
        lab.serve(self.name, self.graph)
        request = Launch(workflow=self.name, input={"done": []})
        self.thread = launching.launch(self.app, request, actor="ann").thread_id
        self.all_heard: Counter[str] = Counter()
        self.work()

    def work(self) -> None:
        self.lab.work()
        self.all_heard.update(self.heard)
        for run in observing.list_runs(self.app, thread_id=self.thread):
            assert run.status not in OPEN
            assert run.error is None, run.error

    def do_something(self) -> None:
        self.begun.clear()
        self.heard.clear()
        pending = self.cards("pending")
        if pending and self.random.random() < 0.45:
            before = self.lab.read_rows()
            for card in self.random.sample(pending, self.random.randint(1, len(pending))):
                deciding.decide(
                    self.app, card.approval_id, self.intend(), version=None, actor="ben"
                )
            self.work()
            assert kept(before, self.lab.read_rows(), but=("writes",))
        else:
            self.set_back()

    def intend(self) -> Intent:
        self.count += 1
        return Intent(verb=Verb.ANSWER, value=f"answer {self.count}")

    def cards(self, *statuses: str) -> list[Approval]:
        found = observing.list_inbox(self.app, thread_id=self.thread, statuses=statuses)
        return [card for card in found if card.kind not in STANDING]

    def set_back(self) -> None:
        request = self.draw()
        staged = rewinding.preview(self.app, self.thread, request)
        before, head = self.lab.read_rows(), self.read(None)
        if staged.problems:
            with pytest.raises(InterlockError):
                self.apply(request)
            assert self.lab.read_rows() == before
            return
        run = self.apply(request)
        self.work()
        assert kept(before, self.lab.read_rows())
        self.check_certain(staged)
        getattr(self, f"check_{request.verb}")(request, run, head)

    def apply(self, request: ForkRequest) -> Run:
        return rewinding.apply(self.app, self.thread, request, actor="cid", reason="a story")

    def draw(self) -> ForkRequest:
        """A verb at a point, of which many are refused."""
        points = history.open_history(self.app, self.thread).points
        verb = self.random.choice([*RewindVerb, *_MORE_OFTEN])
        at = self.random.choice(points)
        tree = grow(points)
        left = [
            p for p in points if tree.is_end(p.checkpoint_id) and p.checkpoint_id != tree.head_id
        ]
        if verb is RewindVerb.GO_BACK and left:
            at = self.random.choice(left)
        given: dict[str, Any] = {}
        if verb is RewindVerb.EDIT:
            mode = self.random.choice(list(EditMode))
            fields = [("done", ["edit"]), ("trail", ["edit"]), ("note", 7)]
            field, value = self.random.choice(fields)
            given["edits"] = (FieldEdit(field=field, value=value, mode=mode),)
            given["as_node"] = self.random.choice([None, *self.nodes])
        elif verb is RewindVerb.SKIP and at.next:
            given["as_node"] = self.random.choice([None, *at.next])
        elif verb is RewindVerb.REDECIDE and (decided := self.cards("decided")):
            card = self.random.choice(decided)
            at = next(p for p in points if p.checkpoint_id == card.checkpoint_id)
            given |= {"approval_id": card.approval_id, "intent": self.intend()}
        elif verb is RewindVerb.REDECIDE:
            verb = RewindVerb.RERUN
        return ForkRequest(verb=verb, checkpoint_id=at.checkpoint_id, **given)

    # -- what LangGraph says --------------------------------------------------------------------

    def read(self, point: str | None, thread: str | None = None) -> Any:
        place = {"thread_id": thread or self.thread}
        if point is not None:
            place |= {"checkpoint_ns": "", "checkpoint_id": point}
        return self.lab.ask_graph(self.name, lambda g: g.aget_state({"configurable": place}))

    def read_history(self, thread: str) -> list[Any]:
        async def ask(graph: Any) -> list[Any]:
            config = {"configurable": {"thread_id": thread}}
            return [state async for state in graph.aget_state_history(config)]

        return self.lab.ask_graph(self.name, ask)

    # -- what must hold ---------------------------------------------------------------------------

    def check(self, thread: str | None = None) -> None:
        thread = thread or self.thread
        found = history.open_history(self.app, thread)
        told = self.read_history(thread)
        assert [
            (p.checkpoint_id, p.parent_id, p.step, p.source, sorted(p.next), p.run_id)
            for p in found.points
        ] == [
            (
                id_of(state),
                state.parent_config and state.parent_config["configurable"]["checkpoint_id"],
                state.metadata["step"],
                state.metadata["source"],
                sorted(task.name for task in state.tasks),
                state.metadata["run_id"],
            )
            for state in told
        ]
        head = self.read(None, thread)
        tree = grow(found.points)
        assert found.head_id == found.thread.head_checkpoint_id == tree.head_id == id_of(head)
        assert (tree.missing, tree.broken) == ((), ())
        asked = [c for c in found.cards if c.status == "pending" and c.kind not in STANDING]
        if found.runs[0].status != "cancelled":
            assert {c.interrupt_id for c in asked} == {each.id for each in head.interrupts}
        given = Counter(decision.answer for decision in found.decisions)
        if thread == self.thread:
            assert all(given[answer] >= count for answer, count in self.all_heard.items())

    def check_certain(self, staged: Staged) -> None:
        certain = staged.preview.certain
        if certain is None or INPUT_NODE in certain:
            return
        starts = [name.partition("/")[0] for name in self.begun if not name.endswith("/second")]
        assert Counter(starts[: len(certain)]) == Counter(certain)
        assert certain or not self.begun

    def first_made(self, head: Any) -> Any:
        """The state that the fork begins with."""
        newer = [state for state in self.read_history(self.thread) if id_of(state) > id_of(head)]
        return self.read(id_of(newer[-1]))

    def check_rerun(self, request: ForkRequest, run: Run, head: Any) -> None:
        made = self.first_made(head)
        assert made.metadata["run_id"] == run.run_id
        assert made.values == self.read(request.checkpoint_id).values

    check_go_back = check_rerun

    def check_redecide(self, request: ForkRequest, run: Run, head: Any) -> None:
        self.check_rerun(request, run, head)
        found = history.open_history(self.app, self.thread)
        assert request.intent is not None
        before = [d for d in found.decisions if d.approval_id == request.approval_id]
        assert before[-1].answer not in self.heard
        new = [d for d in found.decisions if d.answer == request.intent.value]
        assert [(d.actor, d.reason) for d in new] == [("cid", "a story")]
        waits = found.runs[0].status == "waiting"
        assert waits or request.intent.value in self.heard

    def check_edit(self, request: ForkRequest, run: Run, head: Any) -> None:
        (edit,) = request.edits
        before = self.read(request.checkpoint_id).values.get(edit.field, [])
        made = self.first_made(head).values[edit.field]
        is_added = edit.mode is EditMode.APPEND and edit.field != "note"
        assert made == ([*before, *edit.value] if is_added else edit.value)

    def check_skip(self, request: ForkRequest, run: Run, head: Any) -> None:
        made = self.first_made(head)
        assert (made.metadata["source"], made.metadata["run_id"]) == ("update", run.run_id)
        assert made.values == self.read(request.checkpoint_id).values

    def check_stop(self, request: ForkRequest, run: Run, head: Any) -> None:
        now = self.read(None)
        assert (now.next, self.begun) == ((), [])
        assert now.values == self.read(request.checkpoint_id).values
        assert observing.get_run(self.app, run.run_id).status == "cancelled"

    def check_copy(self, request: ForkRequest, run: Run, head: Any) -> None:
        assert (self.begun, id_of(self.read(None))) == ([], id_of(head))
        copied = self.read(request.checkpoint_id, run.thread_id)
        assert copied.values == self.read(request.checkpoint_id).values
        self.check(run.thread_id)
        cards = observing.list_inbox(self.app, thread_id=run.thread_id)
        ended = observing.get_run(self.app, run.run_id)
        assert (ended.status == "done") is not bool(cards)
        for card in cards:
            verb = Verb.APPROVE if card.kind in STANDING else Verb.ANSWER
            value = None if card.kind in STANDING else f"to the copy {self.count}"
            intent = Intent(verb=verb, value=value)
            deciding.decide(self.app, card.approval_id, intent, version=None, actor="ben")
        before = self.lab.read_rows()
        self.lab.work()
        assert kept(before, self.lab.read_rows(), but=("writes",))
        assert id_of(self.read(None)) == id_of(head)
        self.heard.clear()


def kept(before: Rows, after: Rows, *, but: Sequence[str] = ()) -> bool:
    """Whether every row is as it was, byte by byte; of tables left out, whether it is there."""
    return all(key in after and (key[0] in but or after[key] == row) for key, row in before.items())


def id_of(state: Any) -> str:
    return str(state.config["configurable"]["checkpoint_id"])


# -- graphs ------------------------------------------------------------------------------------------


def build(rnd: random.Random, begun: list[str], heard: list[str]) -> tuple[Any, list[str]]:
    """A graph of two to five nodes: asking once or twice, choosing, of graphs of their own."""
    names = [f"n{number}" for number in range(rnd.randint(2, 5))]
    builder = StateGraph(State)
    for number, name in enumerate(names):
        later = names[number + 1 :]
        kind = rnd.choice(["plain", "plain", "ask", "ask", "ask twice", "graph", "memory"])
        if kind in ("graph", "memory"):
            builder.add_node(name, _subgraph(rnd, name, begun, heard, remembers=kind == "memory"))
        else:
            builder.add_node(name, _node(name, kind, begun, heard))
        _join(rnd, builder, name, later)
    for first in sorted(set(rnd.choices(names[:2], k=2))):
        builder.add_edge(START, first)
    return builder.compile(), names


def _join(rnd: random.Random, builder: Any, name: str, later: list[str]) -> None:
    if not later:
        builder.add_edge(name, END)
        return
    how, target = rnd.choice(["edge", "fan", "send", "choose"]), rnd.choice(later)
    if how == "send":
        sends = [Send(target, {"done": []})] * rnd.randint(1, 3)
        builder.add_conditional_edges(name, lambda _: sends, [target])
    elif how == "choose":
        builder.add_conditional_edges(name, lambda _: target, [target])
    else:
        for each in sorted({target, rnd.choice(later) if how == "fan" else target}):
            builder.add_edge(name, each)


def _subgraph(
    rnd: random.Random, name: str, begun: list[str], heard: list[str], *, remembers: bool
) -> Any:
    def first(state: Inner) -> Inner:
        begun.append(f"{name}/first")
        return {"visits": state.get("visits", 0) + 1}

    def second(_: Inner) -> Inner:
        begun.append(f"{name}/second")
        answer = interrupt(name) if asks else "nothing"
        heard.extend([answer] if asks else [])
        return {"trail": [f"{name} {answer}"]}

    asks = rnd.choice([True, False])
    inner = StateGraph(Inner).add_node("first", first).add_node("second", second)
    inner.add_edge(START, "first").add_edge("first", "second")
    return inner.compile(checkpointer=True if remembers else None)


def _node(name: str, kind: str, begun: list[str], heard: list[str]) -> Callable[[State], State]:
    def run(_: State) -> State:
        begun.append(name)
        answers = {"plain": 0, "ask": 1, "ask twice": 2}[kind] * [name]
        given = [interrupt(question) for question in answers]
        heard.extend(given)
        return {"done": [" ".join([name, *given])], "trail": [name]}

    return run
