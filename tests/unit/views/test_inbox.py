from __future__ import annotations

import pytest

from interlock.core.model.approvals import ApprovalStatus
from interlock.dashboard.views import inbox


def build(make, cards, **more):
    given = {
        "newest": (),
        "seen_until": make.now,
        "total": len(cards),
        "shelf": "pending",
        "wanted_id": None,
        "is_filtered": False,
        "workflows": [make.workflow()],
    } | more
    return inbox.build(cards, **given, now=make.now)


def test_a_row_says_what_where_and_since_when(make):
    row = inbox.build_row(make.card(risk="high"), now=make.now)
    assert row.title == "Refund 620 EUR?"
    assert row.about == "refund_desk \u203a review"
    assert row.age == "12 min"
    assert row.risk == "high risk"
    assert row.left == ""


def test_a_title_of_nothing_can_still_be_clicked(make):
    assert inbox.build_row(make.card(title=""), now=make.now).title == "(no title)"


def test_the_chosen_card_is_marked_where_it_stands_now(make):
    cards = [make.card("a"), make.card("b"), make.card("c")]
    assert build(make, cards, wanted_id="b").selected_row == 1
    assert build(make, [make.card("new"), *cards], wanted_id="b").selected_row == 2
    gone = build(make, cards, wanted_id="z")
    assert gone.selected_row is None
    assert gone.selected_id == "z"


def test_new_cards_are_announced_and_not_shown(make):
    old, new = make.card("old"), make.card("new", asked_at=make.now)
    view = build(make, [old, new], newest=[new, old], seen_until=make.ago(minutes=1))
    assert view.ids == ("old",)
    assert view.new_text == "1 new"


def test_a_new_card_that_was_opened_by_its_link_is_shown(make):
    new = make.card("new", asked_at=make.now)
    view = build(make, [new], newest=[new], seen_until=make.ago(minutes=1), wanted_id="new")
    assert view.ids == ("new",)
    assert view.new_text == ""


def test_very_many_new_ones_are_said_as_many(make):
    newest = [make.card(f"n{i}", asked_at=make.now) for i in range(100)]
    view = build(make, [], newest=newest, seen_until=make.ago(minutes=1))
    assert view.new_text == "99+ new"
    assert inbox.may_let_in(view)
    assert "new cards have arrived" in view.empty.text


def test_nothing_is_let_in_while_cards_are_shown(make):
    assert not inbox.may_let_in(build(make, [make.card()]))


def test_pages_are_counted(make):
    view = build(make, [make.card()], total=inbox.PAGE_COUNT + 1)
    assert view.page_count == 2
    assert view.total_text == "26 cards"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "Nothing waits for you"),
        ({"is_filtered": True}, "No card of this workflow"),
        ({"shelf": "decided"}, "Nothing here yet"),
    ],
)
def test_an_empty_list_says_what_would_fill_it(make, more, words):
    assert words in build(make, [], **more).empty.text


def test_the_place_of_a_card_says_that_none_waits(make):
    assert inbox.say_nothing_chosen([make.workflow()]).link.page == "launch"


def test_every_status_has_its_shelf():
    assert {s for shelf in inbox.SHELVES.values() for s in shelf} == set(ApprovalStatus)


def test_the_next_card_is_the_one_after_in_the_order_seen():
    assert inbox.choose_next(["a", "b", "c"], ["a", "c"], after="b") == "c"
    assert inbox.choose_next(["a", "b", "c"], ["a"], after="c") == "a"


def test_the_next_card_is_the_oldest_where_the_order_does_not_help():
    assert inbox.choose_next([], ["x", "y"], after=None) == "x"
    assert inbox.choose_next(["a"], ["x"], after="a") == "x"
    assert inbox.choose_next(["a"], ["b", "x"], after="b") == "x"
    assert inbox.choose_next(["a", "b"], [], after="a") is None
