from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model import payloads
from interlock.core.model.approvals import ApprovalStatus, Kind, Verb
from interlock.core.model.bulk import MAX_AT_ONCE, Outcome, Pick, Told
from interlock.core.services.bulk_deciding import Looked
from interlock.dashboard.views import bulk
from interlock.dashboard.views.sheets import to_csv


def look(card, *, pick=None, **fields):
    pick = pick or Pick(card.approval_id, card.version)
    question = payloads.question_of(card) if "trouble" not in fields else None
    return Looked(pick=pick, card=card, **({"question": question} | fields))


def build(make, found, *, page=1, seen=()):
    return bulk.build(found, page=page, seen=seen, now=make.now)


def test_every_content_is_there_and_only_the_words_that_all_take(make):
    cards = [make.card("a"), make.card("b", allowed=(Verb.APPROVE, Verb.ANSWER))]
    view = build(make, [look(each) for each in cards])
    assert [each.approval_id for each in view.cards] == ["a", "b"]
    assert view.picks == view.seen == (Pick("a", 1), Pick("b", 1))
    assert [(b.verb, b.label) for b in view.buttons] == [(Verb.APPROVE, "Approve 2")]
    assert view.chosen_text.startswith("2 cards to be decided together")
    assert (view.unseen_text, view.left_out_text, view.no_button_text) == ("", "", "")


def test_a_button_is_called_as_on_the_cards_where_all_call_it_so(make):
    takes = (Verb.APPROVE, Verb.SKIP, Verb.STOP)
    stands = [make.card(i, kind=Kind.BREAKPOINT, payload=None, allowed=takes) for i in "ab"]
    labels = [b.label for b in build(make, [look(each) for each in stands]).buttons]
    assert labels == ["Go on 2", "Skip 2", "Stop 2"]
    mixed = build(make, [look(stands[0]), look(make.card("c"))])
    assert [b.label for b in mixed.buttons] == ["Approve 2"]


def test_nothing_in_common_is_said(make):
    found = [look(make.card("a", allowed=(verb,))) for verb in (Verb.APPROVE, Verb.REJECT)]
    view = build(make, found)
    assert (view.buttons, view.no_button_text) == ((), bulk.NOTHING_COMMON)
    assert build(make, []).no_button_text == build(make, []).chosen_text == ""


def test_nothing_is_decided_before_its_page_was_turned_to(make):
    found = [look(make.card(f"c{n}")) for n in range(bulk.PAGE_COUNT + 2)]
    first = build(make, found)
    assert (first.page_count, len(first.cards)) == (2, bulk.PAGE_COUNT)
    assert first.unseen_text.startswith("2 cards not looked at yet")
    second = build(make, found, page=9, seen=first.seen)
    assert (second.page, len(second.cards), second.unseen_text) == (2, 2, "")


def test_what_is_left_out_says_why_and_what_asks_anew_can_be_chosen_as_it_is(make):
    winner = {"actor": "Ben", "verb": "reject", "decided_at": make.ago(minutes=4).isoformat()}
    decided = make.card("d", status=ApprovalStatus.DECIDED)
    anew = make.card("n", version=2)
    moved = Conflict("It is version 2.", winner={"version": 2, "status": "pending"})
    view = build(
        make,
        [
            look(make.card("h"), obstacle="It is of high risk."),
            look(decided, trouble=Conflict("Already.", winner=winner)),
            look(anew, pick=Pick("n", 1), trouble=moved),
            Looked(pick=Pick("g", 1), card=None, trouble=NotFound("card", "g")),
        ],
    )
    assert view.left_out_text == "4 cards left out"
    assert [each.anew for each in view.left_out] == [None, None, 2, None]
    said = ["high risk", "Already rejected by Ben 4 min ago.", "version 2", "There is no card"]
    assert all(word in each.why for word, each in zip(said, view.left_out, strict=True))
    assert view.left_out[3].title == "g"


def test_what_changed_since_it_was_drawn_is_said_beside_it(make):
    cards = [make.card("a"), make.card("b"), make.card("c")]
    drawn = build(make, [look(each) for each in cards])
    assert bulk.say_changed(drawn, drawn) == ""
    gone = [look(each, trouble=InvalidInput("Gone.")) for each in cards[:2]]
    said = bulk.say_changed(drawn, build(make, [gone[0], look(cards[1]), look(cards[2])]))
    assert said == "1 card changed since. Refund 620 EUR?: Gone."
    said = bulk.say_changed(drawn, build(make, [*gone, look(cards[2])]))
    assert said == "2 cards changed since. Refund 620 EUR?: Gone. And 1 other."


def test_the_report_has_each_card_also_those_that_were_left_out(make):
    winner = {"actor": "Ben", "verb": "reject", "decided_at": make.ago(minutes=4).isoformat()}
    plain = Told(pick=Pick("a", 1), outcome=Outcome.DONE, title="=1+1", run_id="run-2")
    told = [
        plain,
        replace(plain, pick=Pick("b", 1), outcome=Outcome.BEFORE, winner=winner),
        replace(plain, pick=Pick("c", 1), outcome=Outcome.REFUSED, refusal="No.", winner=winner),
        replace(plain, pick=Pick("d", 1), outcome=Outcome.NOT_TRIED, refusal="No database."),
    ]
    left = bulk.LeftOut(pick=Pick("e", 1), title="Wire", why="High risk.")
    report = bulk.build_report(told, [left], now=make.now)
    assert report.headline == "1 done · 1 done before · 2 refused · 1 not tried"
    assert report.ids == ("a", "b", "c", "d", "e")
    why = ["", "", "Already rejected by Ben 4 min ago.", "No database.", "High risk."]
    assert [row.why for row in report.rows] == why
    lines = to_csv(report.sheet).splitlines()
    assert lines[0] == "approval_id,version,outcome,status,run_id,workflow,title,why"
    assert lines[1] == "a,1,done,,run-2,,'=1+1,"
    assert len(lines) == 6


@pytest.mark.parametrize(("chosen", "wanted", "room"), [(0, 25, 25), (190, 25, 10), (200, 1, 0)])
def test_no_more_are_chosen_than_are_decided_at_once(chosen, wanted, room):
    assert MAX_AT_ONCE == 200
    assert bulk.find_room(chosen, wanted) == room


def test_what_stays_as_proposed_is_shown_where_the_word_alone_is_sent(make):
    amount = {"type": "number", "default": 620.0, "title": "Amount"}
    note = {"type": "string", "default": ""}
    fields = {"approved": {"type": "boolean"}, "amount": amount, "note": note}
    schema = {"type": "object", "properties": fields, "required": ["approved"]}
    found = [look(make.card("a", kind=Kind.SCHEMA, schema=schema)), look(make.card("b"))]
    assert build(make, found).proposals == {"a": "Amount: 620.0", "b": ""}
