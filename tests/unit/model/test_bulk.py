"""Which cards are decided together, and by which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from interlock.core.model import bulk, payloads
from interlock.core.model.approvals import Approval, ApprovalStatus, Kind, Verb
from interlock.core.model.bulk import Outcome, Pick, Told
from interlock.core.model.payloads import read_interrupt

MAIL = {
    "action_request": {"action": "send_mail", "args": {"to": "a@b.c"}},
    "config": {
        "allow_ignore": True,
        "allow_respond": True,
        "allow_edit": False,
        "allow_accept": True,
    },
    "description": "Sends a mail",
}
TWO = {
    "action_requests": [{"name": "mail", "arguments": {}}, {"name": "call", "arguments": {}}],
    "review_configs": [
        {"action_name": name, "allowed_decisions": ["approve", "reject"]}
        for name in ("mail", "call")
    ],
}
YES = {"approved": {"type": "boolean"}}
PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"


def ask(value, schema=None, *, risk="", answers=None):
    """A card of an interrupt's value, and its question."""
    read = read_interrupt(value, schema, node="review")
    card = Approval(
        approval_id="a1",
        interrupt_id="i1",
        thread_id="t1",
        run_id="r1",
        workflow="desk",
        node="review",
        namespace="",
        checkpoint_id="c1",
        kind=read.kind,
        title=read.title,
        payload=value,
        allowed=tuple(dict.fromkeys((*read.allowed, *(answers or {})))),
        schema=schema,
        risk=risk,
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=datetime(2026, 1, 5, tzinfo=UTC),
    )
    return card, replace(payloads.question_of(card), answers=answers or {})


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        ("Refund 700?", None, ""),
        ({"amount": 700}, None, ""),
        (MAIL, None, ""),
        ({"type": "approval_needed", "what": "x"}, None, ""),
        ({"question": "Go?", "options": ["yes", "no"]}, None, ""),
        ({}, {"type": "boolean"}, ""),
        ({}, {"type": "object", "properties": YES}, ""),
        ({}, {"type": "object", "properties": YES | {"reason": {"type": "string"}}}, ""),
        (TWO, None, "asks for 2 decisions"),
        ({}, {"type": "object", "properties": YES | {"amount": {"type": "number"}}}, ""),
        (
            {},
            {
                "type": "object",
                "properties": YES | {"amount": {"type": "number"}},
                "required": ["approved", "amount"],
            },
            "filled in",
        ),
        ({}, {"type": "string"}, "filled in"),
        ({"question": "Which?", "options": ["a", "b"]}, None, "or chosen"),
        ({"image": {"type": "image_url", "image_url": {"url": PICTURE}}}, None, "pictures"),
        ({"text": "x" * bulk.MAX_CHARS}, None, "too long"),
    ],
)
def test_a_card_is_one_of_many_where_it_is_read_at_a_glance_and_sends_nothing_typed(
    value, schema, said
):
    told = bulk.find_obstacle(*ask(value, schema))
    assert bool(told) == bool(said)
    assert said in told


def test_a_card_of_high_risk_is_never_one_of_many():
    assert "high risk" in bulk.find_obstacle(*ask("Refund?", risk="high"))
    assert bulk.find_obstacle(*ask("Refund?", risk="medium")) == ""


def test_a_choice_is_made_by_a_policy_that_says_what_yes_sends():
    value = {"question": "Which ones?", "options": ["a", "b"], "multiple": True}
    card, question = ask(value)
    assert question.kind is Kind.VALUE
    assert "or chosen" in bulk.find_obstacle(card, question)
    assert bulk.find_obstacle(*ask(value, answers={Verb.APPROVE: ["a"]})) == ""


def test_only_the_words_that_all_take_are_offered():
    _, plain = ask("Refund?")
    _, mail = ask(MAIL)
    stopped = replace(plain, allowed=(Verb.APPROVE, Verb.EDIT, Verb.SKIP, Verb.STOP))
    assert bulk.find_verbs([plain, mail]) == (Verb.APPROVE, Verb.REJECT)
    assert bulk.find_verbs([plain, stopped]) == (Verb.APPROVE,)
    assert bulk.find_verbs([stopped]) == (Verb.APPROVE, Verb.SKIP, Verb.STOP)
    assert bulk.find_verbs([]) == ()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_was_decided_so_before_counts_as_done(outcome):
    told = Told(pick=Pick("a1"), outcome=outcome)
    assert told.is_done == (outcome in (Outcome.DONE, Outcome.COUNTED, Outcome.BEFORE))
