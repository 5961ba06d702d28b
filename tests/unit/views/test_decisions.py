from __future__ import annotations

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import ApprovalStatus, Kind, Verb
from interlock.dashboard.views import decisions


def test_a_row_says_who_did_what_and_how_fast(make):
    decision = make.decision(verb=Verb.EDIT, reason="too much", refused="no", before=1, after=2)
    (row,) = decisions.build_rows([decision], [make.card()], now=make.now)
    assert row.headline == "Approved with changes by Ann 4 min ago"
    assert row.took == "8.00 s"
    assert (row.title, row.reason, row.refused) == ("Refund 620 EUR?", "too much", "no")


def test_an_edit_says_what_it_changed_and_nothing_else(make):
    def changed(before, after):
        decision = make.decision(verb=Verb.EDIT, before=before, after=after)
        (row,) = decisions.build_rows([decision], [make.card()], now=make.now)
        return [(c.label, c.before, c.after) for c in row.changes]

    mail = {"to": "Ann", "copies": 1}
    assert changed([mail], [{**mail, "copies": 3}]) == [("copies", "1", "3")]
    assert changed([mail, mail], [mail, {**mail, "to": "Bob"}]) == [("2.to", "Ann", "Bob")]
    assert changed({"amount": 620}, {"amount": 500}) == [("amount", "620", "500")]
    assert changed(None, {"amount": 500}) == []
    assert changed(None, None) == []


def test_a_decision_of_an_unknown_card_has_no_title(make):
    (row,) = decisions.build_rows([make.decision("other")], [make.card()], now=make.now)
    assert row.title == ""


def test_a_loser_is_told_who_was_first(make):
    winner = {
        "actor": "Ben",
        "verb": "reject",
        "decided_at": make.ago(minutes=4).isoformat(),
        "status": "decided",
    }
    said = decisions.say_conflict(Conflict("lost", winner=winner), now=make.now)
    assert said == "Already rejected by Ben 4 min ago. Your decision was not used."


@pytest.mark.parametrize(
    ("winner", "words"),
    [
        ({"status": "pending", "version": 3}, "asks something else by now (version 3)"),
        ({"status": "withdrawn", "version": 1}, "Withdrawn: its run was cancelled."),
        (None, "lost"),
    ],
)
def test_a_loser_to_no_person_is_told_why(make, winner, words):
    assert words in decisions.say_conflict(Conflict("lost", winner=winner), now=make.now)


def test_a_pending_card_is_not_closed(make):
    assert decisions.say_closed(make.card(), [], now=make.now) == ""


@pytest.mark.parametrize("status", [s for s in ApprovalStatus if s is not ApprovalStatus.PENDING])
def test_every_closed_card_says_why(make, status):
    said = decisions.say_closed(make.card(status=status), [], now=make.now)
    assert said.endswith(".")


def test_a_decided_card_says_by_whom(make):
    closed = make.card(status=ApprovalStatus.DECIDED)
    said = decisions.say_closed(closed, [make.decision()], now=make.now)
    assert said == "Already approved by Ann 4 min ago."


def test_a_card_that_asks_anew_is_stale_on_the_screen(make):
    reopened = make.card(version=2)
    assert "version 2" in decisions.say_stale(reopened, [], 1, now=make.now)
    assert decisions.say_stale(reopened, [], 2, now=make.now) == ""


def test_the_record_lists_what_was_decided_on_each_action(make):
    request = {"name": "mail\u200b", "args": {}}
    card = make.card(
        kind=Kind.LANGCHAIN,
        status=ApprovalStatus.DECIDED,
        payload={
            "action_requests": [request, request, request],
            "review_configs": [{"action_name": "mail\u200b", "allowed_decisions": ["approve"]}],
        },
    )
    answer = {"decisions": [{"type": "approve"}, {"type": "reject", "message": "too\nlate"}, {}]}
    decision = make.decision(verb=Verb.ANSWER, answer=answer)
    (row,) = decisions.build_rows([decision], [card], now=make.now)
    assert row.headline == "Sent 3 decisions by Ann 4 min ago"
    assert row.each == (
        "1. mail⟨U+200B⟩: Approved",
        "2. mail⟨U+200B⟩: Rejected, too late",
        "3. mail⟨U+200B⟩: Decided",
    )
    said = decisions.say_closed(card, [decision], now=make.now)
    assert said == "Already sent 3 decisions by Ann 4 min ago."


def test_the_words_of_an_agent_inbox_are_told_as_ours(make):
    card = make.card(kind=Kind.AGENT_INBOX, payload=None)
    answer = [{"type": "accept", "args": {"a": 1}}, {"type": "response", "args": "Ask Bob"}]
    (row,) = decisions.build_rows([make.decision(answer=answer)], [card], now=make.now)
    assert row.each == ("1. Approved", "2. Answered, Ask Bob")


@pytest.mark.parametrize("answer", [True, [{"type": "accept"}], [1, 2], {"decisions": "x"}])
def test_one_action_or_another_answer_is_no_list(make, answer):
    card = make.card(kind=Kind.AGENT_INBOX)
    (row,) = decisions.build_rows([make.decision(answer=answer)], [card], now=make.now)
    assert (row.each, row.headline) == ((), "Approved by Ann 4 min ago")


def test_a_loser_at_a_breakpoint_reads_the_word_of_the_button(make):
    at = make.ago(minutes=4).isoformat()
    lost = Conflict("lost", winner={"actor": "Ben", "verb": "approve", "decided_at": at})
    said = decisions.say_conflict(lost, kind=Kind.BREAKPOINT, now=make.now)
    assert said.startswith("Already went on by Ben")
