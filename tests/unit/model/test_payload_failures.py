"""The card of a failed node: what it says, what it takes, what an edit costs."""

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
from interlock.core.model.payloads import EditCost, Question, Remark
from interlock.core.model.runs import FailureLine
from interlock.core.types import ApprovalId, CheckpointId, Json, RunId, ThreadId

APPROVE, EDIT, SKIP, STOP = Verb.APPROVE, Verb.EDIT, Verb.SKIP, Verb.STOP
STATE = {"type": "object", "properties": {"amount": {"type": "integer", "maximum": 9}}}


def describe(node: str | None = "charge", **given: Any) -> dict[str, Json]:
    failure = FailureLine("ValueError", "no funds")
    return payloads.describe_failure(
        failure, node, **({"attempt": 3, "due": ["charge", "mail", "team"]} | given)
    )


def ask(node: str | None = "charge", **given: Any) -> Question:
    return payloads.read_failure(describe(node, **given), state_schema=STATE)


def remark_on(node: str | None = "charge", **given: Any) -> Remark:
    found = payloads.read_remark(describe(node, **given))
    assert found is not None
    return found


def test_a_failed_node_can_be_retried_edited_skipped_or_stopped() -> None:
    question = ask()
    assert (question.kind, question.title) == (Kind.FAILURE, "Failed in charge: ValueError")
    assert question.text == "no funds"
    assert question.allowed == (APPROVE, EDIT, SKIP, STOP)
    assert question.schema == STATE


def test_a_node_with_a_fallback_can_be_served_by_it() -> None:
    assert ask(has_fallback=True).allowed == (APPROVE, EDIT, Verb.FALLBACK, SKIP, STOP)
    assert ask(None, has_fallback=True).allowed == (APPROVE, EDIT, STOP)


def test_what_is_kept_says_where_and_how_often() -> None:
    kept = describe()
    assert (kept["node"], kept["attempt"], kept["skips"]) == ("charge", 3, "charge")
    assert kept["is_inside"] is False


def test_where_no_node_failed_there_is_none_to_skip() -> None:
    question = ask(None)
    assert question.title == "Failed: ValueError"
    assert question.allowed == (APPROVE, EDIT, STOP)


def test_inside_a_subgraph_the_state_around_it_is_not_edited() -> None:
    question = ask("team/write", nodes=["charge", "mail", "team", "team/write"])
    assert question.allowed == (APPROVE, SKIP, STOP)
    assert question.text == "no funds"
    remark = remark_on("team/write", nodes=["team", "team/write"])
    assert remark.text.startswith("Skip leaves out team/write. The state cannot be edited here")


def test_inside_a_function_the_whole_of_it_is_left_out() -> None:
    assert describe("team/send", nodes=["team"])["skips"] == "team"
    assert "Skip leaves out the whole of team." in remark_on("team/send", nodes=["team"]).text


def test_a_slash_in_a_nodes_own_name_is_no_subgraph() -> None:
    question = ask("team/write", due=["team", "team/write"], nodes=["team/write"])
    assert question.allowed == (APPROVE, EDIT, SKIP, STOP)
    assert EDIT in ask("read/write", due=["read/write"]).allowed


@pytest.mark.parametrize(
    ("cost", "lines"),
    [
        (EditCost(is_second=True), ()),
        (EditCost(is_second=True, finished=("mail", "log")), ("mail runs again", "log runs again")),
        (EditCost(asked=("Pay?",)), ("It is asked again: Pay?",)),
        (
            EditCost(asked=("Pay?\nSure?",), finished=("mail",), settled=("Mail?",)),
            ("mail runs again", "It is asked again: Pay?", "It is asked again: Mail?"),
        ),
    ],
)
def test_what_an_edit_costs_is_said(cost: EditCost, lines: tuple[str, ...]) -> None:
    remark = remark_on(cost=cost)
    assert remark.text == "Editing the state starts this step from its beginning. Retry does not."
    assert remark.lines == lines


def test_where_an_edit_costs_nothing_nothing_is_said() -> None:
    assert (
        payloads.read_remark(describe(cost=EditCost(finished=("mail",), settled=("Mail?",))))
        is None
    )
    assert payloads.read_remark("odd") is None


def card(payload: Json, **more: Any) -> Approval:
    """A stored card."""
    fields: dict[str, Any] = {
        "approval_id": ApprovalId("a"),
        "interrupt_id": None,
        "thread_id": ThreadId("t"),
        "run_id": RunId("r"),
        "workflow": "w",
        "node": "charge",
        "namespace": "",
        "checkpoint_id": CheckpointId("c"),
        "kind": Kind.FAILURE,
        "title": "Failed in charge: ValueError",
        "payload": payload,
        "allowed": (APPROVE, STOP),
        "schema": STATE,
        "risk": "",
        "status": ApprovalStatus.PENDING,
        "version": 1,
        "asked_at": datetime(2026, 1, 5, tzinfo=UTC),
    }
    return Approval(**(fields | more))


def test_a_stored_card_is_the_same_question_again_with_its_own_verbs() -> None:
    stored = json.loads(json.dumps(describe(cost=EditCost(asked=("Pay?",)))))
    question = payloads.question_of(card(stored))
    assert (question.kind, question.allowed) == (Kind.FAILURE, (APPROVE, STOP))
    assert question.text == "no funds"


@given(payload=st.recursive(st.none() | st.booleans() | st.text(), st.lists, max_leaves=3))
def test_whatever_was_stored_is_read(payload: Json) -> None:
    assert payloads.question_of(card(payload)).kind is Kind.FAILURE
    payloads.read_remark(payload)
    odd: Json = dict.fromkeys(describe(), payload) | {"is_inside": False}
    for changed in (odd, odd | {"edit_starts_again": True}, odd | {"is_inside": True}):
        assert payloads.question_of(card(changed)).schema == STATE
        payloads.read_remark(changed)


@pytest.mark.parametrize("verb", [APPROVE, SKIP, STOP])
def test_a_decision_names_its_verb_and_sends_nothing_else(verb: Verb) -> None:
    assert payloads.build_answer(ask(), Intent(verb=verb)) == {"verb": str(verb), "values": None}
    with pytest.raises(InvalidInput):
        payloads.build_answer(ask(), Intent(verb=verb, value={"amount": 1}))


def test_reject_is_another_word_for_stop() -> None:
    assert payloads.build_answer(ask(), Intent(verb=Verb.REJECT))["verb"] == "stop"


def test_an_edit_must_fit_the_state() -> None:
    intent = Intent(verb=EDIT, value={"amount": 5})
    assert payloads.build_answer(ask(), intent) == {"verb": "edit", "values": {"amount": 5}}
    for value in ({}, None, {"amount": 10}, {"amount": "5"}):
        with pytest.raises(InvalidInput):
            payloads.build_answer(ask(), Intent(verb=EDIT, value=value))
