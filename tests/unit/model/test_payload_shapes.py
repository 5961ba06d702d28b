"""Every shape of interrupt, read into a question."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.errors import InvalidInput
from interlock.core.model import payloads
from interlock.core.model.approvals import Approval, ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.payloads import Question
from interlock.core.types import ApprovalId, CheckpointId, RunId, ThreadId

from .any_json import ASKED, JSON, SCHEMAS

APPROVE, REJECT, EDIT = Verb.APPROVE, Verb.REJECT, Verb.EDIT
RESPOND, ANSWER = Verb.RESPOND, Verb.ANSWER


def read(value: Any, schema: Any = None, tools: Any = None) -> Question:
    """Read an interrupt of the node `review`."""
    return payloads.read_interrupt(value, schema, node="review", tools=tools)


def inbox(action: str = "send", args: Any = None, **flags: bool) -> dict[str, Any]:
    """An agent-inbox request; `accept=True` allows to accept, and so on."""
    return {
        "action_request": {"action": action, "args": {"to": "Ada"} if args is None else args},
        "config": {f"allow_{name}": flag for name, flag in flags.items()},
        "description": "# Mail\nto Ada",
    }


# --- raw values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "title"),
    [
        (3, "review: 3"),
        (0.5, "review: 0.5"),
        (True, "review: true"),
        (None, "review: null"),
        ("", "review"),
        ([], "review: []"),
        ({}, "review: {}"),
        (["x"], 'review: ["x"]'),
        ([[1]], "review: [[1]]"),
        ({"a": "\u202e1"}, 'review: {"a": "⟨U+202E⟩1"}'),
        ([1] * 999, "review: [" + "1, " * 19 + "1…"),
    ],
)
def test_raw_value_takes_yes_no_and_any_answer(value: Any, title: str) -> None:
    question = read(value)
    assert (question.kind, question.title, question.text) == (Kind.VALUE, title, "")
    assert question.allowed == (APPROVE, REJECT, ANSWER)
    assert (question.schema, question.options, question.actions) == (None, (), ())


def test_text_is_the_question() -> None:
    question = read("What now?\nThink.")
    assert (question.kind, question.title) == (Kind.VALUE, "What now?")
    assert question.text == "What now?\nThink."


@pytest.mark.parametrize(
    "key",
    ["question", "message", "prompt", "description", "title", "subject", "text", "content"],
)
def test_question_is_found_under_the_usual_keys(key: str) -> None:
    assert read({"id": 1, key: "Send it?"}).title == "Send it?"


def test_first_usual_key_that_says_something_wins() -> None:
    assert read({"title": "B", "message": "A", "question": " ", "prompt": 3}).title == "A"


@pytest.mark.parametrize(
    ("value", "options"),
    [
        (["a", "b", 3], ("a", "b", 3)),
        ([1, True, 1.0, None], (1, True, None)),
        ({"options": ["a"]}, ("a",)),
        ({"choices": ["a", "b"], "question": "Which?"}, ("a", "b")),
        ({"options": [{"label": "A", "value": 1}, {"label": "B", "value": 2}]}, (1, 2)),
        ({"options": [], "choices": ["x"]}, ("x",)),
        ({"type": "approval", "options": ["x"]}, ("x",)),
    ],
)
def test_value_that_lists_choices_is_answered_by_one(value: Any, options: Any) -> None:
    question = read(value)
    assert (question.kind, question.options) == (Kind.CHOICE, options)
    assert question.allowed == (ANSWER,)


def test_choice_between_plain_words_has_its_buttons() -> None:
    assert read({"options": ["yes", "no"]}).allowed == (APPROVE, REJECT, ANSWER)
    assert read(["approve", "wait"]).allowed == (APPROVE, ANSWER)


@pytest.mark.parametrize(
    "value",
    [
        {"options": [["a"], ["b"]]},
        {"options": [{"label": "A"}]},
        {"options": "a, b"},
        {"options": list(range(2000))},
        [{"value": 1}, {"value": 2}],
        ["a", ["b"]],
    ],
)
def test_what_cannot_be_chosen_from_takes_any_answer(value: Any) -> None:
    assert (read(value).kind, read(value).options) == (Kind.VALUE, ())


def test_several_choices_at_once_are_a_suggestion_only() -> None:
    question = read({"options": ["a", "b"], "multiple": True})
    assert (question.kind, question.options) == (Kind.VALUE, ("a", "b"))
    assert question.takes_several
    assert not read({"options": ["a", "b"]}).takes_several
    assert not read({"multiple": True}).takes_several


@pytest.mark.parametrize("type_", ["approval_needed", "approval", "Approval-Required"])
def test_dict_that_asks_for_approval_is_a_confirmation(type_: str) -> None:
    question = read({"type": type_, "message": "Pay?"})
    assert (question.kind, question.title) == (Kind.CONFIRM, "Pay?")
    assert question.allowed == (APPROVE, REJECT, ANSWER)


@pytest.mark.parametrize("type_", ["question", None, 3, ["approval"]])
def test_dict_of_another_type_is_a_value(type_: Any) -> None:
    assert read({"type": type_}).kind is Kind.VALUE


# --- a response schema --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "allowed"),
    [
        ({"type": "boolean"}, (APPROVE, REJECT, EDIT, ANSWER)),
        ({"type": "string"}, (EDIT, ANSWER)),
        ({"const": "ok"}, (APPROVE, EDIT, ANSWER)),
        ({"properties": {"approved": {"type": "boolean"}}}, (APPROVE, REJECT, EDIT, ANSWER)),
        ({"properties": {"verdict": {"enum": ["no", "maybe"]}}}, (REJECT, EDIT, ANSWER)),
    ],
)
def test_typed_question_has_the_buttons_its_schema_has_words_for(schema: Any, allowed: Any) -> None:
    question = read({"question": "Refund?", "options": ["a"]}, schema)
    assert (question.kind, question.title, question.schema) == (Kind.SCHEMA, "Refund?", schema)
    assert question.allowed == allowed


def test_values_of_the_schema_are_the_options() -> None:
    assert read("Which?", {"enum": ["a", "b"]}).options == ("a", "b")


@pytest.mark.parametrize("schema", [{"type": "text"}, [], "x", {"$ref": "https://example.org"}])
def test_unusable_schema_leaves_the_card_answerable(schema: Any) -> None:
    question = read("Go on?", schema)
    assert (question.kind, question.schema) == (Kind.VALUE, None)


# --- agent-inbox --------------------------------------------------------------------------------


def test_agent_inbox_request_has_its_own_verbs() -> None:
    question = read(inbox(accept=True, ignore=True, edit=True, respond=True))
    assert (question.kind, question.title) == (Kind.AGENT_INBOX, "send: Ada")
    assert question.text == "# Mail\nto Ada"
    assert question.allowed == (APPROVE, REJECT, EDIT, RESPOND)
    (action,) = question.actions
    assert (action.name, action.args, action.schema) == ("send", {"to": "Ada"}, None)
    assert action.allowed == question.allowed
    assert not question.is_list


@pytest.mark.parametrize("as_text", [False, True])
def test_agent_inbox_list_and_json_text_are_read_too(as_text: bool) -> None:
    value = [inbox(accept=True), inbox("call", {}, accept=True, edit=True)]
    question = read(json.dumps(value) if as_text else value)
    assert (question.kind, question.title) == (Kind.AGENT_INBOX, "send: Ada and 1 more")
    assert (question.is_list, question.text) == (True, "")
    assert question.allowed == (APPROVE,)
    assert [action.allowed for action in question.actions] == [(APPROVE,), (APPROVE, EDIT)]


def test_actions_without_a_common_verb_show_what_any_of_them_takes() -> None:
    assert read([inbox(accept=True), inbox(respond=True)]).allowed == (APPROVE, RESPOND)


def test_request_that_allows_nothing_can_still_be_answered() -> None:
    assert read(inbox()).allowed == (ANSWER,)


def test_request_with_a_schema_may_be_answered_by_it() -> None:
    question = read(inbox(accept=True), {"type": "array"})
    assert question.allowed == (APPROVE, ANSWER)
    assert question.schema == {"type": "array"}


def test_request_without_args_has_none() -> None:
    value = {"action_request": {"action": "ask"}, "config": {"allow_respond": True}}
    assert (read(value).actions[0].args, read(value).title) == ({}, "ask")


@pytest.mark.parametrize(
    "value",
    [
        {"action_request": {"action": "send", "args": {}}},
        {"action_request": {"action": 3}, "config": {}},
        {"action_request": {"action": "send", "args": "x"}, "config": {}},
        {"action_request": "send", "config": {}},
        "[1",
        '{"a": 1}',
        "[" * 100_000,
        '{"' + "x" * 1_000_001,
    ],
)
def test_what_only_looks_like_agent_inbox_is_a_value(value: Any) -> None:
    assert read(value).kind is Kind.VALUE


@pytest.mark.parametrize(
    ("args", "title"),
    [
        ({"note": "x", "to": "Ada"}, "send: Ada"),
        ({"n": 3}, "send: 3"),
        ({"lines": [1], "empty": "", "none": None, "flag": False}, "send: false"),
        ({"lines": [1]}, "send"),
        ({"text": "a\nb"}, "send: a b"),
    ],
)
def test_title_names_the_action_and_its_main_argument(args: Any, title: str) -> None:
    assert read(inbox(args=args, accept=True)).title == title


def test_action_without_a_name_falls_back_to_the_node() -> None:
    assert read(inbox("", accept=True)).title == "review"
    assert read([inbox("", accept=True)] * 2).title == "review"


# --- LangChain ----------------------------------------------------------------------------------


def batch(*names: str, configs: Any = (), **more: Any) -> dict[str, Any]:
    """A LangChain batch of calls."""
    requests = [{"name": name, "args": {"n": 1}, "description": "Why"} for name in names]
    return {"action_requests": requests, "review_configs": configs, **more}


def allow(name: str, *words: Any, **more: Any) -> dict[str, Any]:
    """A review config."""
    return {"action_name": name, "allowed_decisions": list(words), **more}


def test_batch_has_one_action_a_call() -> None:
    configs = [allow("a", "approve", "edit"), allow("b", "respond", "approve", "edit")]
    question = read(batch("a", "b", configs=configs))
    assert (question.kind, question.title, question.text) == (Kind.LANGCHAIN, "a: 1 and 1 more", "")
    assert question.allowed == (APPROVE, EDIT)
    assert [action.allowed for action in question.actions] == [
        (APPROVE, EDIT),
        (APPROVE, EDIT, RESPOND),
    ]
    assert question.actions[0].description == "Why"


def test_config_is_taken_by_position_and_else_by_name() -> None:
    by_position = read(batch("a", "a", configs=[allow("a", "approve"), allow("a", "reject")]))
    assert [action.allowed for action in by_position.actions] == [(APPROVE,), (REJECT,)]
    by_name = read(batch("a", "b", "b", configs=[allow("b", "edit"), allow("a", "respond")]))
    assert [action.allowed for action in by_name.actions] == [(RESPOND,), (EDIT,), (EDIT,)]


@pytest.mark.parametrize("configs", [None, [], [3], [allow("a")], [allow("a", "fly", 3, [])]])
def test_call_that_does_not_say_what_it_takes_gets_the_safe_words(configs: Any) -> None:
    assert read(batch("a", configs=configs)).allowed == (APPROVE, REJECT)


def test_schema_of_the_arguments_is_kept_if_it_can_be_used() -> None:
    good, bad = {"type": "object"}, {"type": "broken"}
    configs = [allow("a", "edit", args_schema=good), allow("b", "edit", args_schema=bad)]
    assert [action.schema for action in read(batch("a", "b", configs=configs)).actions] == [
        good,
        None,
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"action_requests": []},
        {"action_requests": "x"},
        {"action_requests": [{"name": 3}]},
        {"action_requests": [{"name": "a", "args": []}]},
        {"action_requests": [{"name": "a"}, "x"]},
    ],
)
def test_what_only_looks_like_a_batch_is_a_value(value: Any) -> None:
    assert read(value).kind is Kind.VALUE


def call_schema(*words: str, args: Any = True) -> dict[str, Any]:
    """The response schema of a single call, as the middleware publishes it."""
    edited = {"properties": {"name": {"const": "a"}, "args": args}}
    forms: dict[str, Any] = {
        word: {"properties": {"type": {"const": word}}, "required": ["type"]} for word in words
    }
    if "edit" in forms:
        forms["edit"]["properties"]["edited_action"] = edited
    return {"oneOf": [{"$ref": f"#/$defs/{word}"} for word in words], "$defs": forms}


CALL = {
    "type": "tool_approval",
    "tool_call_id": "1",
    "name": "a",
    "args": {"n": 1},
    "description": "D",
}


def test_single_call_reads_its_verbs_and_its_arguments_from_the_schema() -> None:
    args = {"properties": {"n": {"$ref": "#/$defs/N"}}}
    schema = call_schema("edit", "approve", args=args)
    schema["$defs"]["N"] = {"type": "integer"}
    question = read(CALL, schema)
    assert (question.kind, question.title, question.text) == (Kind.LANGCHAIN_CALL, "a: 1", "D")
    assert (question.allowed, question.schema) == ((APPROVE, EDIT), schema)
    assert question.actions[0].schema["properties"] == args["properties"]
    assert question.actions[0].schema["$defs"]["N"] == {"type": "integer"}


def test_single_call_with_one_verb_has_a_plain_schema() -> None:
    schema = call_schema("respond")["$defs"]["respond"]
    assert read(CALL, schema).allowed == (RESPOND,)


@pytest.mark.parametrize("schema", [None, {}, {"type": "broken"}, [], 3, {"oneOf": 3}])
def test_single_call_without_a_readable_schema_gets_the_safe_words(schema: Any) -> None:
    question = read(CALL, schema)
    assert (question.kind, question.allowed) == (Kind.LANGCHAIN_CALL, (APPROVE, REJECT))
    assert question.actions[0].schema is None


def test_what_looks_like_a_call_and_takes_no_decision_is_a_typed_answer() -> None:
    question = read(CALL, {"type": "boolean"})
    assert (question.kind, question.allowed) == (Kind.SCHEMA, (APPROVE, REJECT, EDIT, ANSWER))


def test_several_requests_of_which_one_takes_nothing_take_a_whole_answer() -> None:
    silent = {"action_request": {"action": "a", "args": {}}, "config": {}}
    willing = {**silent, "config": {"allow_accept": True}}
    assert read([silent, willing]).allowed == (APPROVE, ANSWER)


def test_single_call_stays_decidable_where_only_its_arguments_cannot_be_checked() -> None:
    broken = call_schema("edit", "approve", args={"$ref": "#/$defs/Gone", "$defs": 3})
    question = read(CALL, broken)
    assert (question.allowed, question.schema) == ((APPROVE, EDIT), None)
    assert question.actions[0].schema is None


@pytest.mark.parametrize("change", [{"type": "tool"}, {"name": None}, {"args": None}])
def test_what_only_looks_like_a_single_call_is_a_value(change: Any) -> None:
    assert read({**CALL, **change}).kind is Kind.VALUE


# --- breakpoints and stored cards ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "title"),
    [(["charge"], "Paused before charge"), (["a", "b"], "Paused before a, b"), ([], "Paused")],
)
def test_breakpoint_can_be_passed_edited_skipped_or_stopped(nodes: Any, title: str) -> None:
    question = payloads.read_breakpoint(nodes, state_schema={"type": "object"})
    assert (question.kind, question.title) == (Kind.BREAKPOINT, title)
    assert question.allowed == (APPROVE, EDIT, Verb.SKIP, Verb.STOP)
    assert question.schema == {"type": "object"}


def test_breakpoint_inside_a_subgraph_says_so_and_offers_no_edit() -> None:
    question = payloads.read_breakpoint(["team/write", "log"], state_schema=None)
    assert question.title == "Paused before team/write, log"
    assert question.allowed == (APPROVE, Verb.SKIP, Verb.STOP)
    assert "inside a subgraph" in question.text


def test_breakpoint_before_a_node_with_a_slash_in_its_name_is_in_no_subgraph() -> None:
    question = payloads.read_breakpoint(['"read/write"'], state_schema=None)
    assert EDIT in question.allowed
    assert not question.text


def card(kind: Kind, payload: Any, **more: Any) -> Approval:
    """A stored card."""
    fields: dict[str, Any] = {
        "approval_id": ApprovalId("a"),
        "interrupt_id": None,
        "thread_id": ThreadId("t"),
        "run_id": RunId("r"),
        "workflow": "w",
        "node": "review",
        "namespace": "",
        "checkpoint_id": CheckpointId("c"),
        "kind": kind,
        "title": "Stored",
        "payload": payload,
        "allowed": (ANSWER,),
        "schema": None,
        "risk": "",
        "status": ApprovalStatus.PENDING,
        "version": 1,
        "asked_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Approval(**{**fields, **more})


def test_stored_card_keeps_its_title_and_its_verbs() -> None:
    question = payloads.question_of(card(Kind.CHOICE, ["yes", "no"]))
    assert (question.kind, question.title) == (Kind.CHOICE, "Stored")
    assert (question.allowed, question.options) == ((ANSWER,), ("yes", "no"))


@pytest.mark.parametrize("payload", [None, {"next": ["charge"]}, {"next": "x"}, [1]])
def test_stored_breakpoint_is_a_breakpoint_again(payload: Any) -> None:
    stored = card(Kind.BREAKPOINT, payload, schema={"type": "object"}, allowed=(Verb.STOP,))
    question = payloads.question_of(stored)
    assert (question.kind, question.allowed) == (Kind.BREAKPOINT, (Verb.STOP,))
    assert question.schema == {"type": "object"}


# --- tools of the graph -------------------------------------------------------------------------

SEND = {"type": "object", "properties": {"to": {"type": "string"}, "n": {"type": "integer"}}}
OWN = {"type": "object", "properties": {"to": {"const": "Ada"}}}


def mails(*configs: Any) -> dict[str, Any]:
    """LangChain's request about two mails and one thing that no tool is known for."""
    names = ["send", "send", "erase"]
    requests = [{"name": name, "args": {"to": "Ada", "extra": 1}} for name in names]
    return {"action_requests": requests, "review_configs": list(configs)}


