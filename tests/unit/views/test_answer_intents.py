from __future__ import annotations

import pytest

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.payloads import build_answer, read_breakpoint, read_interrupt
from interlock.dashboard.views import answer_forms
from interlock.dashboard.views.answer_intents import (
    Drafts,
    place_problems,
    read_intent,
)

ACTION = {
    "action_request": {"action": "send_mail", "args": {"to": "a@b.c", "n": 2}},
    "config": {
        "allow_ignore": True,
        "allow_respond": True,
        "allow_edit": True,
        "allow_accept": True,
    },
    "description": "Sends a mail",
}
TYPED = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "amount": {"type": "number", "default": 620.0},
        "reason": {"type": "string"},
    },
    "required": ["approved"],
}


class Card:
    """A question with its form; `press` gives the JSON that the graph would get."""

    def __init__(self, value, schema=None):
        self.question = read_interrupt(value, schema, node="n")
        self.form = answer_forms.build(self.question)

    def intend(self, verb, **drafts):
        return read_intent(self.form, verb, Drafts(**drafts))

    def press(self, verb, **drafts):
        return build_answer(self.question, self.intend(verb, **drafts))

    def refused(self, verb, **drafts):
        with pytest.raises(InvalidInput) as refused:
            self.intend(verb, **drafts)
        return [(p.path, p.message) for p in refused.value.problems]


def test_an_action_is_approved_with_its_reason():
    assert Card(ACTION).intend(Verb.APPROVE, reason=" fine ") == Intent(
        verb=Verb.APPROVE, reason="fine"
    )


def test_an_edit_sends_all_arguments_in_their_types():
    (answer,) = Card(ACTION).press(Verb.EDIT, fields={"n": 3})
    assert answer["args"]["args"] == {"to": "a@b.c", "n": 3}


def test_approving_after_a_change_is_refused_because_the_change_would_be_lost():
    ((path, message),) = Card(ACTION).refused(Verb.APPROVE, fields={"n": 3})
    assert (path, message) == ("", "arguments were changed; use Approve with changes")


def test_approving_beside_a_written_response_is_refused():
    ((path, _),) = Card(ACTION).refused(Verb.APPROVE, response="wait")
    assert path == "response"


def test_an_edit_without_a_change_is_refused():
    assert Card(ACTION).refused(Verb.EDIT) == [("", "nothing was changed; use Approve")]


def test_an_edit_with_a_broken_field_is_refused_at_the_field():
    card = Card({**ACTION, "action_request": {"action": "x", "args": {"rows": [1]}}})
    ((path, message),) = card.refused(Verb.EDIT, fields={"rows": "[1,"})
    assert path == "rows"
    assert "is not JSON" in message


def test_a_response_is_sent_in_words_and_not_empty():
    (answer,) = Card(ACTION).press(Verb.RESPOND, response="to Ben instead")
    assert answer == {"type": "response", "args": "to Ben instead"}
    assert Card(ACTION).refused(Verb.RESPOND)[0][0] == "response"


def test_a_rejection_ignores_half_typed_changes():
    (answer,) = Card(ACTION).press(Verb.REJECT, fields={"n": 3})
    assert answer == {"type": "ignore", "args": None}


def test_several_actions_are_sent_each_in_its_words():
    card = Card([ACTION] * 4)
    answer = card.press(
        None,
        verbs={0: Verb.APPROVE, 1: Verb.EDIT, 2: Verb.RESPOND, 3: Verb.REJECT},
        fields={"1.n": 9},
        messages={2: "later"},
    )
    assert [item["type"] for item in answer] == ["accept", "edit", "response", "ignore"]
    assert answer[1]["args"]["args"]["n"] == 9


def test_a_rejection_among_several_takes_its_words_along():
    card = Card([ACTION] * 2)
    intent = card.intend(None, verbs={0: Verb.REJECT, 1: Verb.REJECT}, messages={0: "no", 1: ""})
    assert intent.each == ({"decision": "reject", "message": "no"}, {"decision": "reject"})


def test_every_one_of_several_actions_must_be_decided_without_losing_anything():
    card = Card([ACTION] * 5)
    problems = card.refused(
        None,
        verbs={0: None, 1: Verb.APPROVE, 2: Verb.APPROVE, 3: Verb.RESPOND, 4: Verb.EDIT},
        fields={"1.n": 9},
        messages={2: "hm"},
    )
    assert [path for path, _ in problems] == [f"{i}.decision" for i in range(5)]


def test_a_typed_yes_takes_the_other_fields_and_the_reason_along():
    card = Card("Refund?", TYPED)
    answer = card.press(Verb.APPROVE, fields={"amount": 500.0}, reason="agreed")
    assert answer == {"approved": True, "amount": 500, "reason": "agreed"}
    assert card.press(Verb.REJECT)["approved"] is False


def test_a_typed_answer_is_sent_from_its_form_or_as_json():
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    card = Card("Name?", schema)
    assert card.press(Verb.ANSWER, fields={"name": "Ann"}) == {"name": "Ann"}
    assert card.press(Verb.ANSWER, mode="json", raw='{"name": "Ben"}') == {"name": "Ben"}
    assert card.refused(Verb.ANSWER) == [("name", "is needed")]


def test_a_typed_scalar_is_sent_bare():
    assert Card("How many?", {"type": "integer"}).press(Verb.ANSWER, fields={"": 3}) == 3


