"""
Every shape of question (facts: interrupt-payloads c1 to c6), with every decision that it takes.

A real worker runs the graph, the dashboard's views draw the card, what an operator would do with the
widgets becomes an intent, the service decides, and the node says what it got, and of which type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.model.approvals import Kind, Verb
from interlock.core.services import deciding, launching, observing
from interlock.core.services.launching import Launch
from interlock.dashboard.views import answer_intents
from interlock.dashboard.views import card as card_view
from interlock.dashboard.views.answer_intents import Drafts

from ..filling import fill, fill_some  # noqa: TID252  tests are on no path to import from

pytestmark = pytest.mark.xdist_group("every shape")  # one worker for all of them

APPROVE, REJECT, EDIT, RESPOND, ANSWER, SKIP, STOP = (
    *(Verb.APPROVE, Verb.REJECT, Verb.EDIT, Verb.RESPOND, Verb.ANSWER),
    *(Verb.SKIP, Verb.STOP),
)


@dataclass(frozen=True)
class Made:
    """A value of a class of the project, told by its name."""

    kind: str
    value: Any


def typed(value: Any) -> Any:
    """What the node says of a value: of which type each part of it is."""
    if isinstance(value, Made):
        inner = value.value
        parts = {k: typed(v) for k, v in inner.items()} if isinstance(inner, dict) else inner
        return [value.kind, parts]
    if isinstance(value, dict):
        return ["dict", {k: typed(v) for k, v in value.items()}]
    if isinstance(value, list):
        return ["list", [typed(v) for v in value]]
    return [type(value).__name__, value]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """
    What an operator does with a card.

    `press` is a button's verb, None the one that sends a decision for each. `change` are the values to
    enter, by the names of the fields; `whole` the one of an answer that is a single field; `more` is
    whatever else is filled in (`Drafts`).
    """

    press: Verb | None
    change: Mapping[str, Any] = field(default_factory=dict)
    whole: Any = ...
    more: Mapping[str, Any] = field(default_factory=dict)


def press(verb: Verb | None, change: Mapping[str, Any] | None = None, **more: Any) -> Entry:
    return Entry(press=verb, change=change or {}, more=more)


def write(text: str) -> Entry:
    return press(ANSWER, mode="json", raw=text)


class Operator:
    """Has the project's graphs ask, and answers by what is on the screen."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk

    def launch(self, workflow: str, input_: Any, **options: Any) -> Any:
        request = Launch(workflow=workflow, input=input_, **options)
        return self.desk.wait(launching.launch(self.desk.app, request, actor="anna").run_id)

    def ask(self, workflow: str, input_: Any, **options: Any) -> Any:
        return self.desk.card(self.launch(workflow, input_, **options))

    def draw(self, card: Any) -> Any:
        state = observing.run_detail(self.desk.app, card.run_id).snapshot
        return card_view.build(
            observing.get_card(self.desk.app, card.approval_id),
            state=state.values if state else None,
            now=datetime.now(UTC),
        )

    def enter(self, card: Any, entry: Entry) -> Any:
        """Fill in and press: the run that carries the answer, ended."""
        view = self.draw(card)
        form = view.form
        assert form is not None
        first = form.modes[0] if form.modes else "form"
        drafts = Drafts(fields=self._fill(form, entry), **{"mode": first, **entry.more})
        assert entry.press in [button.verb for button in form.buttons_in(drafts.mode)]
        intent = answer_intents.read_intent(form, entry.press, drafts)
        decided = deciding.decide(
            self.desk.app, view.approval_id, intent, version=view.version, actor="ben"
        )
        return self.desk.wait(decided.run_id)

    def _fill(self, form: Any, entry: Entry) -> dict[str, object]:
        if entry.whole is not ...:
            (whole,) = form.fields
            return {whole.path: fill(whole, entry.whole)}
        if form.shape != "actions":
            return fill_some(
                (*form.fields, *(f for a in form.actions for f in a.fields)), entry.change
            )
        held: dict[str, object] = {}
        for number, change in entry.change.items():
            held |= fill_some(form.actions[number].fields, change)
        return held

    def got(self, card: Any, entry: Entry) -> Any:
        """What the node says it got."""
        ended = self.enter(card, entry)
        assert (ended.status, ended.error) == ("done", None)
        return self.desk.values(ended)["got"]

    def told(self, card: Any, entry: Entry) -> list[tuple[str, Any]]:
        """What the agent's model was told of its calls: the status and the text, or the arguments."""
        ended = self.enter(card, entry)
        assert (ended.status, ended.error) == ("done", None)
        messages = self.desk.values(ended)["messages"]
        return [(m["status"], _parse(m["content"])) for m in messages if m["type"] == "tool"]


