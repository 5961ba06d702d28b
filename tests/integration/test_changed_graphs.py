"""A project is deployed anew under threads that wait: they go on, or say what no longer fits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.core.model.approvals import Verb
from interlock.core.services import observing, running

GRAPHS = """
import operator
from typing import Annotated
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

class State(TypedDict):
    book: str
    log: Annotated[list[str], operator.add]

def ask(state): return {"log": [interrupt("Shall it go on?")]}
def note(name): return lambda state: {"log": [name]}

def line(*names):
    builder = StateGraph(State)
    for before, name in zip((START, *names), names):
        builder.add_node(name, NODES.get(name) or note(name))
        builder.add_edge(before, name)
    return builder.add_edge(names[-1], END)

NODES = {"review": ask, "sign": ask}
"""
BEFORE = """
plain = line("a", "review", "z").compile()
NODES["team"] = line("b", "sign").compile()
nested = line("a", "team", "z").compile()
halted = line("a", "pay", "z").compile(interrupt_before=["pay"])
fan = StateGraph(State)
for name in ("review", "sign"):
    fan.add_node(name, ask); fan.add_edge(START, name)
fan = fan.compile()
"""
AFTER = """
NODES["approve"] = ask
plain = line("a", "approve", "z").compile()
NODES["team"] = line("b", "approve").compile()
nested = line("a", "team", "z").compile()
halted = line("a", "transfer", "z").compile(interrupt_before=["transfer"])
fan = StateGraph(State)
fan.add_node("review", ask); fan.add_edge(START, "review")
fan = fan.compile()
"""
GROWN = BEFORE.replace('"review", "z"', '"review", "mail", "z"')
WORKFLOWS = ("plain", "nested", "halted", "fan")


def deploy(folder: Path, code: str) -> Path:
    """Write a version of the project."""
    folder.mkdir()
    (folder / "graphs.py").write_text(GRAPHS + code)
    config = {"dependencies": ["."], "graphs": {n: f"./graphs.py:{n}" for n in WORKFLOWS}}
    (folder / "langgraph.json").write_text(json.dumps(config))
    return folder / "langgraph.json"


@pytest.fixture
def versions(tmp_path) -> dict[str, Path]:
    """Three versions of a project."""
    codes = {"before": BEFORE, "after": AFTER, "grown": GROWN}
    return {name: deploy(tmp_path / name, code) for name, code in codes.items()}


def swap(desk, worker, config: Path):
    """Stop a worker and start one with another version."""
    if worker is not None:
        worker.terminate()
        assert worker.wait() == 0
    return desk.spawn(config=config)


def test_a_node_that_is_gone_is_named_and_the_answer_is_sent_once_it_is_back(
    desk, versions, wait_until
):
    worker = swap(desk, None, versions["before"])
    wait_until(lambda: names(desk) == {*WORKFLOWS}, "it has published")
    held = {name: desk.finish(name, desk.open_book()) for name in WORKFLOWS}
    worker = swap(desk, worker, versions["after"])
    cards = {name: desk.cards(run) for name, run in held.items()}
    failed = {
        name: desk.wait(desk.decide(cards[name][0], "yes").run_id) for name in ("plain", "nested")
    }
    failed["halted"] = desk.wait(desk.decide(cards["halted"][0], verb=Verb.APPROVE).run_id)
    first = next(card for card in cards["fan"] if card.node == "review")
    failed["fan"] = desk.wait(desk.decide(first, "yes").run_id)

    assert {(run.status, run.error.type) for run in failed.values()} == {("failed", "GraphChanged")}
    for name, node in (
        ("plain", "review"),
        ("nested", "team/sign"),
        ("halted", "pay"),
        ("fan", "sign"),
    ):
        assert f"before the node '{node}'" in failed[name].error.message
    assert [card.node for card in desk.cards(held["fan"])] == ["sign"]  # it still can be answered

    swap(desk, worker, versions["grown"])
    ended = {
        name: desk.wait(running.retry(desk.app, failed[name].run_id, actor="ann"))
        for name in ("plain", "nested", "halted")
    }
    assert {run.status for run in ended.values()} == {"done"}
    assert desk.values(ended["plain"])["log"] == ["a", "yes", "mail", "z"]  # on with the new code
    assert desk.values(ended["nested"])["log"][-2:] == ["yes", "z"]
    assert desk.values(ended["halted"])["log"] == ["a", "pay", "z"]


def names(desk) -> set[str]:
    """The workflows that are published."""
    return {workflow.name for workflow in observing.list_workflows(desk.app)}
