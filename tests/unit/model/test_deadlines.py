from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from interlock.core.errors import InvalidInput
from interlock.core.model import approval_rules, deadlines
from interlock.core.model.approvals import Approval, ApprovalStatus, Kind, Verb
from interlock.core.model.payloads import read_interrupt
from interlock.core.model.policies import ApprovalPolicy

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
MIN = timedelta(minutes=1)


def ask(payload="Go?", *, schema=None, kind=None, allowed=None, **rules) -> Approval:
    question = read_interrupt(payload, schema, node="pay")
    card = Approval(
        approval_id="a1",
        interrupt_id="i1",
        thread_id="t1",
        run_id="r1",
        workflow="refunds",
        node="pay",
        namespace="pay:1",
        checkpoint_id="c1",
        kind=kind or question.kind,
        title=question.title,
        payload=payload,
        allowed=allowed or question.allowed,
        schema=schema,
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=NOW,
    )
    return approval_rules.apply(card, ApprovalPolicy(**rules))


def test_without_a_deadline_nothing_is_due():
    card = ask()
    assert (card.deadline_at, card.warn_at, card.due_at) == (None, None, None)
    assert not deadlines.is_warned(card, NOW)
    assert not deadlines.is_overdue(card, NOW)


def test_without_an_outcome_a_card_warns_a_fifth_before_and_is_overdue():
    card = ask(deadline_s=900)
    assert (card.deadline_at, card.due_at, card.deadline_note) == (NOW + 15 * MIN, None, "")
    assert not deadlines.is_warned(card, NOW + 11 * MIN)
    assert deadlines.is_warned(card, NOW + 12 * MIN)
    assert not deadlines.is_overdue(card, NOW + 14 * MIN)
    assert deadlines.is_overdue(card, NOW + 15 * MIN)
    old = replace(card, warn_at=None)  # asked before there were warnings
    assert not deadlines.is_warned(old, NOW + 14 * MIN)
    assert deadlines.is_warned(old, NOW + 15 * MIN)


def test_the_policy_says_when_to_warn():
    assert ask(deadline_s=900, warn_s=60).warn_at == NOW + 14 * MIN


@pytest.mark.parametrize(
    ("rules", "payload", "schema", "verb", "answer"),
    [
        ({"on_timeout": "approve"}, "Go?", None, Verb.APPROVE, True),
        ({"on_timeout": "reject"}, "Go?", None, Verb.REJECT, False),
        (
            {"on_timeout": "approve", "answers": {"approve": "send"}},
            "Go?",
            None,
            Verb.APPROVE,
            "send",
        ),
        ({"on_timeout": {"n": 0}}, "How many?", None, Verb.ANSWER, {"n": 0}),
        ({"on_timeout": [1]}, "Which?", None, Verb.ANSWER, [1]),
        ({"on_timeout": False}, "Go?", None, Verb.ANSWER, False),
    ],
)
def test_what_is_decided_at_the_deadline(rules, payload, schema, verb, answer):
    card = ask(payload, schema=schema, deadline_s=900, **rules)
    assert (card.due_at, card.deadline_note) == (NOW + 15 * MIN, "")
    answers = {Verb(name): value for name, value in rules.get("answers", {}).items()}
    intent, sent = deadlines.answer_of(card, answers)
    assert (intent.verb, sent) == (verb, answer)
    assert intent.reason == "Nobody decided within 15 min"


def test_an_edit_is_given_where_a_card_takes_no_answer():
    payload = {
        "action_request": {"action": "pay", "args": {"sum": 5}},
        "config": {"allow_edit": True, "allow_accept": True},
    }
    card = ask(payload, deadline_s=900, on_timeout={"sum": 0})
    assert card.deadline_note == ""
    assert deadlines.answer_of(card, {})[0].verb is Verb.EDIT


def test_a_card_that_cannot_take_its_outcome_is_told():
    payload = {"action_request": {"action": "pay", "args": {}}, "config": {"allow_respond": True}}
    card = ask(payload, deadline_s=900, on_timeout="approve")
    assert (card.deadline_at, card.due_at) == (NOW + 15 * MIN, None)
    assert card.deadline_note.startswith("Nothing happens at its deadline: ")


