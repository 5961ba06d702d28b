from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import ApprovalStatus, Decision, Intent, Verb
from interlock.core.model.people import Person, Role, trusted
from interlock.core.model.routes import Route
from interlock.core.model.routing import Vote, intent_as_json
from interlock.dashboard import keys
from interlock.dashboard.views import answer_forms, decisions, routing
from interlock.dashboard.views import card as cards
from interlock.dashboard.views.answer_intents import Drafts, read_intent
from interlock.dashboard.views.keyboard import build as build_keyboard

BEN = Person(name="Ben", role=Role.OPERATOR)


def vote(make, actor="Ann", verb=Verb.APPROVE, version=1, reason="", **intent) -> Vote:
    wanted = Intent(verb=None if intent.get("each") else verb, **intent)
    return Vote(
        approval_id="card-1",
        version=version,
        actor=actor,
        verb=verb,
        intent=intent_as_json(wanted, [str(verb), intent]),
        reason=reason,
        voted_at=make.now - timedelta(minutes=2),
    )


def view_of(make, *votes, person=BEN, state=None, **fields):
    card = SimpleNamespace(
        approval=make.card("card-1", **fields), decisions=(), siblings=(), votes=votes
    )
    return cards.build(card, state=state, now=make.now, person=person)


def test_what_any_operator_decides_alone_says_nothing(make):
    found = view_of(make).routing
    assert (found.text, found.note, found.votes, found.blocked) == ("", "", (), "")
    assert view_of(make, person=None).routing.blocked == ""


def test_who_decides_how_many_it_takes_and_who_began_it_is_said(make):
    route = Route(
        approvers=("group:finance",), quorum=3, self_approval=False, initiators=("Ann", "Zoe")
    )
    found = view_of(make, vote(make), route=replace(route, note="What it is."), person=BEN)
    assert found.routing.text == (
        "The group finance decides it. It takes 3 people who say the same; 2 missing."
        " One no ends it. Not by who began it: Ann and Zoe."
    )
    assert found.routing.note == "What it is."
    lax = view_of(make, route=Route(quorum=2, one_rejects=False), person=trusted("me"))
    assert lax.routing.text == (
        "Any operator decides it. It takes 2 people who say the same; 2 missing."
        f" A no takes as many. {routing.UNCHECKED}"
    )
    assert view_of(make, escalated_to="leads").routing.text.startswith("Any operator or the group")


def test_whoever_may_not_decide_is_told_why(make):
    route = Route(approvers=("group:finance",))
    found = view_of(make, vote(make), route=route).routing
    assert found.blocked == "Ben may not decide this card: the group finance decides it."
    assert not found.votes[0].can_agree
    viewer = Person(name="Vic", role=Role.VIEWER)
    assert "takes the role" in view_of(make, route=route, person=viewer).routing.blocked
    assert view_of(make, route=route, person=trusted("Ben")).routing.blocked == ""
    closed = view_of(make, route=route, status=ApprovalStatus.DECIDED).routing
    assert (closed.blocked, closed.text) == ("", "")


def test_votes_are_listed_with_what_they_want(make):
    cast = [
        vote(make, reason="fine"),
        vote(make, "Zoe", Verb.EDIT, value={"eur": 3}),
        vote(make, "Eve", Verb.ANSWER, each=({"decision": "approve"}, {"decision": "reject"})),
        vote(make, "Ben", version=1),
        vote(make, "Old", version=0),
    ]
    found = view_of(make, *cast, route=Route(quorum=2)).routing
    assert [v.headline for v in found.votes] == [
        "Ann: approved 2 min ago",
        "Zoe: approved with changes 2 min ago",
        "Eve: sent 2 decisions 2 min ago",
        "Ben: approved 2 min ago",
    ]
    assert [v.wants for v in found.votes] == [
        None,
        {"eur": 3},
        [{"decision": "approve"}, {"decision": "reject"}],
        None,
    ]
    # Ben has said the same as Ann.
    assert [v.can_agree for v in found.votes] == [False, True, True, False]
    assert found.votes[0].reason == "fine"
    assert found.earlier == "Before it was changed: Old (approved, version 0)."


@pytest.mark.parametrize(
    ("missing", "verb", "cast", "said"),
    [
        (1, Verb.APPROVE, 1, "takes 1 more person who says the same."),
        (2, Verb.APPROVE, 1, "takes 2 more people who say the same."),
        (1, Verb.EDIT, 1, "who says the same. It is a new version now"),
        (1, Verb.EDIT, 2, "who says the same."),
    ],
)
def test_what_came_of_a_vote_is_said(make, missing, verb, cast, said):
    counted = SimpleNamespace(missing=missing, vote=vote(make, verb=verb), votes=[1] * cast)
    assert said in routing.say_counted(counted, "Refund 620 EUR?")


def test_the_record_names_who_voted_before(make):
    decision = Decision(
        decision_id="d1",
        approval_id="card-1",
        version=1,
        actor="Ben",
        verb=Verb.APPROVE,
        answer=True,
        reason="",
        decided_at=make.now,
        seconds_to_decide=3.0,
        run_id="r2",
    )
    cast = [vote(make, reason="fine"), vote(make, "Zoe"), vote(make, "Ben"), vote(make, version=2)]
    (row,) = decisions.build_rows([decision], [], now=make.now, votes=cast)
    assert row.votes == ("Ann voted approve: fine", "Zoe voted approve")


def test_a_vote_that_was_given_before_is_no_conflict_with_anybody(make):
    conflict = Conflict(
        "You have voted so already.",
        winner={"actor": "Ben", "status": "pending", "voted_at": "2026-01-05T09:00:00+00:00"},
    )
    assert decisions.say_conflict(conflict, now=make.now) == "You have voted so already."


# -- revision ---------------------------------------------------------------------------------------


def test_a_revision_has_a_button_and_a_key_and_sends_the_reason_alone(make):
    allowed = (Verb.APPROVE, Verb.REJECT, Verb.REVISE, Verb.ANSWER)
    view = view_of(make, payload={"a": 1}, allowed=allowed)
    (button,) = [b for b in view.form.buttons if b.verb is Verb.REVISE]
    assert (button.label, button.is_primary) == ("Request revision", False)
    drafts = Drafts(reason=" shorter ", raw="typed")
    assert read_intent(view.form, Verb.REVISE, drafts) == Intent(verb=Verb.REVISE, reason="shorter")
    assert build_keyboard(view).revise == (keys.verb("revise", "card-1", 1),)
    risky = view_of(make, payload={"a": 1}, allowed=allowed, risk="high")
    assert build_keyboard(risky).revise


def test_a_form_with_a_third_word_has_the_button_beside_its_answer(make):
    words = {"enum": ["approve", "revise", "reject"]}
    schema = {"type": "object", "properties": {"decision": words}, "required": ["decision"]}
    allowed = (Verb.APPROVE, Verb.REJECT, Verb.REVISE, Verb.EDIT, Verb.ANSWER)
    view = view_of(make, payload="Go?", schema=schema, kind="schema", allowed=allowed)
    assert [b.verb for b in view.form.buttons] == [Verb.REVISE, Verb.ANSWER]
    assert answer_forms.say_verb(Verb.REVISE) == "Request revision"
