from __future__ import annotations

import pytest

from interlock.core.model.approvals import Verb
from interlock.core.model.payloads import (
    describe_failure,
    read_breakpoint,
    read_failure,
    read_interrupt,
)
from interlock.core.model.runs import FailureLine
from interlock.dashboard.views import answer_forms

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


def build(value, schema=None, **more):
    return answer_forms.build(read_interrupt(value, schema, node="n"), **more)


def labels(form, mode=None):
    return [(b.label, b.is_primary) for b in form.buttons_in(mode)]


def test_one_action_can_be_approved_edited_answered_or_rejected():
    form = build(ACTION)
    assert form.shape == "action"
    assert labels(form) == [
        ("Approve", True),
        ("Reject", False),
        ("Approve with changes", False),
        ("Respond", False),
    ]
    assert [(f.path, f.widget) for f in form.actions[0].fields] == [
        ("to", "text"),
        ("n", "integer"),
    ]
    assert form.actions[0].is_editable
    assert form.takes_response


def test_several_actions_are_decided_one_by_one_and_sent_together():
    form = build([ACTION, ACTION])
    assert form.shape == "actions"
    assert labels(form) == [("Send 2 decisions", True)]
    assert form.buttons[0].name == "each"
    assert form.actions[1].fields[0].path == "1.to"
    assert not form.takes_response


def test_a_high_risk_has_no_primary_button():
    assert not any(b.is_primary for b in build(ACTION, is_high_risk=True).buttons)


def test_a_yes_and_a_reason_in_the_schema_become_buttons_and_the_reason_field():
    form = build("Refund?", TYPED)
    assert [f.path for f in form.fields] == ["amount"]
    assert form.reason_sent
    assert form.modes == ("form", "json")
    assert labels(form, "form") == [("Approve", True), ("Reject", False)]
    assert labels(form, "json") == [("Send answer", True)]


def test_a_yes_without_a_place_for_a_reason_hides_only_the_yes():
    schema = {
        "type": "object",
        "properties": {"approved": {"type": "boolean"}, "n": {"type": "integer"}},
    }
    form = build("?", schema)
    assert [f.path for f in form.fields] == ["n"]
    assert not form.reason_sent


def test_a_third_word_beside_yes_and_no_can_be_chosen_in_the_form():
    words = {"enum": ["approve", "revise", "reject"], "type": "string"}
    properties = {"decision": words, "comment": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["decision"]}

    form = build("Sign it off?", schema)

    assert [f.path for f in form.fields] == ["decision", "comment"]
    assert labels(form, "form") == labels(form, "json") == [("Send answer", True)]
    assert not form.reason_sent
    words["enum"].remove("revise")
    assert labels(build("Sign it off?", schema), "form") == [("Approve", True), ("Reject", False)]


def test_a_typed_answer_without_a_yes_is_sent_as_a_whole():
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    form = build("Name?", schema)
    assert labels(form, "form") == [("Send answer", True)]
    assert not form.is_whole


@pytest.mark.parametrize(
    ("schema", "modes"),
    [
        ({"type": "integer", "default": 3}, ("form", "json")),
        ({"type": "boolean"}, ("form", "json")),
        ({"type": "array", "items": {"type": "string"}}, ("form", "json")),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, ("json",)),
        ({"enum": ["a", 1, 1.5, True, None]}, ("form", "json")),
    ],
)
def test_a_schema_of_one_value_is_one_field(schema, modes):
    form = build("How many?", schema)
    assert form.is_whole
    assert form.modes == modes


def test_a_list_of_choices_is_chosen_from():
    form = build({"question": "Which?", "options": ["red", "\u202eblue"]})
    assert form.shape == "choice"
    assert form.option_labels == ("red", "⟨U+202E⟩blue")
    assert form.modes == ()
    assert dict(labels(form))["Send answer"]


def test_a_plain_question_wants_words_and_anything_else_a_yes():
    asked = build("What is your name?", is_plain_question=True)
    assert dict(labels(asked)) == {"Approve": False, "Reject": False, "Send answer": True}
    shown = build({"plan": "delete"})
    assert dict(labels(shown))["Approve"]
    assert shown.modes == ("text", "json", "yes_no")


def test_an_approval_in_words_can_still_be_answered_otherwise():
    form = build({"type": "approval_needed", "message": "Deploy?"})
    assert form.shape == "confirm"
    assert form.reason_sent
    assert dict(labels(form))["Approve"]


def test_a_breakpoint_goes_on_skips_or_stops_with_the_state_to_change():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    form = answer_forms.build(
        read_breakpoint(["deploy"], state_schema=schema), state={"n": 3, "log": "x"}
    )
    assert [b.label for b in form.buttons] == ["Go on", "Go on with changes", "Skip", "Stop"]
    assert [(f.path, f.start) for f in form.fields] == [("n", 3), ("log", "x")]
    assert form.modes == ("form",)
    bare = answer_forms.build(read_breakpoint(["deploy"], state_schema=None), state=[1])
    assert bare.modes == ("json",)


def test_a_failed_node_is_retried_edited_skipped_or_stopped():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    kept = describe_failure(FailureLine("E", "no"), "pay", attempt=1, due=["pay"])
    form = answer_forms.build(read_failure(kept, state_schema=schema), state={"n": 3})
    assert [b.label for b in form.buttons] == ["Retry", "Edit state and retry", "Skip", "Stop"]
    assert [(b.label, b.icon) for b in form.buttons if b.is_primary] == [
        ("Retry", ":material/replay:")
    ]
    assert [(f.path, f.start) for f in form.fields] == [("n", 3)]


def test_a_breakpoint_whose_state_may_not_be_edited_draws_no_fields():
    question = read_breakpoint(["team/deploy"], state_schema=None)
    narrowed = type(question)(**{**question.__dict__, "allowed": (Verb.APPROVE, Verb.SKIP)})
    form = answer_forms.build(narrowed, state={"n": 3})
    assert (form.fields, form.modes) == ((), ())


def test_a_policy_that_takes_answers_away_takes_the_switch_away():
    question = read_interrupt("Name?", None, node="n")
    narrowed = type(question)(**{**question.__dict__, "allowed": (Verb.APPROVE,)})
    assert answer_forms.build(narrowed).modes == ()


def test_every_verb_has_a_label():
    assert all(answer_forms.say_verb(verb) for verb in Verb)


def test_a_tool_call_with_its_own_schema_is_a_typed_form():
    value = {
        "action_requests": [{"name": "pay", "args": {"n": 3}, "description": "d"}],
        "review_configs": [
            {
                "action_name": "pay",
                "allowed_decisions": ["approve", "edit"],
                "args_schema": {
                    "type": "object",
                    "properties": {"n": {"type": "integer", "maximum": 5}},
                },
            }
        ],
    }
    form = build(value)
    assert form.actions[0].fields[0].maximum == 5
    assert not form.takes_response


def test_arguments_of_a_schema_that_is_no_object_are_guessed():
    value = {
        "action_requests": [{"name": "pay", "args": {"n": 3}}],
        "review_configs": [
            {
                "action_name": "pay",
                "allowed_decisions": ["edit"],
                "args_schema": {"type": "integer"},
            }
        ],
    }
    assert [f.path for f in build(value).actions[0].fields] == ["n"]


def test_an_action_with_a_schema_of_its_answer_takes_json_too():
    form = build(ACTION, {"type": "array"})
    assert form.modes == ("json",)
    assert "Send answer" in dict(labels(form))
