from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.errors import InvalidInput
from interlock.core.model import approval_rules, payloads, routing
from interlock.core.model.approvals import Approval, ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.conditions import ConditionError
from interlock.core.model.payloads import read_interrupt
from interlock.core.model.people import Person, Role, trusted
from interlock.core.model.policies import ApprovalPolicy
from interlock.core.model.routes import (
    OPEN,
    Route,
    is_approver,
    is_reachable,
    path_of,
    read_approvers,
    say_one,
)
from interlock.core.model.routing import Effect, Vote, count_missing, weigh, why_not

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def ask(payload="Go?", *, kind=None, schema=None, state=None, began=("Ann",), **rules) -> Approval:
    question = read_interrupt(payload, schema, node="pay")
    card = Approval(
        approval_id="a1",
        interrupt_id="i1",
        thread_id="t1",
        run_id="r1",
        workflow="refunds",
        node="pay",
        namespace="",
        checkpoint_id="c1",
        kind=kind or question.kind,
        title=question.title,
        payload=payload,
        allowed=question.allowed,
        schema=schema,
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=NOW,
    )
    policy = ApprovalPolicy.model_validate(rules)
    return approval_rules.apply(card, policy, state=lambda: state, initiators=lambda: began)


def person(name="Ben", role=Role.OPERATOR, *groups) -> Person:
    return Person(name=name, role=role, groups=frozenset(groups))


def test_without_a_policy_any_operator_decides_alone():
    card = ask()
    assert (card.route, card.route.is_open) == (OPEN, True)
    assert why_not(card, person()) == ""
    assert why_not(card, person("Ann", Role.ADMIN)) == ""
    viewer = person("Vic", Role.VIEWER, "finance")
    assert why_not(card, viewer) == "Vic may not decide this card: any operator decides it."


@pytest.mark.parametrize(
    ("approvers", "who", "may"),
    [
        (["group:finance"], person("Ben", Role.OPERATOR, "finance"), True),
        (["group:finance"], person("Vic", Role.VIEWER, "finance"), True),
        (["group:finance"], person("Ben", Role.OPERATOR, "finances"), False),
        (["group:finance"], person("finance"), False),
        (["group:finance"], person("Adm", Role.ADMIN), False),
        (["Ben"], person(), True),
        (["ben"], person(), False),
        (["Ben"], person("Bob", Role.OPERATOR, "Ben"), False),
        (["group:finance", "Ben"], person(), True),
        ([], person("Adm", Role.ADMIN), True),
        ([], person(), False),
    ],
)
def test_approvers_decide_and_nobody_else(approvers, who, may):
    card = ask(approvers=approvers)
    assert (why_not(card, who) == "") is may
    assert why_not(card, trusted(who.name)) == ""


def test_whoever_may_not_is_told_who_may():
    card = ask(approvers=["group:finance", "Ann"])
    said = "Ben may not decide this card: the group finance or Ann decides it."
    assert said == why_not(card, person())
    assert why_not(ask(approvers=[]), person()).endswith("an admin decides it.")
    escalated = replace(card, escalated_to="leads")
    assert why_not(escalated, person()).endswith(
        "the group finance, Ann or the group leads decides it."
    )
    assert why_not(escalated, person("Lea", Role.VIEWER, "leads")) == ""
    assert why_not(replace(ask(), escalated_to="leads"), person()) == ""


def test_who_began_it_does_not_decide_it_where_the_policy_says_so():
    card = ask(self_approval=False, began=("Ann", "Zoe"))
    assert card.route.initiators == ("Ann", "Zoe")
    said = "Ann may not decide what they themselves launched or set back"
    assert why_not(card, person("Ann", Role.ADMIN)).startswith(said)
    assert why_not(card, person("Ben")) == ""
    assert why_not(card, trusted("Ann")) == ""
    assert ask(began=("Ann",)).route.initiators == ()


