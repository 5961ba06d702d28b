from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from interlock.core.testing import (
    AnswersLeft,
    Failed,
    GoldenDiffers,
    Intent,
    ScriptedHuman,
    Verb,
    acheck,
    any_text,
    approx,
    arecord,
    check,
    ignore,
    record,
)

UPDATE = "INTERLOCK_GOLDEN_UPDATE"


@dataclass
class Desk:
    """What a test changes in the graph between two runs."""

    title: str = "Pay {amount} EUR?"
    text: str = "Paid in full."
    rate: float = 1.0
    asks: int = 1
    fails: str = ""


class State(TypedDict, total=False):
    amount: float
    answers: list
    text: str
    paid: float
    receipt: dict


def make(**changes):
    desk = Desk(**changes)

    def review(state: State) -> State:
        title = desk.title.format(amount=state["amount"])
        answers = [
            interrupt({"question": title, "asked_at": datetime.now(UTC).isoformat()})
            for _ in range(desk.asks)
        ]
        return {"answers": answers}

    def pay(state: State) -> State:
        if desk.fails:
            raise ValueError(desk.fails)
        number = str(uuid.uuid4())
        receipt = {"id": number, "at": time.time(), "text": f"Receipt {number}"}
        return {"paid": state["amount"] * desk.rate, "text": desk.text, "receipt": receipt}

    builder = StateGraph(State)
    builder.add_node("review", review)
    builder.add_node("pay", pay)
    builder.add_edge(START, "review")
    builder.add_edge("review", "pay")
    return builder.compile()


@pytest.fixture(autouse=True)
def _no_update(monkeypatch):
    monkeypatch.delenv(UPDATE, raising=False)


@pytest.fixture
def golden(tmp_path):
    path = tmp_path / "runs" / "pay.json"
    record(make(), {"amount": 620.0}, ScriptedHuman.approving("Fine."), path)
    return path


def test_the_file_is_readable_and_has_no_ids_and_times(golden):
    assert json.loads(golden.read_text()) == {
        "golden": 1,
        "input": {"amount": 620.0},
        "decisions": [
            {
                "node": "review",
                "kind": "value",
                "title": "Pay 620.0 EUR?",
                "takes": ["approve", "reject", "answer"],
                "asked": {"question": "Pay 620.0 EUR?", "asked_at": "<time>"},
                "verb": "approve",
                "reason": "Fine.",
            }
        ],
        "path": ["review", "pay"],
        "values": {
            "amount": 620.0,
            "answers": [True],
            "text": "Paid in full.",
            "paid": 620.0,
            "receipt": {"id": "<id-1>", "at": "<time>", "text": "Receipt <id-1>"},
        },
    }


def test_a_run_that_goes_as_it_went_passes(golden):
    played = check(make(), golden)
    assert played.values["paid"] == 620.0


async def test_the_same_on_a_loop(tmp_path):
    path = tmp_path / "pay.json"
    recorded = await arecord(make(), {"amount": 1}, ScriptedHuman([False]), path)
    assert recorded.values["answers"] == [False]
    assert (await acheck(make(), path)).values["answers"] == [False]


def test_a_difference_is_told_with_its_place(golden):
    with pytest.raises(GoldenDiffers) as differs:
        check(make(text="Paid in part.", rate=0.5), golden)
    message = str(differs.value)
    assert "pay.json was recorded otherwise:" in message
    assert "values.text: Paid in [-full-]{+part+}." in message
    assert "values.paid: was 620.0, is 310.0" in message
    assert f"{UPDATE}=1" in message


@pytest.mark.parametrize(
    "rule", [ignore, any_text, lambda text: text.startswith("Paid")], ids=["ignore", "any", "own"]
)
def test_a_rule_lets_a_field_be_otherwise(golden, rule):
    check(make(text="Paid in part."), golden, rules={"values.text": rule})


def test_a_rule_does_not_let_everything_through(golden):
    for rule, text in ((any_text, " "), (lambda text: text.endswith("!"), "Paid in full.")):
        with pytest.raises(GoldenDiffers, match=r"values\.text: .* does not hold for"):
            check(make(text=text), golden, rules={"values.text": rule})


def test_a_number_may_be_about_what_it_was(golden):
    check(make(rate=1.001), golden, rules={"values.paid": approx(rel=0.01)})
    check(make(rate=1.001), golden, rules={"values.*": approx(abs=1)})
    with pytest.raises(GoldenDiffers, match=r"values\.text: approx"):
        check(make(text="Sent."), golden, rules={"values.*": approx(abs=1)})
    every = {"values.*": approx(abs=1), "values.text": ignore}
    check(make(text="Sent."), golden, rules=every)
    with pytest.raises(GoldenDiffers, match=r"values\.paid: approx\(rel=0\.0001"):
        check(make(rate=1.001), golden, rules={"values.paid": approx(rel=1e-4)})


def test_a_rule_that_is_about_nothing_is_a_mistake(golden):
    with pytest.raises(Failed, match=r"'values\.txt' is about nothing"):
        check(make(), golden, rules={"values.txt": ignore})


def test_a_changed_question_fails_by_name(golden):
    with pytest.raises(GoldenDiffers) as differs:
        check(make(title="Send {amount} EUR?"), golden)
    message = str(differs.value)
    assert 'The question "Send 620.0 EUR?" of review is not the one that was decided' in message
    assert "decisions.0.title: [-Pay -]{+Send +}620.0 EUR?" in message


