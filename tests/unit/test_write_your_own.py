"""docs/write-your-own.md: its fifteen lines run, ask and go on, and its examples make the cards it tells of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command

from interlock.core.model.approvals import Kind, Verb
from interlock.core.model.payload_shapes import read_interrupt
from interlock.core.policy import read_policies

TEXT = (Path(__file__).parents[2] / "docs" / "write-your-own.md").read_text(encoding="utf-8")
THREAD: Any = {"configurable": {"thread_id": "t"}}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


WHOLE, CHOICES, FORM = blocks("python")


def run(source: str, **names: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "trip", **names}
    exec(compile(source, "docs/write-your-own.md", "exec", dont_inherit=True), found)
    return found


def ask(source: str, **names: Any) -> Any:
    """What a node asks whose code is an example of the page."""

    def node(state: dict[str, Any]) -> dict[str, Any]:
        return {
            "answer": run(f"from langgraph.types import interrupt\n{source}", **names)["answer"]
        }

    graph = StateGraph(dict).add_node("node", node).add_edge(START, "node")
    compiled = graph.compile(checkpointer=InMemorySaver())
    compiled.invoke({}, THREAD)
    (asked,) = compiled.get_state(THREAD).interrupts
    return read_interrupt(asked.value, asked.response_schema, node="node")


@pytest.mark.parametrize(("answer", "status"), [(True, "booked"), (False, "left alone")])
def test_the_fifteen_lines_ask_and_go_on(answer, status):
    assert len([line for line in WHOLE.splitlines() if line]) <= 15
    assert "interlock" not in WHOLE
    graph = run(WHOLE)["graph"].copy({"checkpointer": InMemorySaver()})
    graph.invoke({"city": "Graz", "price": 300}, THREAD)
    (asked,) = graph.get_state(THREAD).interrupts
    question = read_interrupt(asked.value, asked.response_schema, node="book")
    assert (question.title, question.kind) == ("Book Graz for 300 EUR?", Kind.VALUE)
    assert {Verb.APPROVE, Verb.REJECT} <= set(question.allowed)
    assert graph.invoke(Command(resume={asked.id: answer}), THREAD)["status"] == status


def test_the_project_beside_it_names_them_and_what_guards_it(tmp_path):
    (project,) = blocks("json")
    assert json.loads(project)["graphs"] == {"trip": "./trip.py:graph"}
    (tmp_path / "interlock.toml").write_text(blocks("toml")[0], encoding="utf-8")
    found = read_policies(tmp_path, ("trip",))
    assert not found.told
    policy = found.workflow["trip"].approval["book"]
    assert (policy.risk, policy.deadline_s) == ("high", 900)


def test_a_question_with_options_is_a_choice():
    question = ask(CHOICES, city="Graz")
    assert (question.kind, question.title) == (Kind.CHOICE, "Which train to Graz?")
    assert question.options == ("07:12 direct", "09:30 over Linz", "no train")
    assert question.allowed == (Verb.ANSWER,)


def test_a_response_schema_is_a_form_with_buttons():
    question = ask(FORM)
    assert (question.kind, question.title) == (Kind.SCHEMA, "Book the train to Graz?")
    assert {Verb.APPROVE, Verb.REJECT, Verb.EDIT} <= set(question.allowed)
    assert set(question.schema["properties"]) == {"approved", "seat", "price", "reason"}