@pytest.mark.parametrize(
    ("approvers", "payload", "found", "note"),
    [
        ("$.owners", {"owners": ["Ann", "group:hr"]}, ("Ann", "group:hr"), ""),
        ("$.owners", {"owners": "Ann"}, ("Ann",), ""),
        ("$.by[0].lead", {"by": [{"lead": "Ann"}]}, ("Ann",), ""),
        ("$[0]", ["Ann", "Ben"], ("Ann",), ""),
        ("$", ["Ann", "Ben"], ("Ann", "Ben"), ""),
        ("$state.owners", {"owners": ["Eve"]}, ("Ann",), ""),
        ("$.owners", {"owners": []}, (), "names nobody"),
        ("$.owners", {"owners": [3]}, (), "names nobody"),
        ("$.owners", {"owners": ["a\nb"]}, (), "names nobody"),
        ("$.owners", {"owners": ["group:a b"]}, (), "names nobody"),
        ("$.owners", {"owners": None}, (), "names nobody"),
        ("$.owners", {}, (), "is not there"),
        ("$.owners", "Go?", (), "is not there"),
        ("$state.gone", {}, (), "is not there"),
    ],
)
def test_approvers_are_read_from_what_is_asked_or_fall_to_admins(approvers, payload, found, note):
    card = ask(payload, approvers=approvers, state={"owners": ["Ann"]})
    assert found == card.route.approvers
    assert note in card.route.note
    assert card.route.note.endswith("So admins decide.") is bool(note)


def test_of_a_breakpoint_and_a_failed_node_the_state_is_asked():
    card = ask(
        {"next": ["pay"]},
        kind=Kind.BREAKPOINT,
        state={"owner": "Ann", "amount": 3},
        approvers="$.owner",
        rules=[{"when": "amount > 1", "risk": "high"}],
    )
    assert (card.route.approvers, card.risk) == (("Ann",), "high")


RULES = [
    {"when": "amount > 1000", "approvers": ["group:leads"], "quorum": 2, "risk": "high"},
    {"when": "amount > 9000", "approvers": ["Zoe", "Ann", "Ben"], "quorum": 3, "priority": 7},
    {"when": "country != null and country != 'DE'", "risk": "medium", "self_approval": False},
]


@pytest.mark.parametrize(
    ("payload", "approvers", "quorum", "risk", "priority"),
    [
        ({"amount": 10}, ("group:finance",), 1, "low", 1),
        ({"amount": 2000}, ("group:leads",), 2, "high", 1),
        ({"amount": 10_000}, ("Zoe", "Ann", "Ben"), 3, "high", 7),
        ({"amount": 10, "country": "FR"}, ("group:finance",), 1, "medium", 1),
        ({"amount": 2000, "country": "FR"}, ("group:leads",), 2, "high", 1),
    ],
)
def test_rules_that_hold_make_a_card_stricter(payload, approvers, quorum, risk, priority):
    card = ask(payload, approvers=["group:finance"], risk="low", priority=1, rules=RULES)
    assert (card.route.approvers, card.route.quorum) == (approvers, quorum)
    assert (card.risk, card.route.priority, card.route.note) == (risk, priority, "")
    assert card.route.self_approval is ("country" not in payload)


def test_a_rule_that_cannot_be_judged_leaves_it_to_admins():
    card = ask({"amount": "2,000"}, approvers=["group:finance"], rules=RULES)
    assert (card.route.approvers, card.route.quorum, card.risk) == ((), 3, "high")
    assert card.route.note.startswith(
        "The rule `amount > 1000` cannot be judged: a text cannot be compared with a number."
    )
    assert card.route.note.endswith("So admins decide.")


def test_a_rule_about_risk_alone_that_cannot_be_judged_lets_the_same_people_decide():
    card = ask({}, approvers=["Ann"], rules=[{"when": "amount > 1", "risk": "high"}])
    assert (card.route.approvers, card.risk) == (("Ann",), "high")
    assert card.route.note == "The rule `amount > 1` cannot be judged: there is no amount."


