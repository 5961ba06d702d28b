from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.model.breaker import Breaker, BreakerEvent, BreakerState, Order, Served
from interlock.core.model.policies import BreakerRules
from interlock.core.services.tripping import SPANS_COUNT, Board, Traffic
from interlock.dashboard.palette import look_of_breaker
from interlock.dashboard.views import breakers
from interlock.dashboard.views.sheets import to_lines

RULES = BreakerRules(failures=3, reset_s=60)
QUIET = (Traffic(),) * SPANS_COUNT


@pytest.fixture
def open_breaker(make) -> Breaker:
    return Breaker(
        name="payments",
        rules=RULES,
        serves=(Served("shop", "charge"), Served("shop", "tools", "pay")),
        state=BreakerState.OPEN,
        failures=(make.ago(seconds=30),) * 3,
        opened_at=make.ago(seconds=30),
        retry_at=make.now + timedelta(seconds=30),
        short_circuited=1234,
        epoch=1,
        updated_at=make.ago(seconds=30),
    )


def closed(name="quote", **changes) -> Breaker:
    return replace(Breaker(name=name, rules=RULES, serves=(Served("shop", name),)), **changes)


def build(make, *found, events=(), traffic=None, order=(), span="1 h"):
    spans = {each.name: QUIET for each in found} | (traffic or {})
    board = Board(breakers=found, traffic=spans, events=events)
    return breakers.build(board, now=make.now, span=span, theme="light", order=order)


def busy(calls, errors=0, refused=0):
    return (*QUIET[1:], Traffic(calls, errors, refused))


def event(at, before, after, name="payments", **changes):
    return replace(BreakerEvent("e", name, at, before, after, "why"), **changes)


def test_nothing_to_show_says_what_would_fill_the_page(make):
    view = build(make)
    assert "interlock.toml" in view.empty.text
    assert (view.tiles, view.strip, view.summary) == ((), None, "")


def test_a_tile_says_how_it_stands_what_came_and_what_it_counts(make, open_breaker):
    (tile,) = build(make, open_breaker, traffic={"payments": busy(40, 30, 7)}).tiles
    assert tile.look == look_of_breaker(BreakerState.OPEN)
    assert tile.state == "Cut off for 30 s. Tries again: 0:30 left."
    assert tile.traffic == "40 calls in 2 min, 75.0 % failed, 7 refused."
    assert tile.counters == "3 of 3 failures · 1\N{NARROW NO-BREAK SPACE}234 refused in all"
    assert tile.serves == "shop/charge, shop/tools:pay"
    assert tile.rules.startswith("Opens at 3 failures within 1 m, tries again after 1 m; ")
    assert "last 47" in tile.spark.alt
    assert "75.0 %" in tile.circle.alt


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"forced": BreakerState.OPEN, "retry_at": None}, "Lets nothing through until"),
        ({"retry_at": None}, "Cut off for 30 s. The next call is tried."),
        ({"state": BreakerState.HALF_OPEN}, "The next call is tried."),
        ({"state": BreakerState.HALF_OPEN, "probe_by": "p"}, "One call is tried."),
        ({"state": BreakerState.CLOSED}, "Lets everything through."),
        (
            {"state": BreakerState.CLOSED, "forced": BreakerState.CLOSED},
            "Lets everything through until it is reset.",
        ),
    ],
)
def test_what_happens_next_is_said(make, open_breaker, changes, said):
    (tile,) = build(make, replace(open_breaker, **changes)).tiles
    assert tile.state.startswith(said)
    assert tile.traffic == "No calls in 2 min."


def test_a_retry_that_is_due_is_not_counted_down(make, open_breaker):
    (tile,) = build(make, replace(open_breaker, retry_at=make.ago(seconds=1))).tiles
    assert tile.state == "Cut off for 30 s. The next call is tried."


def test_what_is_held_is_said_and_not_offered_again(make, open_breaker):
    held = replace(open_breaker, forced=BreakerState.OPEN)
    (tile,) = build(make, held).tiles
    assert (tile.look.word, tile.look.icon) == ("held open", ":material/lock:")
    offers = {offer.order: bool(offer.why_not) for offer in tile.offers}
    assert offers == {Order.OPEN: True, Order.CLOSE: False, Order.RESET: False}


def test_a_fresh_one_has_nothing_to_reset_and_one_held_closed_has(make):
    fresh, held = build(make, closed("a"), closed("b", forced=BreakerState.CLOSED)).tiles
    assert [bool(offer.why_not) for offer in fresh.offers] == [False, False, True]
    assert [bool(offer.why_not) for offer in held.offers] == [False, True, False]


def test_cut_off_first_then_by_errors_then_by_volume(make, open_breaker):
    names = ["quiet", "some", "busy", "bad"]
    half = closed("half", state=BreakerState.HALF_OPEN)
    traffic = {"some": busy(5), "busy": busy(50), "bad": busy(2, 1)}
    view = build(make, *map(closed, names), half, open_breaker, traffic=traffic)
    standing = [tile.name for tile in view.tiles]
    assert standing == ["payments", "half", "bad", "busy", "some", "quiet"]
    assert view.summary == "1 open · 1 half open · 4 closed"


def test_tiles_stay_where_they_stand(make, open_breaker):
    view = build(make, closed("a"), open_breaker, closed("b"), order=["b", "payments", "gone"])
    assert [tile.name for tile in view.tiles] == ["b", "payments", "a"]


def test_the_strip_shows_the_states_one_after_the_other(make, open_breaker):
    events = [  # newest first
        event(make.ago(minutes=10), BreakerState.CLOSED, BreakerState.OPEN),
        event(make.ago(minutes=15), BreakerState.CLOSED, BreakerState.CLOSED, actor="ann"),
        event(make.ago(minutes=20), BreakerState.HALF_OPEN, BreakerState.CLOSED),
        event(make.ago(minutes=20), BreakerState.CLOSED, BreakerState.OPEN, name="gone"),
    ]
    view = build(make, open_breaker, closed(), events=events)
    states = [(row["name"], row["state"]) for row in to_lines(view.strip.sheet)]
    assert states == [
        ("payments", "half open"),
        ("payments", "closed"),
        ("payments", "open"),
        ("quote", "closed"),
    ]


def test_what_happened_is_told_with_who_and_why(make, open_breaker):
    events = [
        event(make.ago(minutes=1), BreakerState.OPEN, BreakerState.CLOSED, actor="ann"),
        event(make.ago(minutes=2), BreakerState.CLOSED, BreakerState.OPEN, run_id="r" * 40),
    ]
    view = build(make, open_breaker, events=events, span="24 h")
    assert [row["by"] for row in view.events] == ["ann", "the breaker itself"]
    assert [row["run"] for row in view.events] == ["\N{EN DASH}", "…rrrrrrrr"]
    assert view.event_runs == ("", "r" * 40)
    assert view.events_title == "What happened within 24 h"
    assert view.nothing_happened == ""
    quiet = build(make, open_breaker)
    assert quiet.nothing_happened == "No breaker changed its state within 1 h."
