"""Deadlines in words: the countdown that turns amber, what happens then, and who did not decide."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import ApprovalStatus, Verb
from interlock.core.model.policies import ApprovalPolicy
from interlock.core.model.rewinding import PastDecision
from interlock.dashboard.palette import Tone
from interlock.dashboard.views import card as cards
from interlock.dashboard.views import decisions, history, inbox, policy_words, words

MIN = timedelta(minutes=1)


def timed(make, left, **fields):
    at = make.now + left
    return make.card(deadline_at=at, warn_at=at - 3 * MIN, **fields)


@pytest.mark.parametrize(
    ("left", "word"), [(4 * MIN, None), (2 * MIN, "2:00 left"), (-2 * MIN, "overdue by 2 min")]
)
def test_the_countdown_is_amber_once_the_time_runs_out(make, left, word):
    card = timed(make, left)
    look = words.look_of_deadline(card, make.now)
    assert (look and look.word) == word
    assert look is None or look.tone is Tone.WAITING
    assert inbox.build_row(card, now=make.now).timed == look
    decided = timed(make, left, status=ApprovalStatus.DECIDED)
    assert words.look_of_deadline(decided, make.now) is None


def build(make, card):
    found = SimpleNamespace(approval=card, decisions=(), siblings=(), votes=())
    return cards.build(found, state=None, now=make.now)


def test_a_card_says_what_happens_at_its_deadline(make):
    due_at = make.now + 4 * MIN
    view = build(make, timed(make, 4 * MIN, due_at=due_at, on_timeout="reject"))
    assert view.timed is None
    assert view.deadline.text == "If nobody decides until then: rejected."
    assert build(make, make.card(deadline_at=None)).deadline is None
    assert build(make, timed(make, MIN, status=ApprovalStatus.DECIDED)).deadline is None


def test_a_card_says_to_whom_it_was_escalated_and_why_nothing_happens(make):
    card = timed(make, MIN, escalated_to="leads", deadline_note="Nothing happens at its deadline")
    view = build(make, card)
    assert view.deadline.text == "Escalated to leads: nobody decided in time."
    assert view.deadline.note == "Nothing happens at its deadline"


@pytest.mark.parametrize(
    ("on_timeout", "said"),
    [
        ("approve", "approved"),
        ("reject", "rejected"),
        ("escalate:group:leads", "escalated to leads"),
        ({"n": 0}, 'answered {"n": 0}'),
    ],
)
def test_an_outcome_is_said_in_words(on_timeout, said):
    policy = ApprovalPolicy(deadline_s=900, on_timeout=on_timeout)
    assert policy_words.say_approval(policy) == (
        "To be decided within 15 m",
        f"If nobody does: {said}",
    )


def test_what_a_deadline_decided_is_nobodys(make):
    card = make.card(status=ApprovalStatus.DECIDED)
    decision = make.decision(actor="deadline", verb=Verb.REJECT, by_deadline=True)
    said = decisions.say_closed(card, [decision], now=make.now)
    assert said.startswith("Already rejected by its deadline ")
    [row] = decisions.build_rows([decision], [card], now=make.now)
    assert row.headline.startswith("Rejected by its deadline ")
    winner = {
        "actor": "deadline",
        "verb": "reject",
        "decided_at": make.ago(minutes=4).isoformat(),
        "by_deadline": True,
    }
    said = decisions.say_conflict(Conflict("lost", winner=winner), now=make.now, unused="Not so.")
    assert said == "Already rejected by its deadline 4 min ago. Not so."
    past = PastDecision(
        approval_id="a1",
        checkpoint_id="c1",
        node="pay",
        title="Pay?",
        verb="reject",
        actor="deadline",
        decided_at=make.now,
        by_deadline=True,
    )
    assert history.say_decision(past) == "Rejected by its deadline"
