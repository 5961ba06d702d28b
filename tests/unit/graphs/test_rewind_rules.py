"""
What the rules of a rewind call certain, against what LangGraph does: random graphs, points and verbs.

Bare LangGraph in memory, since the rules are about it and not about how we carry them out.
"""

from __future__ import annotations

import operator
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

from interlock.core.model.branching import Tree, grow
from interlock.core.model.rewind_checks import Refusal, find_problems
from interlock.core.model.rewinding import (
    INPUT_NODE,
    Intention,
    RewindVerb,
    Situation,
    node_of,
    preview,
)
from interlock.core.model.threads import CheckpointEntry
from interlock.core.types import CheckpointId, RunId, ThreadId

THREAD = ThreadId("t")
HEAD: Any = {"configurable": {"thread_id": "t"}}
Graph = Any


class State(TypedDict, total=False):
    done: Annotated[list[str], operator.add]
    note: int


@pytest.mark.parametrize("seed", range(30))
def test_what_is_called_certain_is_what_happens(seed):
    random_ = random.Random(seed)
    begun: list[str] = []
    graph, nodes, subgraphs = _build(random_, begun)
    _run_some(random_, graph)
    for _ in range(2):
        tree = _read_tree(graph)
        point = random_.choice(list(tree.entries))
        due = tree.entries[point].next
        verb = random_.choice([v for v in RewindVerb if v not in _DONE_ELSEWHERE])
        named = {RewindVerb.SKIP: due, RewindVerb.EDIT: nodes}.get(verb, ())
        as_node = random_.choice([None, *named])
        intention = Intention(verb=verb, checkpoint_id=point, as_node=as_node)
        situation = Situation(
            thread_id=THREAD, tree=tree, side_effects={}, nodes=nodes, subgraphs=subgraphs
        )
        begun.clear()
        problems = {p.refusal for p in find_problems(situation, intention)}
        if problems:
            assert problems <= {Refusal.NOT_HERE, Refusal.NODE_NEEDED}
            continue
        _DO[verb](graph, point, node_of(situation, intention))
        certain = preview(situation, intention).certain
        if certain is not None and INPUT_NODE not in certain:
            starts = [name.partition("/")[0] for name in begun if not name.endswith("/second")]
            assert Counter(starts[: len(certain)]) == Counter(certain)
            assert certain or not begun
        _assert_left_as_it_was(tree, graph)


def _assert_left_as_it_was(before: Tree, graph: Graph) -> None:
    after = _read_tree(graph)
    for point, entry in before.entries.items():
        assert after.entries[point] == entry
        assert after.branch_of[point] == before.branch_of[point]
    head = graph.get_state(HEAD).config["configurable"]["checkpoint_id"]
    assert after.head_id == head