def test_a_quorum_that_the_names_cannot_reach_falls_to_admins():
    card = ask({"owner": "Ann"}, approvers="$.owner", quorum=2)
    assert card.route.approvers == ()
    assert card.route.note == "It takes 2 people, and its policy names fewer. So admins decide."


POLICY = {
    "approval": {
        "a": {"approvers": ["Ann", "Ben"], "quorum": 2, "one_rejects": False},
        "b": {"approvers": ["Ben", "Zoe"], "rules": [{"when": "x > 1", "risk": "high"}]},
        "c": {"approvers": ["Ann", "Ben"], "priority": 3},
    }
}


def test_of_several_nodes_that_are_routed_alike_the_route_stays():
    rules = approval_rules.find_rules(POLICY, ["a", "c"])
    assert (rules.approvers, rules.quorum, rules.priority) == (("Ann", "Ben"), 2, 3)
    assert not rules.one_rejects


def test_several_nodes_that_are_routed_differently_are_left_to_admins():
    rules = approval_rules.find_rules(POLICY, ["a", "b"])
    assert (rules.approvers, rules.quorum, rules.risk, rules.rules) == ((), 2, "high", ())


# -- votes ------------------------------------------------------------------------------------------


def sends(intent):
    """Stands for what is sent: the same for the same word and content."""
    return [intent.verb and str(intent.verb), intent.value, intent.each and list(intent.each)]


def vote(actor, intent) -> Vote:
    return Vote(
        approval_id="a1",
        version=1,
        actor=actor,
        verb=intent.verb or Verb.ANSWER,
        intent=routing.intent_as_json(intent, sends(intent)),
        reason=intent.reason,
        voted_at=NOW,
    )


YES = Intent(verb=Verb.APPROVE, reason="fine")
NO = Intent(verb=Verb.REJECT, reason="not fine")
EDIT = Intent(verb=Verb.EDIT, value={"amount": 3})
EACH = Intent(verb=None, each=({"decision": "approve"}, {"type": "edit", "args": {}}))
TWO, THREE = Route(quorum=2), Route(quorum=3)
TWO_NO = Route(quorum=2, one_rejects=False)


@pytest.mark.parametrize(
    ("route", "votes", "intent", "effect"),
    [
        (OPEN, [], YES, Effect.DECIDES),
        (OPEN, [], EDIT, Effect.DECIDES),
        (TWO, [], YES, Effect.COUNTS),
        (TWO, [("Ann", YES)], YES, Effect.DECIDES),
        (THREE, [("Ann", YES)], YES, Effect.COUNTS),
        (TWO, [("Me", YES)], YES, Effect.REPEATS),
        (TWO, [("Me", YES)], replace(YES, reason="other words"), Effect.REPEATS),
        (THREE, [("Me", YES), ("Ann", YES)], YES, Effect.REPEATS),
        (TWO, [], NO, Effect.DECIDES),
        (TWO, [("Me", YES)], NO, Effect.DECIDES),
        (TWO, [], Intent(verb=Verb.STOP), Effect.DECIDES),
        (TWO, [], Intent(verb=Verb.REVISE), Effect.DECIDES),
        (TWO_NO, [], NO, Effect.COUNTS),
        (TWO_NO, [("Ann", NO)], replace(NO, reason="again"), Effect.DECIDES),
        (TWO_NO, [("Ann", YES)], NO, Effect.COUNTS),
        (TWO, [], Intent(verb=Verb.SKIP), Effect.COUNTS),
        (TWO, [("Ann", YES)], EDIT, Effect.RENEWS),
        (TWO, [], EDIT, Effect.RENEWS),
        (TWO, [], EACH, Effect.RENEWS),
        (TWO, [("Ann", EDIT)], EDIT, Effect.DECIDES),
        (THREE, [("Ann", EDIT)], EDIT, Effect.COUNTS),
        (TWO, [("Ann", EDIT)], Intent(verb=Verb.EDIT, value={"amount": 4}), Effect.RENEWS),
        (TWO, [("Ann", Intent(verb=Verb.ANSWER, value=True))], YES, Effect.COUNTS),
        (
            TWO,
            [("Ann", Intent(verb=Verb.ANSWER, value=1))],
            Intent(verb=Verb.ANSWER, value=True),
            Effect.COUNTS,
        ),
    ],
)
def test_what_a_vote_does(route, votes, intent, effect):
    cast = [vote(actor, said) for actor, said in votes]
    verb = intent.verb or Verb.ANSWER
    assert weigh(route, cast, intent, sends(intent), actor="Me", verb=verb) is effect