def _parse(text: str) -> Any:
    """What a tool gave back; the middleware puts words to the model before that of an edited call."""
    given = text.rpartition("Tool response:\n")[2]
    return json.loads(given) if given.startswith("[") else text


@pytest.fixture(scope="module")
def operator(open_module_desk) -> Operator:
    return Operator(open_module_desk("shapes"))


def check(cases: dict[str, Any]) -> Any:
    """One test a line of a table."""
    return pytest.mark.parametrize("line", cases.values(), ids=cases)


# Raw values (c5) ----------------------------------------------------------------------------------

WORDS = "Which city?"
SAYINGS = {
    "approve": (press(APPROVE), True),
    "reject": (press(REJECT), False),
    "reject with a reason": (press(REJECT, reason="no"), False),
    "a text": (press(ANSWER, mode="text", raw="Paris"), "Paris"),
    "a text that looks like a number": (press(ANSWER, mode="text", raw="12"), "12"),
    "a text with blanks and lines": (press(ANSWER, mode="text", raw=" a\n b "), " a\n b "),
    "yes": (press(ANSWER, mode="yes_no", yes=True), True),
    "no": (press(ANSWER, mode="yes_no", yes=False), False),
    "a JSON text": (write('"12"'), "12"),
    "a whole number": (write("12"), 12),
    "a number": (write("12.5"), 12.5),
    "a number that is whole": (write("12.0"), 12.0),
    "a large number": (write("9007199254740993"), 9007199254740993),
    "null": (write("null"), None),
    "false": (write("false"), False),
    "an empty text": (write('""'), ""),
    "zero": (write("0"), 0),
    "an empty list": (write("[]"), []),
    "an empty object": (write("{}"), {}),
    "an object": (write('{"a": [1, 1.5, null, true, "é"]}'), {"a": [1, 1.5, None, True, "é"]}),
}
NESTED = {"order": {"lines": [{"sku": "x", "count": 2}]}, "total": 12.5, "rush": True}
RAW_QUESTIONS = {
    "text": WORDS,
    "whole number": 3,
    "number": 2.5,
    "null": None,
    "yes": True,
    "no": False,
    "empty text": "",
    "one scalar": ["only"],
    "list of objects": [{"a": 1}, {"a": 2}],
    "nested object": NESTED,
    "empty object": {},
    "empty list": [],
    "many choices that do not bind": {"question": "Which?", "options": [["a"], ["b"]]},
}


@check(SAYINGS)
def test_a_question_takes_any_answer(operator, line):
    entry, expected = line
    assert operator.got(operator.ask("put", {"question": WORDS}), entry) == typed(expected)


@check(RAW_QUESTIONS)
def test_whatever_is_asked_can_be_approved_and_answered(operator, line):
    for entry, expected in (SAYINGS["approve"], SAYINGS["an object"]):
        card = operator.ask("put", {"question": line})
        assert card.kind is Kind.VALUE
        assert card.payload == line
        assert operator.got(card, entry) == typed(expected)


CHOICES = {
    "scalars": (["red", 2.5], ["red", 2.5]),
    "options": ({"question": "Which?", "options": ["red", 3]}, ["red", 3]),
    "choices": ({"question": "?", "choices": [{"value": 3, "label": "x"}, "red"]}, [3, "red"]),
    "look alike": ([1, "1", True, "true", None, "null"], [1, "1", True, "true", None, "null"]),
}


