from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.model import payloads
from interlock.core.model.approval_rules import answers_of, apply, find_rules, has_fallback
from interlock.core.model.approvals import Approval, ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.policies import ApprovalPolicy

NOW = datetime(2026, 1, 5, tzinfo=UTC)
POLICY = {
    "approval": {
        "review": {"risk": "high", "deadline_s": 900, "answers": {"approve": {"go": 1}}},
        "team": {"risk": "low", "deadline_s": 60},
        "team/writer": {"risk": "medium"},
    }
}


def card(kind=Kind.VALUE, allowed=(Verb.ANSWER,), payload="Go?", node="review"):
    return Approval(
        approval_id="a1",
        interrupt_id="i1",
        thread_id="t1",
        run_id="r1",
        workflow="desk",
        node=node,
        namespace="",
        checkpoint_id="c1",
        kind=kind,
        title="Go?",
        payload=payload,
        allowed=allowed,
        schema=None,
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=NOW,
    )


@pytest.mark.parametrize(
    ("nodes", "risk", "deadline_s"),
    [
        (["review"], "high", 900),
        (["reviewer"], "", None),
        (["team/writer"], "medium", None),
        (["team/writer/deep"], "medium", None),
        (["team/reader"], "low", 60),
        (["team/reader", "review"], "high", 60),
        (["review", "review"], "high", 900),
        ([], "", None),
    ],
)
def test_the_nearest_rules_hold_and_of_several_the_stricter(nodes, risk, deadline_s):
    rules = find_rules(POLICY, nodes)
    assert (rules.risk, rules.deadline_s) == (risk, deadline_s)


@pytest.mark.parametrize("policy", [None, {}, {"approval": None}, {"node": {"review": {}}}])
def test_without_a_policy_nothing_is_asked_of_a_card(policy):
    assert find_rules(policy, ["review"]) == ApprovalPolicy()
    assert answers_of(card(), policy) == {}
    assert apply(card(), ApprovalPolicy()) == card()


@pytest.mark.parametrize(
    ("policy", "node", "has"),
    [
        ({"node": {"pay": {"fallback": [{"node": "offline"}]}}}, "pay", True),
        ({"node": {"pay": {"fallback": []}}}, "pay", False),
        ({"node": {"pay": {}}, "default": {"fallback": [{"value": {}}]}}, "pay", False),
        ({"node": {}, "default": {"fallback": [{"value": {}}]}}, "pay", True),
        ({"node": {}, "default": None}, "pay", False),
        ({}, "pay", False),
        ({"default": {"fallback": [{"value": {}}]}}, None, False),
        (None, "pay", False),
    ],
)
def test_a_policy_says_whether_something_serves_in_a_nodes_place(policy, node, has):
    assert has_fallback(policy, node) is has


def test_a_card_gets_its_risk_its_deadline_and_the_verbs_there_are_answers_for():
    ruled = apply(card(), find_rules(POLICY, ["review"]))
    assert ruled.risk == "high"
    assert ruled.deadline_at == NOW + timedelta(seconds=900)
    assert ruled.allowed == (Verb.APPROVE, Verb.ANSWER)


def test_where_the_shape_says_what_is_sent_the_answers_of_a_policy_are_not_used():
    typed = card(kind=Kind.SCHEMA)
    assert apply(typed, find_rules(POLICY, ["review"])).allowed == (Verb.ANSWER,)
    assert answers_of(typed, POLICY) == {}


def test_approve_sends_what_the_policy_says_and_reject_what_is_usual():
    asked = card(allowed=(Verb.APPROVE, Verb.REJECT, Verb.ANSWER))
    question = replace(payloads.question_of(asked), answers=answers_of(asked, POLICY))
    assert payloads.build_answer(question, Intent(verb=Verb.APPROVE)) == {"go": 1}
    assert payloads.build_answer(question, Intent(verb=Verb.REJECT)) is False
    with pytest.raises(InvalidInput, match="sends nothing else"):
        payloads.build_answer(question, Intent(verb=Verb.APPROVE, value=3))