def _at(point: CheckpointId) -> Any:
    return {"configurable": {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": point}}


def _run_again(graph: Graph, point: CheckpointId, node: str | None) -> None:
    graph.invoke(None, _at(point))


def _write_as(graph: Graph, point: CheckpointId, node: str | None) -> None:
    graph.update_state(_at(point), {"note": 1}, as_node=node)


def _leave_out(graph: Graph, point: CheckpointId, node: str | None) -> None:
    graph.update_state(_at(point), None, as_node=node)


def _go_back(graph: Graph, point: CheckpointId, node: str | None) -> None:
    copy = graph.update_state(_at(point), None, as_node="__copy__")
    assert graph.get_state(copy).values == graph.get_state(_at(point)).values
    graph.invoke(None, HEAD)


def _stop(graph: Graph, point: CheckpointId, node: str | None) -> None:
    copy = graph.update_state(_at(point), None, as_node="__copy__")
    graph.update_state(copy, None, as_node="__end__")
    state = graph.get_state(HEAD)
    assert state.next == ()
    assert state.values == graph.get_state(_at(point)).values
    graph.invoke(None, HEAD)


_DO: dict[RewindVerb, Callable[[Graph, CheckpointId, str | None], None]] = {
    RewindVerb.RERUN: _run_again,
    RewindVerb.EDIT: _write_as,
    RewindVerb.SKIP: _leave_out,
    RewindVerb.GO_BACK: _go_back,
    RewindVerb.STOP: _stop,
}
# A changed decision is a run again and an answer; a copy leaves the thread alone.
_DONE_ELSEWHERE = (RewindVerb.REDECIDE, RewindVerb.COPY)


def _read_tree(graph: Graph) -> Tree:
    return grow(_entry(state) for state in graph.get_state_history(HEAD))


def _entry(state: Any) -> CheckpointEntry:
    parent = state.parent_config
    return CheckpointEntry(
        thread_id=THREAD,
        checkpoint_id=state.config["configurable"]["checkpoint_id"],
        parent_id=parent["configurable"]["checkpoint_id"] if parent else None,
        step=state.metadata["step"],
        source=state.metadata["source"],
        next=tuple(task.name for task in state.tasks),
        run_id=RunId("r"),
        created_at=datetime.fromtimestamp(0, UTC),
        size_bytes=0,
        branch=0,
    )


def _run_some(random_: random.Random, graph: Graph) -> None:
    """Start the thread and answer some of what it asks, in some order."""
    graph.invoke({"done": []}, HEAD)
    for _ in range(random_.randint(0, 3)):
        asked = graph.get_state(HEAD).interrupts
        if asked:
            some = random_.sample(asked, random_.randint(1, len(asked)))
            graph.invoke(Command(resume={each.id: "yes" for each in some}), HEAD)


def _build(random_: random.Random, begun: list[str]) -> tuple[Graph, list[str], list[str]]:
    """A graph of two to five nodes: asking, choosing, of graphs of their own; joined in any way."""
    names = [f"n{number}" for number in range(random_.randint(2, 5))]
    builder, subgraphs = StateGraph(State), []
    for number, name in enumerate(names):
        later = names[number + 1 :]
        kind = random_.choice(["plain", "plain", "ask", "graph", *(["choose"] if later else [])])
        if kind == "graph":
            subgraphs.append(name)
            builder.add_node(name, _subgraph(random_, name, begun))
        elif kind == "choose":
            target = random_.choice(later)
            builder.add_node(name, _node(name, kind, begun, target), destinations=(target,))
            continue
        else:
            builder.add_node(name, _node(name, kind, begun))
        _join(random_, builder, name, later)
    for first in sorted(set(random_.choices(names[:2], k=2))):
        builder.add_edge(START, first)
    return builder.compile(checkpointer=InMemorySaver()), names, subgraphs


def _join(random_: random.Random, builder: Any, name: str, later: list[str]) -> None:
    if not later:
        builder.add_edge(name, END)
        return
    how, target = random_.choice(["edge", "fan", "send", "choose"]), random_.choice(later)
    if how == "send":
        sends = [Send(target, {"done": []})] * random_.randint(1, 3)
        builder.add_conditional_edges(name, lambda _: sends, [target])
    elif how == "choose":
        builder.add_conditional_edges(name, lambda _: target, [target])
    else:
        for each in sorted({target, random_.choice(later) if how == "fan" else target}):
            builder.add_edge(name, each)


def _subgraph(random_: random.Random, name: str, begun: list[str]) -> Graph:
    inner = StateGraph(State)
    inner.add_node("first", _node(f"{name}/first", "plain", begun))
    inner.add_node("second", _node(f"{name}/second", random_.choice(["plain", "ask"]), begun))
    inner.add_edge(START, "first")
    inner.add_edge("first", "second")
    return inner.compile()


def _node(name: str, kind: str, begun: list[str], target: str = "") -> Callable[[State], Any]:
    def run(state: State) -> Any:
        begun.append(name)
        done = {"done": [name if kind != "ask" else f"{name} {interrupt(name)}"]}
        return Command(update=done, goto=target) if kind == "choose" else done

    return run