def test_a_yes_that_needs_nothing_else_is_sent_alone():
    card = Card("?", {"type": "object", "properties": {"approved": {"type": "boolean"}}})
    assert card.press(Verb.APPROVE) == {"approved": True}
    whole = Card("?", {"enum": ["approve", "reject"]})
    assert whole.press(Verb.APPROVE) == "approve"


def test_a_yes_beside_typed_json_is_refused():
    schema = {
        "oneOf": [
            {"type": "object", "properties": {"type": {"const": "approve"}}, "required": ["type"]},
            {"type": "object", "properties": {"type": {"const": "reject"}}, "required": ["type"]},
        ]
    }
    card = Card("?", schema)
    assert card.refused(Verb.APPROVE, mode="json", raw="{}")[0][0] == "answer"
    assert card.press(Verb.APPROVE, mode="json") == {"type": "approve"}


def test_a_choice_is_sent_as_the_value_it_stands_for():
    card = Card([1, 2, 3])
    assert card.press(Verb.ANSWER, choice=1) == 2
    assert card.refused(Verb.ANSWER) == [("choice", "choose one")]
    yes = Card({"question": "?", "options": ["yes", "no"]})
    assert yes.press(Verb.APPROVE) == "yes"
    assert yes.refused(Verb.APPROVE, choice=1)[0][0] == "choice"


@pytest.mark.parametrize(
    ("drafts", "expected"),
    [
        ({"mode": "text", "raw": "42"}, "42"),
        ({"mode": "json", "raw": "42"}, 42),
        ({"mode": "json", "raw": "null"}, None),
        ({"mode": "yes_no", "yes": False}, False),
    ],
)
def test_a_raw_answer_is_text_json_or_yes_and_no(drafts, expected):
    assert Card("Name?").press(Verb.ANSWER, **drafts) == expected


@pytest.mark.parametrize(
    "drafts",
    [{"mode": "text", "raw": "  "}, {"mode": "json", "raw": "{"}, {"mode": "yes_no"}],
)
def test_an_empty_or_broken_raw_answer_is_refused_at_its_field(drafts):
    assert Card("Name?").refused(Verb.ANSWER, **drafts)[0][0] == "answer"


def test_approving_beside_a_written_answer_is_refused():
    assert Card("Name?").refused(Verb.APPROVE, mode="text", raw="Ann")[0][0] == "answer"
    assert Card("Name?").press(Verb.APPROVE) is True


class Breakpoint(Card):
    def __init__(self, state):
        schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}}
        self.question = read_breakpoint(["deploy"], state_schema=schema if state else None)
        self.form = answer_forms.build(self.question, state=state)


def test_a_breakpoint_changes_only_the_chosen_fields():
    card = Breakpoint({"n": 3, "log": "x"})
    answer = card.press(Verb.EDIT, picked=("n",), fields={"n": 4, "log": "y"})
    assert answer == {"verb": "edit", "values": {"n": 4}}
    assert card.press(Verb.SKIP) == {"verb": "skip", "values": None}


def test_a_breakpoint_without_a_schema_is_edited_as_json():
    card = Breakpoint(None)
    assert card.press(Verb.EDIT, mode="json", raw='{"n": 1}')["values"] == {"n": 1}
    assert card.refused(Verb.APPROVE, mode="json", raw='{"n": 1}')[0][0] == "fields"


def test_going_on_past_chosen_changes_is_refused():
    card = Breakpoint({"n": 3})
    assert card.refused(Verb.APPROVE, picked=("n",)) == [
        ("fields", "this does not apply them; use Go on with changes")
    ]
    assert card.press(Verb.APPROVE)["verb"] == "approve"
    assert card.refused(Verb.EDIT) == [("fields", "choose the fields to change")]
    broken = Breakpoint({"n": 3, "log": [1]})
    assert broken.refused(Verb.EDIT, picked=("log",), fields={"log": "["})[0][0] == "log"


def test_problems_stand_beside_what_they_are_about():
    card = Card([ACTION, ACTION])
    problems = [
        FieldProblem("0.n", "too big"),
        FieldProblem("1", "odd"),
        FieldProblem("1.decision", "decide"),
        FieldProblem("", "all wrong"),
    ]
    placed, rest = place_problems(card.form, problems, "form")
    assert placed == {"0.n": "too big", "1.decision": "decide"}
    assert [p.path for p in rest] == [""]


def test_fields_that_are_not_drawn_have_no_place():
    card = Card("Refund?", TYPED)
    problems = [FieldProblem("amount", "too much"), FieldProblem("answer", "broken")]
    placed, rest = place_problems(card.form, problems, "json")
    assert placed == {"answer": "broken"}
    assert [p.path for p in rest] == ["amount"]
    assert place_problems(card.form, problems, "form")[0]["amount"] == "too much"


def test_several_of_what_is_offered_are_sent_in_its_order():
    card = Card({"question": "Which colours?", "options": ["red", 2, "blue"], "multiple": True})
    assert card.form.modes == ("choose", "json")
    assert next(b.verb for b in card.form.buttons if b.is_primary) is Verb.ANSWER
    chosen = {"mode": "choose", "choices": (2, 0)}
    assert card.press(Verb.ANSWER, **chosen) == ["red", "blue"]
    assert card.refused(Verb.APPROVE, **chosen)[0][0] == "choice"
    assert card.refused(Verb.ANSWER, mode="choose") == [("choice", "choose at least one")]
    assert card.press(Verb.ANSWER, mode="json", raw="[2]") == [2]
