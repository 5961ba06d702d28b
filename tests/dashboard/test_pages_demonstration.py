"""The demonstration's page and the tour in the frame, drawn without a browser."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from interlock.core.model.demonstration import Service
from interlock.core.model.tours import TourStatus, TourStep
from interlock.core.services import demonstrating, touring
from interlock.core.store import audit, engine
from interlock.dashboard import deps, keys


@pytest.fixture
def playing(app):
    """The application with a demonstration that plays in it."""
    demonstrating.begin(app, seed=7, per_minute=6)
    demonstrating.tell_alive(app)
    return app


def press(at: AppTest, act: str, place: str = "strip") -> AppTest:
    return at.button(key=keys.tour_act(act, place)).click().run()


def tour_of(app):
    return touring.read(app, actor=deps.actor())


def test_real_work_shows_nothing_of_a_demonstration(seed, open_page):
    seed.worker()
    at = open_page("demonstration")
    assert not at.exception
    assert any("No demonstration plays here" in each.value for each in at.main.markdown)
    assert keys.tour_act("take", "strip") not in {button.key for button in at.sidebar.button}


def test_the_tour_is_taken_left_and_resumed_on_any_page(playing, seed, open_page):
    seed.workflow()
    seed.worker()
    at = open_page("overview")
    assert at.button(key=keys.tour_act("take", "strip")).label == "Take the tour"
    at = press(press(at, "take"), "next")
    assert not at.exception
    assert any("Decide what it asks" in each.value for each in at.sidebar.markdown)
    at = press(at, "leave")
    assert tour_of(playing).status is TourStatus.LEFT
    assert at.button(key=keys.tour_act("take", "strip")).label == "Resume the tour: 2 of 7"
    press(press(at, "take"), "back")
    assert tour_of(playing).step is TourStep.LAUNCH


def test_the_rate_and_the_services_are_switched_under_a_name(playing, seed, open_page):
    seed.worker()
    at = open_page("demonstration")
    assert not at.exception
    at.segmented_control(key=keys.demo_rate()).set_value(30).run()
    at.toggle(key=keys.demo_fault(Service.MARKET)).set_value(True).run()
    found = demonstrating.read(playing)
    assert (found.per_minute, found.faults) == (30, {Service.MARKET})
    assert any("fails" in each.value for each in at.main.markdown)
    at.toggle(key=keys.demo_fault(Service.MARKET)).set_value(False).run()
    with engine.read(playing.engine) as conn:
        entries = audit.fetch_many(conn, limit=3)
    assert {entry.actor for entry in entries} == {deps.actor()}
    assert [e.action for e in entries] == ["demo:mend", "demo:fail", "demo:rate"]


def test_show_me_turns_the_tour_to_the_step_and_leads_there(playing, seed, open_page):
    seed.worker()
    card = seed.card()
    at = open_page("demonstration")
    at.button(key=keys.tour_show(TourStep.DECIDE)).click().run()
    assert not at.exception
    assert at.query_params["approval_id"] in (card.approval_id, [card.approval_id])
    assert tour_of(playing).step is TourStep.DECIDE