def test_batched_actions_take_the_schemas_of_the_tools_they_name() -> None:
    assert [a.schema for a in read(mails(), None, {"send": SEND}).actions] == [SEND, SEND, None]


def test_a_schema_that_the_interrupt_brings_comes_before_the_tools() -> None:
    own = {"action_name": "send", "allowed_decisions": ["edit"], "args_schema": OWN}
    assert [a.schema for a in read(mails(own), None, {"send": SEND}).actions] == [OWN, OWN, None]


@pytest.mark.parametrize(
    ("args", "schema"), [({"to": "Ada"}, SEND), ({}, SEND), ({"to": "Ada", "cc": "Bo"}, None)]
)
def test_an_inbox_request_takes_the_schema_of_a_tool_that_knows_its_arguments(
    args: Any, schema: Any
) -> None:
    [action] = read([inbox(args=args, edit=True)], None, {"send": SEND}).actions
    assert action.schema == schema


@pytest.mark.parametrize(
    "tools", [None, [], 3, {}, {"send": None}, {"send": True}, {"send": {"type": 7}}, {"sen": SEND}]
)
def test_tools_that_cannot_be_used_leave_an_action_without_a_schema(tools: Any) -> None:
    assert [a.schema for a in read(mails(), None, tools).actions] == [None, None, None]
    assert [a.schema for a in read(inbox(edit=True), None, tools).actions] == [None]