def test_a_whole_number_is_the_same_however_it_is_written():
    cast = [vote("Ann", Intent(verb=Verb.ANSWER, value=[{"n": 3.0}, 2.5]))]
    intent = Intent(verb=Verb.ANSWER, value=[{"n": 3}, 2.5])
    assert weigh(TWO, cast, intent, sends(intent), actor="Me", verb=Verb.ANSWER) is Effect.DECIDES


def test_how_many_are_missing_is_counted_from_the_largest_number_that_agrees():
    assert count_missing(THREE, []) == 3
    assert count_missing(THREE, [vote("Ann", YES), vote("Ben", EDIT)]) == 2
    assert count_missing(THREE, [vote("Ann", YES), vote("Ben", YES), vote("Zoe", EDIT)]) == 1


FORM = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "amount": {"type": "number", "default": 5},
        "reason": {"type": "string", "maxLength": 4},
    },
    "required": ["approved"],
}


def test_votes_agree_by_what_they_send_whatever_their_reasons():
    question = read_interrupt("Go?", FORM, node="pay")

    def sent(value=None, reason="", verb=Verb.APPROVE):
        intent = Intent(verb=verb, value=value, reason=reason)
        return routing.sends_of(question, intent, payloads.build_answer(question, intent))

    assert sent() == sent(reason="fine") == sent({}) == sent({"amount": 5}) != sent({"amount": 4})
    plain = read_interrupt("Go?", None, node="pay")
    assert routing.sends_of(plain, Intent(verb=Verb.APPROVE), True) is True
    confirm = read_interrupt({"type": "approval"}, None, node="pay")
    no, other = (Intent(verb=Verb.REJECT, reason=why) for why in ("late", "dear"))
    answers = [payloads.build_answer(confirm, each) for each in (no, other)]
    assert answers[0] != answers[1]
    assert routing.sends_of(confirm, no, answers[0]) == routing.sends_of(confirm, other, answers[1])
    strict = {**FORM, "properties": {**FORM["properties"], "reason": {"enum": ["", "late"]}}}
    asked = read_interrupt("Go?", strict, node="pay")
    answer = {"approved": False, "reason": "late"}
    intent = Intent(verb=Verb.EDIT, value=answer)
    assert routing.sends_of(asked, intent, answer) == {**answer, "amount": 5}
    short = {
        **FORM,
        "properties": {**FORM["properties"], "reason": {"type": "string", "maxLength": 2}},
    }
    tight = read_interrupt("Go?", short, node="pay")
    hurried = Intent(verb=Verb.REJECT, reason="no")
    sent_as = payloads.build_answer(tight, hurried)
    assert routing.sends_of(tight, hurried, sent_as) == {**sent_as, "amount": 5}


@pytest.mark.parametrize("intent", [YES, EDIT, EACH])
def test_whoever_agrees_wants_the_same_for_a_reason_of_their_own(intent):
    again = routing.intent_of(vote("Ann", intent), "mine")
    assert replace(intent, reason="mine") == again