def test_a_question_may_change_where_a_rule_says_so(golden):
    rules = {"decisions.*.title": ignore, "decisions.0.asked.question": any_text}
    check(make(title="Send {amount} EUR?"), golden, rules=rules)


def test_a_question_more_or_less_fails_by_name(golden):
    with pytest.raises(GoldenDiffers, match=r'no decision on "Pay 620.0 EUR\?" of review'):
        check(make(asks=2), golden)
    with pytest.raises(AnswersLeft, match=r'no longer asks "Pay 620.0 EUR\?" of review'):
        check(make(asks=0), golden)


def test_the_path_and_an_error_are_part_of_the_run(golden):
    with pytest.raises(GoldenDiffers) as differs:
        check(make(fails="no money"), golden)
    message = str(differs.value)
    assert 'error: is new: "ValueError: no money"' in message
    assert "values.paid: is gone" in message


def test_a_run_that_fails_may_be_golden(tmp_path):
    path = tmp_path / "fails.json"
    record(make(fails="no money"), {"amount": 1}, ScriptedHuman.approving(), path)
    assert json.loads(path.read_text())["error"] == "ValueError: no money"
    check(make(fails="no money"), path)
    check(make(fails="no luck"), path, rules={"error": any_text})


@pytest.mark.parametrize("by_variable", [False, True])
def test_an_update_keeps_the_decisions_and_writes_the_rest_anew(golden, monkeypatch, by_variable):
    if by_variable:
        monkeypatch.setenv(UPDATE, "1")
    changed = {"title": "Send {amount} EUR?", "text": "Sent."}
    check(make(**changed), golden, update=None if by_variable else True)
    monkeypatch.delenv(UPDATE, raising=False)
    assert check(make(**changed), golden).values["text"] == "Sent."


def test_an_update_writes_down_that_less_is_asked(golden):
    check(make(asks=0), golden, update=True)
    assert json.loads(golden.read_text())["decisions"] == []


def test_what_is_no_golden_run_is_said(tmp_path):
    path = tmp_path / "other.json"
    with pytest.raises(Failed, match=r"There is no golden run .*other\.json.*record"):
        check(make(), path)
    for text, reason in (("{", "cannot be read"), ("[]", "is no golden run")):
        path.write_text(text)
        with pytest.raises(Failed, match=reason):
            check(make(), path)


def test_every_way_to_decide_is_kept(tmp_path):
    path = tmp_path / "run.json"
    mail = {"name": "send", "args": {"to": "ada"}}
    configs = [{"action_name": "send", "allowed_decisions": ["approve", "edit", "reject"]}]
    batch = {"action_requests": [mail, mail], "review_configs": configs}

    def node(_state: State) -> State:
        return {"answers": [interrupt(batch), interrupt("Which?")]}

    builder = StateGraph(State)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    graph = builder.compile()
    each = ("approve", {"decision": "edit", "args": {"to": "bob"}})
    human = ScriptedHuman(
        [Intent(verb=None, each=each), Intent(verb=Verb.ANSWER, value=None, reason="None of them.")]
    )
    assert record(graph, {}, human, path).values == check(graph, path).values
    first, second = json.loads(path.read_text())["decisions"]
    assert first["each"] == list(each)
    assert "verb" not in first
    assert (second["verb"], second["value"], second["reason"]) == ("answer", None, "None of them.")


def test_the_context_is_kept_and_given_again(tmp_path):
    @dataclass
    class Context:
        name: str

    def node(_state: State, runtime: Runtime[Context]) -> State:
        return {"text": runtime.context.name}

    builder = StateGraph(State, context_schema=Context)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    path = tmp_path / "run.json"
    record(builder.compile(), {}, None, path, context=Context("Ada"))
    assert json.loads(path.read_text())["context"] == {"name": "Ada"}
    assert check(builder.compile(), path).values["text"] == "Ada"


def test_items_that_came_and_went_are_told(tmp_path):
    def graph(*items):
        builder = StateGraph(State)
        builder.add_node("node", lambda _state: {"answers": list(items)})
        builder.add_edge(START, "node")
        return builder.compile()

    path = tmp_path / "run.json"
    record(graph(1, 2, "x" * 400), {}, None, path)
    with pytest.raises(GoldenDiffers, match=r"values\.answers: lacks 2 that stood at 1"):
        check(graph(1, "x" * 400), path)
    with pytest.raises(GoldenDiffers, match=r"values\.answers: has 3, 4 more at 2"):
        check(graph(1, 2, 3, 4, "x" * 400), path)
    with pytest.raises(GoldenDiffers, match=r'lacks "x{299}… that stood at 2'):
        check(graph(1, 2), path)


def test_many_differences_are_counted(tmp_path):
    def graph(start):
        builder = StateGraph(State)
        values = {str(n): n for n in range(start, start + 30)}
        builder.add_node("node", lambda _state: {"receipt": values})
        builder.add_edge(START, "node")
        return builder.compile()

    path = tmp_path / "run.json"
    record(graph(0), {}, None, path)
    with pytest.raises(GoldenDiffers) as differs:
        check(graph(100), path)
    assert len(re.findall("is new|is gone", str(differs.value))) == 20
    assert "and 40 more" in str(differs.value)