def test_an_answer_that_does_not_fit_the_form_is_told():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert ask({"a": 1}, schema=schema, deadline_s=9, on_timeout={"n": "x"}).due_at is None
    assert ask({"a": 1}, schema=schema, deadline_s=9, on_timeout={"n": 1}).due_at is not None


def test_no_deadline_tries_a_failed_node_again():
    stop = (Verb.APPROVE, Verb.EDIT, Verb.STOP)
    card = ask(kind=Kind.FAILURE, allowed=stop, deadline_s=900, on_timeout="approve")
    assert "by a person only" in card.deadline_note
    card = ask(kind=Kind.FAILURE, allowed=stop, deadline_s=900, on_timeout="reject")
    assert card.due_at is not None


def test_an_escalated_card_has_as_much_time_again():
    card = ask(deadline_s=900, on_timeout="escalate:group:leads")
    assert card.due_at == card.deadline_at
    assert deadlines.group_of(card.on_timeout) == "leads"
    assert deadlines.group_of("approve") is deadlines.group_of({"a": 1}) is None
    moved = deadlines.escalate(card, "leads", NOW + 15 * MIN)
    assert (moved.escalated_to, moved.due_at) == ("leads", None)
    assert (moved.deadline_at, moved.warn_at) == (NOW + 30 * MIN, NOW + 27 * MIN)


def test_an_extension_counts_from_the_deadline_or_from_now():
    card = ask(deadline_s=900, on_timeout="reject")
    more = deadlines.extend(card, 15 * MIN, NOW)
    assert more.deadline_at == more.due_at == NOW + 30 * MIN
    assert more.warn_at == NOW + 27 * MIN
    late = deadlines.extend(replace(card, warn_at=None, due_at=None), MIN, NOW + 60 * MIN)
    assert (late.deadline_at, late.warn_at, late.due_at) == (NOW + 61 * MIN, None, None)


@pytest.mark.parametrize("by", [timedelta(0), -MIN, timedelta(days=31)])
def test_an_extension_has_bounds(by):
    with pytest.raises(InvalidInput, match="at most 30 days"):
        deadlines.extend(ask(deadline_s=900), by, NOW)


def test_what_has_no_deadline_cannot_be_extended():
    with pytest.raises(InvalidInput, match="no deadline"):
        deadlines.extend(ask(), MIN, NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (90, "1 min 30 s"), (900, "15 min"), (5400, "1 h 30 min"), (90_061, "1 d 1 h")],
)
def test_a_span_is_said_to_two_units(seconds, words):
    assert deadlines.say_span(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("rules", "wrong"),
    [
        ({"on_timeout": "approve"}, "without the deadline_s"),
        ({"warn_s": 5}, "without the deadline_s"),
        ({"deadline_s": 5, "warn_s": 6}, "longer than its deadline_s"),
        ({"deadline_s": 5, "on_timeout": "maybe"}, "on_timeout that is none"),
        ({"deadline_s": 5, "on_timeout": "escalate:leads"}, "on_timeout that is none"),
        ({"deadline_s": 5, "on_timeout": "escalate:group:"}, "on_timeout that is none"),
    ],
)
def test_a_policy_that_says_nothing_sensible_is_refused(rules, wrong):
    with pytest.raises(ValidationError, match=wrong):
        ApprovalPolicy(**rules)


@pytest.mark.parametrize(("other", "wanted"), [("reject", "reject"), ("approve", None)])
def test_of_nodes_whose_outcomes_differ_none_happens(other, wanted):
    policy = {
        "approval": {
            "a": {"deadline_s": 60, "on_timeout": "reject", "warn_s": 5},
            "b": {"deadline_s": 900, "on_timeout": other},
        }
    }
    rules = approval_rules.find_rules(policy, ["a", "b"])
    assert (rules.deadline_s, rules.warn_s, rules.on_timeout) == (60, 5, wanted)
