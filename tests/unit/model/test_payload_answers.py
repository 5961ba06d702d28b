"""The exact answer for every verb on every shape, and what is refused before it is sent."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.errors import InvalidInput
from interlock.core.model import json_values, payloads
from interlock.core.model.approvals import Intent, Kind, Verb
from interlock.core.model.payloads import Question
from interlock.core.model.runs import FailureLine

from .any_json import ASKED, INTENTS, SCHEMAS

APPROVE, REJECT, EDIT = Verb.APPROVE, Verb.REJECT, Verb.EDIT
RESPOND, ANSWER = Verb.RESPOND, Verb.ANSWER


def answer(asked: Any, verb: Verb | None, schema: Any = None, /, **intent: Any) -> Any:
    """Read an interrupt and answer it."""
    question = payloads.read_interrupt(asked, schema, node="review")
    return payloads.build_answer(question, Intent(verb=verb, **intent))


def refusal(asked: Any, verb: Verb | None, schema: Any = None, /, **intent: Any) -> str:
    """Why an answer is refused."""
    with pytest.raises(InvalidInput) as refused:
        answer(asked, verb, schema, **intent)
    return str(refused.value)


# --- raw values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["Go on?", 3, None, {"a": 1}, []])
def test_raw_value_is_answered_with_true_false_or_anything(value: Any) -> None:
    assert answer(value, APPROVE) is True
    assert answer(value, REJECT, reason="no") is False
    for given_ in (None, 0, "", [], {}, {"a": [1]}):
        assert answer(value, ANSWER, value=given_) == given_


@pytest.mark.parametrize("value", ["Go on?", ["yes", "no"], {"type": "approval"}])
@pytest.mark.parametrize("verb", [APPROVE, REJECT])
def test_button_that_sends_nothing_else_does_not_drop_what_was_given(
    value: Any, verb: Verb
) -> None:
    assert "sends nothing else" in refusal(value, verb, value=3)


def test_confirmation_is_answered_in_its_own_words() -> None:
    asked = {"type": "approval_needed"}
    assert answer(asked, APPROVE, reason="fine") == {"approved": True}
    assert answer(asked, REJECT, reason="late") == {"approved": False, "reason": "late"}
    assert answer(asked, REJECT) == {"approved": False, "reason": ""}
    assert answer(asked, ANSWER, value="x") == "x"


def test_choice_takes_one_of_its_options_and_nothing_else() -> None:
    assert answer({"options": ["a", 1]}, ANSWER, value="a") == "a"
    assert answer({"options": ["a", 1]}, ANSWER, value=1) == 1
    assert "must be a or 1" in refusal({"options": ["a", 1]}, ANSWER, value=True)
    assert "must be a or 1" in refusal({"options": ["a", 1]}, ANSWER, value=["a"])
    assert answer(["No", "Yes"], APPROVE) == "Yes"
    assert answer(["No", "Yes"], REJECT) == "No"


@pytest.mark.parametrize("verb", [EDIT, RESPOND, Verb.SKIP, Verb.STOP])
def test_verb_the_card_does_not_take_is_refused_with_those_it_takes(verb: Verb) -> None:
    message = refusal("Go on?", verb)
    assert f"does not take {verb}." in message
    assert "It takes approve, reject or answer." in message


def test_no_decision_is_refused() -> None:
    assert "No decision was given." in refusal("Go on?", None)


@pytest.mark.parametrize("value", [float("nan"), {"a": {1, 2}}, (1,)])
def test_answer_that_is_not_json_is_refused(value: Any) -> None:
    assert "JSON" in refusal("Go on?", ANSWER, value=value)


def test_one_question_takes_no_list_of_decisions() -> None:
    assert "asks one thing" in refusal("Go on?", None, each=("approve",))


# --- a response schema --------------------------------------------------------------------------

REVIEW = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "amount": {"type": "number", "maximum": 500},
        "reason": {"type": "string"},
    },
    "required": ["approved", "amount"],
}


def test_typed_approval_sets_the_boolean_beside_the_other_fields() -> None:
    assert answer("?", APPROVE, REVIEW, value={"amount": 3}) == {"approved": True, "amount": 3}
    assert answer("?", REJECT, REVIEW, value={"amount": 3}, reason="late") == {
        "approved": False,
        "amount": 3,
        "reason": "late",
    }


def test_typed_approval_needs_the_fields_without_a_default() -> None:
    assert "amount: is required" in refusal("?", APPROVE, REVIEW)


def test_reason_given_as_a_field_is_not_replaced() -> None:
    fields = {"amount": 1, "reason": "mine"}
    assert answer("?", APPROVE, REVIEW, value=fields, reason="log")["reason"] == "mine"


def test_field_that_contradicts_the_button_is_refused() -> None:
    fields = {"approved": False, "amount": 1}
    assert "approved: is not what approve means" in refusal("?", APPROVE, REVIEW, value=fields)
    assert answer("?", REJECT, REVIEW, value=fields) == fields


def test_other_fields_of_a_button_are_an_object() -> None:
    assert "must be an object" in refusal("?", APPROVE, REVIEW, value=[1])


@pytest.mark.parametrize("verb", [EDIT, ANSWER])
def test_whole_answer_is_checked_against_the_schema(verb: Verb) -> None:
    whole = {"approved": True, "amount": 500}
    assert answer("?", verb, REVIEW, value=whole) == whole
    message = refusal("?", verb, REVIEW, value={"approved": "yes", "amount": 501})
    assert "approved: must be true or false" in message
    assert "amount: must be at most 500" in message


def test_scalar_schema_is_answered_by_its_word() -> None:
    schema = {"enum": ["approve", "reject"]}
    assert answer("?", APPROVE, schema) == "approve"
    assert answer("?", REJECT, {"type": "boolean"}) is False
    assert "sends nothing else" in refusal("?", APPROVE, schema, value="x")


# --- breakpoints --------------------------------------------------------------------------------

STATE = {"properties": {"n": {"type": "integer"}, "to": {}}, "required": ["n", "to"]}


def at_breakpoint(verb: Verb, value: Any = None, schema: Any = STATE) -> Any:
    """Answer a breakpoint."""
    question = payloads.read_breakpoint(["charge"], state_schema=schema)
    return payloads.build_answer(question, Intent(verb=verb, value=value))


@pytest.mark.parametrize(
    ("verb", "sent"),
    [(APPROVE, "approve"), (Verb.SKIP, "skip"), (Verb.STOP, "stop"), (REJECT, "stop")],
)
def test_breakpoint_sends_its_verb(verb: Verb, sent: str) -> None:
    assert at_breakpoint(verb) == {"verb": sent, "values": None}
    with pytest.raises(InvalidInput):
        at_breakpoint(verb, {"n": 1})


def test_a_fallback_sends_its_verb() -> None:
    described = payloads.describe_failure(
        FailureLine("ValueError", "no"), "a", attempt=1, due=["a"], has_fallback=True
    )
    question = payloads.read_failure(described, state_schema=None)
    sent = payloads.build_answer(question, Intent(verb=Verb.FALLBACK))
    assert sent == {"verb": "fallback", "values": None}


def test_edit_of_the_state_names_some_fields() -> None:
    assert at_breakpoint(EDIT, {"n": 1}) == {"verb": "edit", "values": {"n": 1}}
    assert at_breakpoint(EDIT, {"x": 1}, None) == {"verb": "edit", "values": {"x": 1}}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "an object"),
        ({}, "an object"),
        ([1], "an object"),
        ({"n": "1"}, "n: must be"),
        ({"x": 1}, "x: "),
    ],
)
def test_edit_of_the_state_that_does_not_fit_is_refused(value: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        at_breakpoint(EDIT, value)


def test_breakpoint_that_may_not_be_stopped_may_not_be_rejected() -> None:
    question = payloads.read_breakpoint(["a"], state_schema=None)
    narrowed = Question(**{**vars(question), "allowed": (APPROVE,)})
    with pytest.raises(InvalidInput, match="does not take reject"):
        payloads.build_answer(narrowed, Intent(verb=REJECT))


# --- agent-inbox --------------------------------------------------------------------------------


def inbox(name: str = "send", **flags: bool) -> dict[str, Any]:
    """An agent-inbox request that allows everything, unless told otherwise."""
    config = {"allow_accept": True, "allow_ignore": True, "allow_edit": True, "allow_respond": True}
    return {
        "action_request": {"action": name, "args": {"to": "Ada"}},
        "config": {**config, **flags},
    }


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: [one]])
def test_agent_inbox_gets_a_list_with_one_response(wrap: Any) -> None:
    asked = wrap(inbox())
    request = {"action": "send", "args": {"to": "Ada"}}
    assert answer(asked, APPROVE) == [{"type": "accept", "args": request}]
    assert answer(asked, REJECT, reason="no") == [{"type": "ignore", "args": None}]
    assert answer(asked, RESPOND, value="Later") == [{"type": "response", "args": "Later"}]
    edited = {"action": "send", "args": {"to": "Bo", "n": 3}}
    assert answer(asked, EDIT, value=edited["args"]) == [{"type": "edit", "args": edited}]


def test_action_that_was_cut_for_the_screen_is_accepted_without_its_arguments() -> None:
    asked = inbox()
    asked["action_request"]["args"] = {"list": [{"__cut__": "900 more items"}]}
    assert answer(asked, APPROVE) == [{"type": "accept", "args": None}]


def test_what_was_cut_for_the_screen_is_not_sent_back() -> None:
    cut = {"a": [1, {"__cut__": "too deep"}]}
    assert "a.1: was cut for the screen" in refusal("Go on?", ANSWER, value=cut)
    assert "was cut" in refusal(inbox(), EDIT, value=cut)
    with pytest.raises(InvalidInput, match="was cut"):
        at_breakpoint(EDIT, cut, None)


def test_several_requests_get_one_response_each() -> None:
    each = ("accept", {"type": "edit", "args": {"action": "b", "args": {}}}, {"decision": "ignore"})
    assert answer([inbox("a"), inbox("b"), inbox("c")], None, each=each) == [
        {"type": "accept", "args": {"action": "a", "args": {"to": "Ada"}}},
        {"type": "edit", "args": {"action": "b", "args": {}}},
        {"type": "ignore", "args": None},
    ]


def test_request_that_allows_nothing_takes_any_answer() -> None:
    nothing = {"action_request": {"action": "note", "args": {}}, "config": {}}
    assert answer(nothing, ANSWER, value="seen") == "seen"


def test_answer_to_actions_must_fit_a_schema_that_was_given() -> None:
    assert "must be an object" in refusal(inbox(), APPROVE, {"type": "object"})
    assert answer(inbox(), ANSWER, {"type": "object"}, value={}) == {}


# --- LangChain ----------------------------------------------------------------------------------


def batch(**words: list[str]) -> dict[str, Any]:
    """A batch of calls and what each one takes."""
    return {
        "action_requests": [{"name": name, "args": {"n": 1}} for name in words],
        "review_configs": [
            {"action_name": name, "allowed_decisions": allowed} for name, allowed in words.items()
        ],
    }


ALL = ["approve", "reject", "edit", "respond"]


def test_batch_gets_its_decisions_in_order() -> None:
    each = (
        {"decision": "respond", "message": "hi"},
        {"type": "edit", "edited_action": {"name": "b", "args": {"n": 2}}},
        {"type": "reject", "message": "no"},
        {"decision": "reject"},
        "approve",
    )
    assert answer(batch(a=ALL, b=ALL, c=ALL, d=ALL, e=ALL), None, each=each) == {
        "decisions": [
            {"type": "respond", "message": "hi"},
            {"type": "edit", "edited_action": {"name": "b", "args": {"n": 2}}},
            {"type": "reject", "message": "no"},
            {"type": "reject"},
            {"type": "approve"},
        ]
    }


def test_one_word_decides_all_calls() -> None:
    two = batch(a=ALL, b=ALL)
    assert answer(two, APPROVE) == {"decisions": [{"type": "approve"}] * 2}
    assert (
        answer(two, REJECT, reason="no")["decisions"]
        == [
            {"type": "reject", "message": "no"},
        ]
        * 2
    )
    assert answer(two, RESPOND, value="x")["decisions"] == [{"type": "respond", "message": "x"}] * 2
    edits = answer(two, EDIT, value=[{"n": 2}, {"n": 3}])["decisions"]
    assert [edit["edited_action"] for edit in edits] == [
        {"name": "a", "args": {"n": 2}},
        {"name": "b", "args": {"n": 3}},
    ]


def test_reason_of_a_rejection_may_come_as_its_value() -> None:
    one = batch(a=ALL)
    for given_ in ({"value": "no"}, {"reason": "no"}, {"value": "no", "reason": "log"}):
        assert answer(one, REJECT, **given_)["decisions"] == [{"type": "reject", "message": "no"}]
    assert answer(one, REJECT, value="")["decisions"] == [{"type": "reject"}]


@pytest.mark.parametrize(
    ("each", "words"),
    [
        ((), "2 action(s), and 0 decision(s)"),
        (("approve",), "Give one for each, in order: a, b."),
        (("approve", "approve", "approve"), "3 decision(s)"),
        (("approve", "reject"), "1: b takes approve, not reject"),
        (("approve", 3), "1: must be an object"),
        (("approve", {"decision": float("nan")}), "1: must be an object"),
        (("fly", "approve"), "0: the decision must be approve, reject, edit or respond"),
        (({"decision": ["approve"]}, "approve"), "0: the decision must be"),
        (({"args": {}}, "approve"), "0: the decision must be"),
        (({"decision": "approve", "args": {}}, "approve"), "0: args does not belong to approve"),
        (({"decision": "edit"}, "approve"), "0: must be an object with all arguments"),
        (({"decision": "respond", "text": " "}, "approve"), "0: must be a text"),
        (({"decision": "respond"}, "approve"), "0: must be a text"),
        (({"decision": "reject", "reason": 3}, "approve"), "0: reject sends nothing else"),
        (
            ({"decision": "edit", "args": {"name": "b", "args": {}}}, "approve"),
            "0.name: must stay a: an edit cannot change the tool",
        ),
    ],
)
def test_decisions_that_would_stick_are_refused(each: Any, words: str) -> None:
    assert words in refusal(batch(a=ALL, b=["approve"]), None, each=each)


def test_one_word_that_not_all_calls_take_is_refused_with_the_call() -> None:
    calls = batch(a=["approve"], b=["respond"])
    assert "1: b takes respond, not approve" in refusal(calls, APPROVE)


@pytest.mark.parametrize("value", [{"n": 1}, [{"n": 1}], None])
def test_edit_of_several_calls_takes_a_list(value: Any) -> None:
    assert "Give one for each" in refusal(batch(a=ALL, b=ALL), EDIT, value=value)


def test_word_and_list_at_once_are_refused() -> None:
    assert "not both" in refusal(batch(a=ALL), APPROVE, each=("approve",))


def test_approval_does_not_drop_what_was_given() -> None:
    assert "approve sends nothing else" in refusal(batch(a=ALL), APPROVE, value={"n": 2})


@pytest.mark.parametrize(
    "args", [{"name": "x", "args": {}}, {"name": "a", "args": {}}, {"name": "x", "args": 3}]
)
def test_tool_with_arguments_called_name_and_args_is_not_misread(args: Any) -> None:
    asked = batch(a=ALL)
    asked["action_requests"][0]["args"] = {"name": "y"}
    edited = answer(asked, EDIT, value=args)["decisions"][0]["edited_action"]
    assert edited == {"name": "a", "args": args}


def test_edit_is_checked_against_the_schema_of_the_arguments() -> None:
    asked = batch(a=ALL)
    schema = {"properties": {"n": {"type": "integer"}, "name": {}, "args": {}}}
    asked["review_configs"][0]["args_schema"] = schema
    assert "n: must be a whole number" in refusal(asked, EDIT, value={"n": "3"})
    wrapped = answer(asked, EDIT, value={"name": "a", "args": {}})["decisions"][0]
    assert wrapped["edited_action"]["args"] == {"name": "a", "args": {}}


CALL = {"type": "tool_approval", "tool_call_id": "1", "name": "a", "args": {"n": 1}}
CALL_SCHEMA = {
    "oneOf": [
        {"properties": {"type": {"const": "approve"}}, "required": ["type"]},
        {
            "properties": {
                "type": {"const": "edit"},
                "edited_action": {
                    "properties": {
                        "name": {"const": "a"},
                        "args": {"properties": {"n": {"type": "integer"}}, "required": ["n"]},
                    }
                },
            },
            "required": ["type", "edited_action"],
        },
    ]
}


def test_single_call_gets_a_single_decision() -> None:
    assert answer(CALL, APPROVE, CALL_SCHEMA) == {"type": "approve"}
    assert answer(CALL, EDIT, CALL_SCHEMA, value={"n": 2}) == {
        "type": "edit",
        "edited_action": {"name": "a", "args": {"n": 2}},
    }
    assert answer(CALL, None, CALL_SCHEMA, each=("approve",)) == {"type": "approve"}


def test_edit_of_a_single_call_names_the_argument_that_is_wrong() -> None:
    assert "fit: n: must be a whole number" in refusal(CALL, EDIT, CALL_SCHEMA, value={"n": "2"})
    assert "fit: n: is required" in refusal(CALL, EDIT, CALL_SCHEMA, value={})
    other = {"name": "b", "args": {"n": 2}}
    assert "name: must stay a" in refusal(CALL, EDIT, CALL_SCHEMA, value=other)


# --- whatever comes -----------------------------------------------------------------------------


@given(st.data(), ASKED, st.none() | SCHEMAS, INTENTS)
def test_answer_is_refused_or_fits(
    data: st.DataObject, value: Any, schema: Any, intent: Intent
) -> None:
    question = payloads.read_interrupt(value, schema, node="review")
    if data.draw(st.booleans()):  # more often a verb that the card takes
        verb = data.draw(st.sampled_from(question.allowed))
        intent = Intent(verb=verb, value=intent.value, reason=intent.reason)
    try:
        built = payloads.build_answer(question, intent)
    except InvalidInput:
        return
    assert json_values.find_problems(built) == []
    if question.schema is not None and "oneOf" not in str(schema) and "date" not in str(schema):
        jsonschema.Draft202012Validator(question.schema).validate(built)
    if intent.verb is ANSWER:
        return
    if question.kind is Kind.LANGCHAIN:
        assert len(built["decisions"]) == len(question.actions)
    if question.kind is Kind.AGENT_INBOX:
        assert len(built) == len(question.actions)


@given(st.dictionaries(st.text(max_size=3), st.integers(), max_size=3), INTENTS)
def test_breakpoint_is_refused_or_one_of_four_verbs(state: dict[str, int], intent: Intent) -> None:
    schema = {"properties": {name: {"type": "integer"} for name in state}}
    question = payloads.read_breakpoint(["a"], state_schema=schema)
    try:
        built = payloads.build_answer(question, intent)
    except InvalidInput:
        return
    assert built["verb"] in {"approve", "edit", "fallback", "skip", "stop"}
    assert (built["values"] is None) is (built["verb"] != "edit")