@check(CHOICES)
def test_each_option_reaches_the_node_as_it_was_offered(operator, line):
    question, options = line
    run = operator.launch("put_all", {"questions": [question] * len(options)})
    for number, card in enumerate(operator.desk.cards(run)):
        assert card.kind is Kind.CHOICE
        assert operator.draw(card).form.options == tuple(options)
        ended = operator.enter(card, press(ANSWER, choice=number))
    answers = [answer for _, answer in operator.desk.values(ended)["answers"]]
    assert sorted(map(str, answers)) == sorted(str(typed(option)) for option in options)


def test_several_of_what_is_offered_reach_the_node_in_its_order(operator):
    question = {"question": "Which?", "options": ["red", 3, None], "multiple": True}
    for chosen, expected in (((2, 0), ["red", None]), ((1,), [3])):
        card = operator.ask("put", {"question": question})
        entry = press(ANSWER, mode="choose", choices=chosen)
        assert operator.got(card, entry) == typed(expected)


def test_a_choice_between_yes_and_no_is_made_by_the_buttons(operator):
    question = {"question": "Publish?", "options": ["go ahead", "no", "later"]}
    for verb, word in ((APPROVE, "go ahead"), (REJECT, "no")):
        card = operator.ask("put", {"question": question})
        assert operator.got(card, press(verb)) == typed(word)


APPROVALS = {
    "approve": (press(APPROVE), {"approved": True}),
    "reject": (press(REJECT), {"approved": False, "reason": ""}),
    "reject, and why": (press(REJECT, reason="No."), {"approved": False, "reason": "No."}),
    "something else": (write('{"approved": "later"}'), {"approved": "later"}),
}


@check(APPROVALS)
def test_a_request_for_approval_is_answered_by_yes_or_no(operator, line):
    entry, expected = line
    card = operator.ask("put", {"question": {"type": "approval_needed", "message": "Delete?"}})
    assert card.kind is Kind.CONFIRM
    assert operator.got(card, entry) == typed(expected)


# agent-inbox (c2) ---------------------------------------------------------------------------------

ARGS = {"to": "ann@example.org", "copies": 1, "ratio": 0.5, "urgent": False, "meta": {"a": [1]}}
FLAGS = ("allow_accept", "allow_ignore", "allow_edit", "allow_respond")
REQUEST = {
    "action_request": {"action": "send", "args": ARGS},
    "config": dict.fromkeys(FLAGS, True),
    "description": "Shall this be sent?",
}
INBOX_FORMS = {
    "one": REQUEST,
    "a list of one": [REQUEST],
    "JSON text of one": json.dumps(REQUEST),
    "JSON text of a list": json.dumps([REQUEST]),
}


def edited(**changes: Any) -> dict[str, Any]:
    return {"type": "edit", "args": {"action": "send", "args": {**ARGS, **changes}}}


INBOX_DECISIONS = {
    "accept": (press(APPROVE), {"type": "accept", "args": REQUEST["action_request"]}),
    "ignore": (press(REJECT), {"type": "ignore", "args": None}),
    "ignore, and why": (press(REJECT, reason="No."), {"type": "ignore", "args": None}),
    "respond": (press(RESPOND, response="Ask her."), {"type": "response", "args": "Ask her."}),
    "edit a text": (press(EDIT, {"to": "bo"}), edited(to="bo")),
    "edit a whole number": (press(EDIT, {"copies": 2}), edited(copies=2)),
    "edit a number": (press(EDIT, {"ratio": 0.25}), edited(ratio=0.25)),
    "edit a yes": (press(EDIT, {"urgent": True}), edited(urgent=True)),
    "edit something nested": (press(EDIT, {"meta": {"a": [1, 2.5]}}), edited(meta={"a": [1, 2.5]})),
}


@check(
    {
        f"{f}: {d}": (INBOX_FORMS[f], *INBOX_DECISIONS[d])
        for f in INBOX_FORMS
        for d in INBOX_DECISIONS
    }
)
def test_a_request_of_an_inbox_gets_a_list_of_one_response(operator, line):
    question, entry, expected = line
    card = operator.ask("put", {"question": question})
    assert card.kind is Kind.AGENT_INBOX
    assert operator.got(card, entry) == typed([expected])