def test_stored_card_is_read_with_the_tools_kept_with_it() -> None:
    question = payloads.question_of(card(Kind.LANGCHAIN, mails(), tools={"send": SEND}))
    assert [a.schema for a in question.actions] == [SEND, SEND, None]


def test_an_edit_is_checked_against_the_tool() -> None:
    question = read(inbox(edit=True), None, {"send": SEND})
    fits = payloads.build_answer(question, Intent(verb=EDIT, value={"to": "Bo", "n": 3}))
    assert fits == [{"type": "edit", "args": {"action": "send", "args": {"to": "Bo", "n": 3}}}]
    with pytest.raises(InvalidInput, match="n: must be"):
        payloads.build_answer(question, Intent(verb=EDIT, value={"to": "Bo", "n": "3"}))


# --- whatever comes -----------------------------------------------------------------------------


@given(ASKED, st.none() | SCHEMAS | JSON, st.text(max_size=5), JSON)
def test_reading_never_raises_and_every_card_can_be_decided(
    value: Any, schema: Any, node: str, tools: Any
) -> None:
    question = payloads.read_interrupt(value, schema, node=node, tools=tools)
    assert question.allowed
    assert question.title
    assert "\n" not in question.title
    assert all(action.allowed or ANSWER in question.allowed for action in question.actions) or (
        question.kind is Kind.AGENT_INBOX
    )
