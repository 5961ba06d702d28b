from __future__ import annotations

from datetime import UTC, datetime

from interlock.core.model import tours
from interlock.core.model.tours import STEPS, TourStatus, TourStep

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def test_a_tour_begins_at_its_first_step():
    tour = tours.begin("ann", now=NOW)
    assert (tour.status, tour.step, tour.begun_at) == (TourStatus.OPEN, TourStep.LAUNCH, NOW)
    assert not tour.seen


def test_it_goes_through_all_steps_and_is_done():
    tour, shown = tours.begin("ann", now=NOW), []
    while tour.status is TourStatus.OPEN:
        shown.append(tour.step)
        tour = tours.go_on(tour)
    assert list(STEPS) == shown
    assert TourStatus.DONE is tour.status
    assert set(STEPS) == tour.seen


def test_it_is_left_and_resumed_where_it_was():
    tour = tours.go_on(tours.begin("ann", now=NOW))
    left = tours.leave(tour)
    assert TourStatus.LEFT is left.status
    again = tours.show(left, left.step)
    assert (again.status, again.step) == (TourStatus.OPEN, TourStep.DECIDE)
    assert {TourStep.LAUNCH} == again.seen


def test_any_step_can_be_turned_to():
    tour = tours.show(tours.begin("ann", now=NOW), TourStep.REWIND)
    assert TourStep.REWIND is tour.step
    assert not tour.seen