def test_several_requests_of_an_inbox_get_a_response_each(operator):
    names = [{**REQUEST, "action_request": {"action": a, "args": {"n": 1}}} for a in "abcd"]
    card = operator.ask("put", {"question": names})
    entry = press(
        None,
        {1: {"n": 2}},
        verbs={0: APPROVE, 1: EDIT, 2: REJECT, 3: RESPOND},
        messages={3: "Later."},
    )
    assert operator.got(card, entry) == typed(
        [
            {"type": "accept", "args": {"action": "a", "args": {"n": 1}}},
            {"type": "edit", "args": {"action": "b", "args": {"n": 2}}},
            {"type": "ignore", "args": None},
            {"type": "response", "args": "Later."},
        ]
    )


def test_a_request_that_allows_little_offers_little(operator):
    quiet = {**REQUEST, "config": {**dict.fromkeys(FLAGS, False), "allow_ignore": True}}
    form = operator.draw(operator.ask("put", {"question": quiet})).form
    assert form.verbs == (REJECT,)
    silent = {**REQUEST, "config": dict.fromkeys(FLAGS, False)}
    card = operator.ask("put", {"question": silent})
    assert operator.draw(card).form.verbs == (ANSWER,)
    assert operator.got(card, write("[1]")) == typed([1])


# LangChain's middleware, batched and one by one (c3, c4) ------------------------------------------

ORDER = {"to": "Ada", "lines": [{"sku": "x", "count": 1}], "day": "2026-01-05"}
SCALE = {"n": 3}
CALLS = {"order": ORDER, "scale": SCALE, "erase": {"path": "/tmp/x"}}


def ordered(**changes: Any) -> Any:
    values = {**ORDER, "express": False, "price": 1.5, **changes}
    lines = [Made("Line", line) for line in values["lines"]]
    return typed({**values, "lines": lines, "day": Made("date", values["day"])})


def scaled(**changes: Any) -> Any:
    return typed({"n": 3, "unit": "mm", "note": None, **changes})


def calling(*names: str, **args: Any) -> dict[str, Any]:
    calls = [{"name": name, "args": args.get(name, CALLS[name])} for name in names]
    return {"messages": [{"role": "user", "content": json.dumps(calls)}]}


DECISIONS = {
    "approve": ("order", press(APPROVE), ("success", ordered())),
    "reject": ("scale", press(REJECT), ("error", None)),
    "reject, and why": ("scale", press(REJECT, reason="Too big."), ("error", "Too big.")),
    "respond": ("scale", press(RESPOND, response="It is 4."), ("success", "It is 4.")),
    "edit a text": ("order", press(EDIT, {"to": "Bo"}), ("success", ordered(to="Bo"))),
    "edit a list of objects": (
        "order",
        press(EDIT, {"lines": [{"sku": "y", "count": 7}]}),
        ("success", ordered(lines=[{"sku": "y", "count": 7}])),
    ),
    "edit a date": (
        "order",
        press(EDIT, {"day": "2026-02-28"}),
        ("success", ordered(day="2026-02-28")),
    ),
    "edit what was left out": (
        "order",
        press(EDIT, {"express": True, "price": 2.25}),
        ("success", ordered(express=True, price=2.25)),
    ),
    "edit a whole number": ("scale", press(EDIT, {"n": 4}), ("success", scaled(n=4))),
    "edit a choice": ("scale", press(EDIT, {"unit": "cm"}), ("success", scaled(unit="cm"))),
    "edit what may be null": ("scale", press(EDIT, {"note": "x"}), ("success", scaled(note="x"))),
    "approve what allows no edit": ("erase", press(APPROVE), ("success", typed(CALLS["erase"]))),
}
KINDS = {"batched": Kind.LANGCHAIN, "per_call": Kind.LANGCHAIN_CALL}


@check({f"{m}: {d}": (m, *DECISIONS[d]) for m in KINDS for d in DECISIONS})
def test_a_call_runs_as_it_was_decided(operator, line):
    mode, name, entry, (status, said) = line
    card = operator.ask(mode, calling(name))
    assert card.kind is KINDS[mode]
    ((told, text),) = operator.told(card, entry)
    assert told == status
    if status == "error":
        assert (said or "not executed") in text
    else:
        assert text == said


