from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.model.inbox_filters import COUNT_LIMIT
from interlock.core.services.sifting import Sifted
from interlock.dashboard.views import inbox
from interlock.dashboard.views.inbox_filters import build as build_sieve

EVERYTHING = build_sieve(None, {}, None)
REFUNDS = build_sieve(None, {"workflow": "refunds"}, None)


def build(make, cards, *, newer=(), total=None, counts=None, **more):
    found = Sifted(
        rows=tuple(cards),
        total=len(cards) if total is None else total,
        counts=counts or {},
        newer=tuple(newer),
    )
    given = {"sieve": EVERYTHING, "page": 1, "wanted_id": None, "workflows": [make.workflow()]}
    return inbox.build(found, **(given | more), now=make.now)


def test_a_row_says_what_where_and_since_when(make):
    row = inbox.build_row(make.card(risk="high"), now=make.now)
    assert row.title == "Refund 620 EUR?"
    assert row.about == "refund_desk \u203a review"
    assert row.age == "12 min"
    assert row.risk == "high risk"
    assert row.left == ""


def test_a_long_title_is_cut_with_a_mark(make):
    row = inbox.build_row(make.card(title="word " * 20), now=make.now)
    assert row.short_title == ("word " * 20)[: inbox.SHORT_COUNT - 1] + "\u2026"
    assert len(row.title) > inbox.SHORT_COUNT


def test_an_open_card_that_the_filter_hides_is_told_of(make):
    view = build(make, [make.card("a")], wanted_id="z", sieve=REFUNDS, is_outside=True)
    assert view.filter_text == "the open card is not among these \u00b7 only refunds"


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
    view = build(make, [make.card("old")], newer=[make.card("new", asked_at=make.now)])
    assert view.ids == ("old",)
    assert view.new_text == "1 new"


def test_a_new_card_that_was_opened_by_its_link_is_let_in(make):
    before = make.ago(minutes=1)
    newer = [make.card("b", asked_at=make.now), make.card("a", asked_at=make.ago(seconds=30))]
    assert inbox.find_seen_until(newer, "a", before) == before + timedelta(seconds=30)
    assert inbox.find_seen_until(newer, "other", before) == before


def test_very_many_new_ones_are_said_as_many(make):
    newer = [make.card(f"n{i}", asked_at=make.now) for i in range(100)]
    view = build(make, [], newer=newer)
    assert view.new_text == "99+ new"
    assert inbox.may_let_in(view)
    assert "new cards have arrived" in view.empty.text


def test_nothing_is_let_in_while_cards_are_shown(make):
    assert not inbox.may_let_in(build(make, [make.card()]))


def test_pages_are_counted(make):
    view = build(make, [make.card()], total=inbox.PAGE_COUNT + 1)
    assert view.page_count == 2
    assert view.total_text == "26 cards"
    assert inbox.count_pages(COUNT_LIMIT + 1) == COUNT_LIMIT / inbox.PAGE_COUNT


def test_each_shelf_says_how_many_it_holds_within_the_filter(make):
    view = build(
        make, [make.card()], counts={"Pending": 1, "Decided": COUNT_LIMIT + 1}, sieve=REFUNDS
    )
    pending, decided, closed = view.counts_text.split(" · ")
    assert pending == "1 pending"
    assert decided.startswith("10")
    assert decided.endswith("+ decided")
    assert closed == "0 no longer asked"
    assert view.filter_text == "only refunds"
    assert view.total_text == "1 card of refunds"


@pytest.mark.parametrize(
    ("sieve", "words", "can_clear"),
    [
        (EVERYTHING, "Nothing waits for you", False),
        (REFUNDS, "No card of refunds is here", True),
        (build_sieve("Decided", {}, None), "Nothing here yet", False),
    ],
)
def test_an_empty_list_says_what_would_fill_it(make, sieve, words, can_clear):
    view = build(make, [], sieve=sieve)
    assert words in view.empty.text
    assert view.can_clear is can_clear


def test_the_place_of_a_card_says_that_none_waits(make):
    assert inbox.say_nothing_chosen(EVERYTHING, 0, [make.workflow()]).link.page == "launch"
    assert inbox.say_nothing_chosen(REFUNDS, 0, [make.workflow()]).link.page == "launch"
    one = inbox.say_nothing_chosen(REFUNDS, 1, []).text
    assert one == "No card of refunds waits. 1 card of other kinds waits."
    assert inbox.say_nothing_chosen(REFUNDS, 7, []).text.endswith("7 cards of other kinds wait.")
    held = inbox.say_nothing_chosen(REFUNDS, 7, [], held=2).text
    assert held.startswith("Every card that waits here is one that others have: 2 cards.")


def test_a_row_says_who_has_its_card(make):
    view = build(make, [make.card("a"), make.card("b")], hands={"b": "Ben"})
    assert [row.hands for row in view.rows] == ["", "Ben"]


def test_a_step_leads_to_the_neighbour_and_ends_with_the_page():
    ids = ["a", "b", "c"]
    assert [inbox.step(ids, "b", by) for by in (-1, 1)] == ["a", "c"]
    assert inbox.step(ids, "c", 1) is None
    assert inbox.step(ids, "a", -1) is None
    assert [inbox.step(ids, "gone", by) for by in (-1, 1)] == ["c", "a"]
    assert inbox.step([], "a", 1) is None


def test_a_step_is_offered_where_it_leads_somewhere(make):
    cards = [make.card("a"), make.card("b")]
    first = build(make, cards, wanted_id="a")
    assert (first.can_step(-1), first.can_step(1)) == (False, True)
    more = build(make, cards, wanted_id="b", total=60)
    assert (more.can_step(-1), more.can_step(1)) == (True, True)
    second = build(make, cards, wanted_id="a", total=60, page=2)
    assert second.can_step(-1)
    assert not build(make, []).can_step(1)


def test_the_next_card_is_the_one_after_in_the_order_seen():
    assert inbox.choose_next(["a", "b", "c"], ["a", "c"], after="b") == "c"
    assert inbox.choose_next(["a", "b", "c"], ["a"], after="c") == "a"


def test_the_next_card_is_the_oldest_where_the_order_does_not_help():
    assert inbox.choose_next([], ["x", "y"], after=None) == "x"
    assert inbox.choose_next(["a"], ["x"], after="a") == "x"
    assert inbox.choose_next(["a"], ["b", "x"], after="b") == "x"
    assert inbox.choose_next(["a"], ["a"], after="a") == "a"  # it was voted on alone
    assert inbox.choose_next(["a", "b"], [], after="a") is None