@given(
    quorum=st.integers(1, 4),
    said=st.lists(st.tuples(st.sampled_from("ABCDE"), st.sampled_from([YES, EDIT, NO]))),
    one_rejects=st.booleans(),
)
def test_a_card_is_decided_by_so_many_who_agree_and_never_by_one_twice(quorum, said, one_rejects):
    route = Route(quorum=quorum, one_rejects=one_rejects)
    votes: dict[str, Vote] = {}
    for actor, intent in said:
        effect = weigh(
            route, [*votes.values()], intent, sends(intent), actor=actor, verb=intent.verb
        )
        agreeing = {a for a, v in votes.items() if v.intent["sends"] == sends(intent)}
        if effect is Effect.DECIDES:
            assert len(agreeing | {actor}) >= quorum or (intent is NO and one_rejects)
            return
        assert effect is not Effect.REPEATS or actor in agreeing
        votes = {} if effect is Effect.RENEWS else votes
        votes[actor] = vote(actor, intent)
        assert 0 < count_missing(route, [*votes.values()]) <= quorum


# -- names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("Ann Lee", True),
        ("group:finance", True),
        ("group:", False),
        ("group:a,b", False),
        ("", False),
        (" Ann", False),
        ("A\u202ennn", False),
        ("x" * 201, False),
        (3, False),
        (None, False),
    ],
)
def test_an_approver_is_a_name_that_can_be_read(value, is_one):
    assert is_approver(value) is is_one


def test_approvers_are_named_once_and_not_too_many():
    assert read_approvers(["Ann", "Ann", "Ben"]) == ("Ann", "Ben")
    assert read_approvers([f"p{n}" for n in range(101)]) is None
    assert read_approvers({"Ann": 1}) is None
    assert say_one("group:hr") == "the group hr"
    assert is_reachable([], 5)
    assert is_reachable(["group:hr"], 5)


@pytest.mark.parametrize("text", ["$x", "$statex", "owners", "$.", "$.a b", "$.f()", "$[-1]"])
def test_a_path_begins_with_its_sign(text):
    with pytest.raises(ConditionError):
        path_of(text)


# -- revision ---------------------------------------------------------------------------------------

REVISE = {"revise": {"decision": "revise", "notes": ["$reason"], "by": "$reasons"}}


def test_a_revision_sends_what_the_policy_says_with_the_comment():
    card = ask("Go?", answers=REVISE)
    assert card.allowed == (Verb.APPROVE, Verb.REJECT, Verb.REVISE, Verb.ANSWER)
    answers = approval_rules.answers_of(card, {"approval": {"pay": {"answers": REVISE}}})
    question = replace(payloads.question_of(card), answers=answers)
    sent = payloads.build_answer(question, Intent(verb=Verb.REVISE, reason="shorter"))
    assert sent == {"decision": "revise", "notes": ["shorter"], "by": "$reasons"}
    for intent in (Intent(verb=Verb.REVISE), Intent(verb=Verb.REVISE, reason=" ")):
        with pytest.raises(InvalidInput, match="takes a comment"):
            payloads.build_answer(question, intent)


SCHEMA = {
    "type": "object",
    "properties": {"decision": {"enum": ["approve", "revise", "reject"]}, "notes": {}, "by": {}},
}


def test_a_form_takes_a_revision_that_fits_it():
    card = ask({"q": "Go?"}, schema=SCHEMA, answers=REVISE)
    assert Verb.REVISE in card.allowed
    assert card.route.note == ""
    policy = {"approval": {"pay": {"answers": REVISE}}}
    assert approval_rules.answers_of(card, policy) == {Verb.REVISE: REVISE["revise"]}
    action = ask([{"action_request": {"action": "x", "args": {}}, "config": {}}], answers=REVISE)
    assert Verb.REVISE not in action.allowed
    assert approval_rules.answers_of(action, policy) == {}
    short = ask({"q": "Go?"}, schema=SCHEMA, answers={"revise": {"decision": "later"}})
    assert Verb.REVISE not in short.allowed
    assert short.route.note.startswith("What its policy sends for a revision does not fit:")