def test_several_calls_at_once_get_a_decision_each_in_order(operator):
    card = operator.ask("batched", calling("order", "scale", "erase", "scale"))
    entry = press(
        None,
        {0: {"to": "Bo"}},
        verbs={0: EDIT, 1: REJECT, 2: APPROVE, 3: RESPOND},
        messages={1: "No.", 3: "It is 4."},
    )
    told = operator.told(card, entry)
    assert len(told) == 4
    for expected in (ordered(to="Bo"), typed(CALLS["erase"]), "It is 4."):
        assert ("success", expected) in told
    (refused,) = [text for status, text in told if status == "error"]
    assert "No." in refused


def test_calls_asked_one_by_one_are_cards_of_their_own(operator):
    run = operator.launch("per_call", calling("order", "scale", "erase"))
    cards = {card.payload["name"]: card for card in operator.desk.cards(run)}
    assert set(cards) == {"order", "scale", "erase"}
    assert operator.draw(cards["erase"]).form.verbs == (APPROVE, REJECT)
    assert len(operator.draw(cards["erase"]).siblings) == 2

    assert operator.enter(cards["erase"], press(REJECT, reason="Keep it.")).status == "waiting"
    assert operator.enter(cards["scale"], press(EDIT, {"n": 5})).status == "waiting"
    told = operator.told(cards["order"], press(APPROVE))

    assert ("success", scaled(n=5)) in told
    assert ("success", ordered()) in told
    assert len(told) == 3


@pytest.mark.parametrize("mode", KINDS)
def test_an_argument_of_the_wrong_type_is_mended_before_it_is_sent(operator, mode):
    card = operator.ask(mode, calling("scale", scale={"n": "three"}))
    with pytest.raises(InvalidInput) as refused:
        operator.enter(card, press(EDIT, {"unit": "cm"}))
    assert [problem.path for problem in refused.value.problems] == ["n"]

    assert operator.told(card, press(EDIT, {"n": 4})) == [("success", scaled(n=4))]


# Answers by a schema (c1, c5) ---------------------------------------------------------------------

FILLED = {
    "name": "Ada",
    "copies": 2,
    "price": 9.5,
    "express": False,
    "colour": "green",
    "size": "XL",
    "day": "2026-02-28",
    "moment": "2026-03-02T12:00:00+00:00",
    "at": "09:30:00",
    "address": {"street": "Main St 1", "zip": "01234"},
    "lines": [{"sku": "x", "count": 2, "gift": True}, {"sku": "y", "count": 1}],
    "tags": ["a", "b"],
    "wishes": ["c", "a"],
    "pay": {"kind": "cash", "amount": 3},
    "either": "12",
}
ORDERED = {
    **FILLED,
    "colour": Made("Colour", "Colour.GREEN"),
    "day": Made("date", "2026-02-28"),
    "moment": Made("datetime", "2026-03-02 12:00:00+00:00"),
    "at": Made("time", "09:30:00"),
    "address": Made("Address", FILLED["address"]),
    "lines": [
        Made("Line", {"sku": "x", "count": 2, "gift": True}),
        Made("Line", {"sku": "y", "count": 1, "gift": False}),
    ],
    "pay": Made("Cash", {"kind": "cash", "amount": 3.0}),
    "note": None,
    "total": None,
    "limits": {},
}
OTHERWISE = {
    "price": 3,
    "express": True,
    "size": 2,
    "note": "soon",
    "either": 12,
    "pay": {"kind": "card", "number": "4"},
    "limits": {"a": 1},
    "lines": [],
}
ORDERED_OTHERWISE = {
    **ORDERED,
    "price": 3.0,
    "express": True,
    "size": 2,
    "note": "soon",
    "either": 12,
    "pay": Made("Card", {"kind": "card", "number": "4"}),
    "limits": {"a": 1},
    "lines": [],
}


def whole(value: Any) -> Entry:
    return Entry(press=ANSWER, whole=value)


