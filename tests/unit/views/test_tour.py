from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from interlock.core.model import tours
from interlock.core.model.demonstration import Demonstration
from interlock.core.model.tours import STEPS, TourFacts, TourStep
from interlock.dashboard.views import tour as views

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
PLAYING = Demonstration(seed=7, per_minute=6, faults=frozenset(), begun_at=NOW)
FAILING = replace(PLAYING, faults=frozenset({views.TRIPPED}))
BEGUN = tours.begin("ann", now=NOW)
FULL = TourFacts(card="card-1", question="card-2", thread="thread-1")
LAUNCH = ("launch", {"workflow": "refund_desk"})


def leads(step, facts=FULL, playing=PLAYING):
    view = views.build(tours.show(BEGUN, step), facts, playing)
    assert view.shown is not None
    return [(link.page, dict(link.params)) for link in view.shown.links]


def test_who_has_not_begun_is_offered_the_tour():
    view = views.build(None, TourFacts(), PLAYING)
    assert (view.offer, view.place, view.shown) == ("Take the tour", "", None)
    assert [step.step for step in view.steps] == list(STEPS)
    assert views.topics_of(None) == ("demonstration",)


def test_a_tour_that_was_left_is_resumed_where_it_was():
    left = tours.leave(tours.show(BEGUN, TourStep.FIGURES))
    view = views.build(left, TourFacts(), PLAYING)
    assert (view.offer, view.place, view.is_resumed) == ("Resume the tour", "3 of 7", True)
    assert view.shown is None


def test_a_tour_that_is_done_is_offered_again():
    done = tours.go_on(tours.show(BEGUN, STEPS[-1]))
    view = views.build(done, TourFacts(), PLAYING)
    assert (view.offer, view.place, view.shown) == ("Take the tour again", "", None)


def test_a_step_under_way_says_where_it_is_and_whether_it_was_done():
    first = views.build(BEGUN, TourFacts(done=frozenset({TourStep.LAUNCH})), PLAYING)
    assert (first.offer, first.place, first.has_back, first.next_label) == (
        "",
        "1 of 7",
        False,
        "Next",
    )
    assert first.shown is not None
    assert first.shown.is_done
    last = views.build(tours.show(BEGUN, STEPS[-1]), TourFacts(), PLAYING)
    assert (last.place, last.has_back, last.next_label) == ("7 of 7", True, "Finish")


def test_only_what_the_shown_step_looks_at_draws_it_again():
    assert views.topics_of(BEGUN) == ("demonstration", "runs")
    assert views.topics_of(tours.show(BEGUN, TourStep.FIGURES)) == ("demonstration",)
    assert views.topics_of(tours.leave(BEGUN)) == ("demonstration",)


def test_back_stays_at_the_first_step():
    assert views.step_before(TourStep.LAUNCH) is TourStep.LAUNCH
    assert views.step_before(TourStep.COMPARE) is TourStep.REWIND


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (TourStep.LAUNCH, LAUNCH),
        (TourStep.DECIDE, ("inbox", {"approval_id": "card-1"})),
        (TourStep.FIGURES, ("figures", {"window": "7d"})),
        (TourStep.CACHE, ("caches", {})),
        (TourStep.REWIND, ("history", {"thread": "thread-1"})),
        (TourStep.COMPARE, ("what_if", {"card": "card-2"})),
    ],
)
def test_a_step_leads_to_the_live_thing(step, expected):
    assert leads(step)[0] == expected


@pytest.mark.parametrize("step", [TourStep.DECIDE, TourStep.REWIND, TourStep.COMPARE])
def test_where_nothing_is_there_yet_a_step_leads_to_what_makes_it(step):
    assert leads(step, TourFacts()) == [LAUNCH]


def test_the_breaker_step_follows_what_happens():
    tripped = TourFacts(done=frozenset({TourStep.BREAKER}))
    switch, board = ("demonstration", {}), ("breakers", {})
    launch = ("launch", {"workflow": "market_data"})
    assert leads(TourStep.BREAKER) == [switch, board]
    assert leads(TourStep.BREAKER, playing=FAILING) == [launch, board]
    assert leads(TourStep.BREAKER, tripped, FAILING) == [switch, board]
    assert leads(TourStep.BREAKER, tripped) == [board, launch]