def review(**values: Any) -> Made:
    return Made("Review", {"approved": True, "amount": 3.0, "reason": "", **values})


TYPED = {
    "everything": ("Order", press(ANSWER, FILLED), Made("Order", ORDERED)),
    "everything, otherwise": (
        "Order",
        press(ANSWER, {**FILLED, **OTHERWISE}),
        Made("Order", ORDERED_OTHERWISE),
    ),
    "everything, as JSON": ("Order", write(json.dumps(FILLED)), Made("Order", ORDERED)),
    "approve": ("Review", press(APPROVE, {"amount": 3}), review()),
    "approve, and why": ("Review", press(APPROVE, {"amount": 3}, reason="ok"), review(reason="ok")),
    "reject": ("Review", press(REJECT, {"amount": 3}), review(approved=False)),
    "reject, and why": (
        "Review",
        press(REJECT, {"amount": 0.5}, reason="no"),
        review(approved=False, amount=0.5, reason="no"),
    ),
    "review as JSON": (
        "Review",
        write('{"approved": true, "amount": 3, "reason": "x"}'),
        review(reason="x"),
    ),
    "a word for yes": (
        "Verdict",
        press(APPROVE, {"score": 2}),
        {"decision": "approve", "score": 2},
    ),
    "a word for no": ("Verdict", press(REJECT, {"score": 2}), {"decision": "reject", "score": 2}),
    "a dataclass": ("Mark", press(ANSWER, {"value": 2}), Made("Mark", {"value": 2, "by": "me"})),
    "an enum": ("Colour", whole("red"), Made("Colour", "Colour.RED")),
    "a literal": ("size", whole("large"), "large"),
    "a yes": ("bool", press(APPROVE), True),
    "a no": ("bool", press(REJECT), False),
    "a whole number": ("int", whole(3), 3),
    "a number": ("float", whole(3), 3.0),
    "a text": ("str", whole("3"), "3"),
    "a date": ("date", whole("2026-02-28"), Made("date", "2026-02-28")),
    "a number or null": ("perhaps", whole(3), 3),
    "null instead of a number": ("perhaps", write("null"), None),
    "texts": ("names", write('["a", "b"]'), ["a", "b"]),
    "objects": (
        "lines",
        whole([{"sku": "x", "count": 2, "gift": True}]),
        [Made("Line", {"sku": "x", "count": 2, "gift": True})],
    ),
    "one of two objects": (
        "payment",
        write('{"kind": "cash", "amount": 2}'),
        Made("Cash", {"kind": "cash", "amount": 2.0}),
    ),
}


@check(TYPED)
def test_a_typed_answer_reaches_the_node_as_its_type(operator, line):
    kind, entry, expected = line
    card = operator.ask("put_typed", {"question": {"question": "Fill in."}, "kind": kind})
    assert card.kind is Kind.SCHEMA
    assert operator.got(card, entry) == typed(expected)


LIMITS = {
    "name": "A",
    "copies": 6,
    "price": 0,
    "address": {"zip": "12"},
    "lines": [{"sku": "x", "count": 11}],
    "pay": {"kind": "cash"},
    "either": None,
}


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_beyond_a_limit_is_refused_at_its_field_and_nothing_is_sent(operator, name):
    card = operator.ask("put_typed", {"question": "Fill in.", "kind": "Order"})
    wrong = LIMITS[name]
    wrong = {**FILLED[name], **wrong} if isinstance(wrong, dict) and name == "address" else wrong
    with pytest.raises(InvalidInput) as refused:
        operator.enter(card, press(ANSWER, {**FILLED, name: wrong}))
    form = operator.draw(card).form
    placed, rest = answer_intents.place_problems(form, refused.value.problems, "form")
    assert {path.partition(".")[0] for path in placed} == {name}
    assert rest == []
    assert operator.desk.card(operator.desk.run(card.run_id)).version == 1


PLAIN_SCHEMAS = {
    "object": (
        {
            "type": "object",
            "properties": {
                "n": {"type": "integer"},
                "x": {"type": "number"},
                "deep": {"$ref": "#/$defs/deep"},
            },
            "required": ["n", "deep"],
            "$defs": {
                "deep": {
                    "type": "object",
                    "properties": {"s": {"type": "string"}},
                    "required": ["s"],
                }
            },
        },
        press(ANSWER, {"n": 3, "x": 1.5, "deep": {"s": "3"}}),
        {"n": 3, "x": 1.5, "deep": {"s": "3"}},
    ),
    "union": (
        {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "string"}}]},
        write('["a"]'),
        ["a"],
    ),
    "const": ({"const": 3}, whole(3), 3),
    "enum of all types": ({"enum": ["a", 1, 1.5, True, None]}, whole(1), 1),
    "map": (
        {"type": "object", "additionalProperties": {"type": "integer"}},
        write('{"a": 1}'),
        {"a": 1},
    ),
    "unusable": ({"type": 7}, write('{"a": 1.0}'), {"a": 1.0}),
}


@check(PLAIN_SCHEMAS)
def test_an_answer_by_a_plain_schema_stays_as_it_is(operator, line):
    schema, entry, expected = line
    card = operator.ask("put", {"question": "Fill in.", "schema": schema})
    assert operator.got(card, entry) == typed(expected)


@pytest.mark.parametrize("question", [[REQUEST], {"action_requests": [{"name": "a", "args": {}}]}])
def test_actions_with_a_schema_of_their_own_take_a_whole_answer_too(operator, question):
    card = operator.ask("put", {"question": question, "schema": {"type": "array"}})
    assert operator.got(card, write("[1]")) == typed([1])


# Breakpoints (c6) ---------------------------------------------------------------------------------

START = {"count": 1, "ratio": 0.5, "day": "2026-01-05", "tags": ["a"]}
HOLDS = {
    "in the graph, before": ("holds_before", {}, "b"),
    "in the graph, after": ("holds_after", {}, "c"),
    "for one run, before": ("steps", {"break_before": ("b",)}, "b"),
    "for one run, after": ("steps", {"break_after": ("b",)}, "c"),
}
STATE_EDITS = {
    "a whole number": ({"count": 2}, {"count": 2}),
    "a number": ({"ratio": 0.75}, {"ratio": 0.75}),
    "a date": ({"day": "2026-02-28"}, {"day": Made("date", "2026-02-28")}),
    "a list": ({"tags": ["b", "c"]}, {"tags": ["b", "c"]}),
}


@check({f"{h}: {v}": (*HOLDS[h], v) for h in HOLDS for v in (APPROVE, SKIP, STOP, EDIT)})
def test_a_breakpoint_goes_on_is_skipped_stopped_or_edited(operator, line):
    workflow, options, node, verb = line
    card = operator.ask(workflow, START, **options)
    assert (card.kind, card.node) == (Kind.BREAKPOINT, node)
    edit = press(EDIT, {"count": 2}, picked=("count",))
    ended = operator.enter(card, edit if verb is EDIT else press(verb))
    seen = dict(operator.desk.values(ended)["seen"])
    assert {name for name in "abc" if name in seen} == {
        APPROVE: set("abc"),
        EDIT: set("abc"),
        SKIP: set("abc") - {node},
        STOP: set("ab") if node == "c" else {"a"},
    }[verb]
    last = max(seen)
    assert seen[last] == typed({**START, "count": 2} if verb is EDIT else START)


@check(STATE_EDITS)
def test_an_edited_state_reaches_the_next_node_with_its_types(operator, line):
    change, expected = line
    card = operator.ask("steps", START, break_before=("b",))
    ended = operator.enter(card, press(EDIT, change, picked=tuple(change)))
    assert dict(operator.desk.values(ended)["seen"])["b"] == typed({**START, **expected})


@pytest.mark.parametrize("verb", [APPROVE, SKIP, STOP])
def test_a_breakpoint_inside_is_decided_from_outside(operator, verb):
    card = operator.ask("holds_inside", START)
    assert (card.kind, card.payload) == (Kind.BREAKPOINT, {"next": ["team/b"]})
    assert operator.draw(card).form.verbs == (APPROVE, SKIP, STOP)
    ended = operator.enter(card, press(verb))
    names = [name for name, _ in operator.desk.values(ended).get("seen", [])]
    assert names == {APPROVE: ["a", "b", "c"], SKIP: ["a", "c"], STOP: []}[verb]


# Failed nodes (c1) --------------------------------------------------------------------------------

FAILURES = {
    "edit and retry": (
        press(EDIT, {"count": 7}, picked=("count",)),
        "done",
        {"a": 1, "b": 7, "c": 7},
    ),
    "retry": (press(APPROVE), "paused", None),
    "skip": (press(SKIP), "done", {"a": 1, "c": 1}),
    "stop": (press(STOP), "cancelled", {"a": 1}),
}


@check(FAILURES)
def test_a_failed_node_is_retried_mended_skipped_or_stopped(operator, line):
    entry, status, counts = line
    card = operator.ask("picky", START, asks_on_failure=True)
    assert (card.kind, card.node) == (Kind.FAILURE, "b")
    ended = operator.enter(card, entry)
    assert ended.status == status
    if counts is None:  # it failed again, and asks again
        assert operator.desk.card(ended).approval_id != card.approval_id
    else:
        seen = dict(operator.desk.values(ended)["seen"])
        assert {name: got[1]["count"] for name, got in seen.items()} == typed(counts)[1]


# Several questions of one thread, and inside another graph ----------------------------------------


@check({k: v for k, v in SAYINGS.items() if k in ("approve", "a text", "an object")})
def test_a_question_from_inside_is_answered_there(operator, line):
    entry, expected = line
    card = operator.ask("put_inside", {"question": WORDS})
    assert card.namespace
    assert operator.got(card, entry) == typed(expected)


def test_each_card_of_a_thread_answers_its_own_question(operator):
    questions = [WORDS, ["red", 3], {"type": "approval"}, REQUEST]
    run = operator.launch("put_all", {"questions": questions})
    entries = [press(ANSWER, mode="text", raw="x"), press(ANSWER, choice=1), press(APPROVE)]
    cards = {json.dumps(card.payload): card for card in operator.desk.cards(run)}
    for question, entry in zip(questions[::-1], [press(APPROVE), *entries[::-1]], strict=True):
        ended = operator.enter(cards[json.dumps(question)], entry)
    assert ended.status == "done"
    got = {json.dumps(q): answer for q, answer in operator.desk.values(ended)["answers"]}
    assert [got[json.dumps(question)] for question in questions] == [
        typed("x"),
        typed(3),
        typed({"approved": True}),
        typed([{"type": "accept", "args": REQUEST["action_request"]}]),
    ]


def test_questions_one_after_the_other_keep_their_answers(operator):
    run = operator.launch("put_twice", {"questions": [WORDS, ["red", 3]]})
    first = operator.desk.card(run)
    assert operator.enter(first, press(ANSWER, mode="text", raw="3")).status == "waiting"
    second = operator.desk.card(run)
    assert second.approval_id != first.approval_id
    ended = operator.enter(second, press(ANSWER, choice=1))
    assert operator.desk.values(ended)["answers"] == [[WORDS, typed("3")], [["red", 3], typed(3)]]


def test_a_number_too_long_for_a_browser_stays_what_it_is(operator):
    long = 1234567890123456789
    asked = {"action": "send", "args": {"id": long, "n": 1}}
    question = {**REQUEST, "action_request": asked}
    for entry, expected in (
        (press(APPROVE), {"type": "accept", "args": asked}),
        (
            press(EDIT, {"n": 2}),
            {"type": "edit", "args": {**asked, "args": {"id": long, "n": 2}}},
        ),
    ):
        card = operator.ask("put", {"question": question})
        assert operator.got(card, entry) == typed([expected])
    card = operator.ask("batched", calling("scale", scale={"n": long}))
    assert operator.told(card, press(EDIT, {"unit": "cm"})) == [
        ("success", scaled(n=long, unit="cm"))
    ]
    card = operator.ask("put", {"question": {"question": "Which id?", "options": [long, "none"]}})
    assert operator.got(card, press(ANSWER, choice=0)) == typed(long)
