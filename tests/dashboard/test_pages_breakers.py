"""The breakers page, drawn without a browser: what is cut off, and the three things one may do about it."""

from __future__ import annotations

import pytest

from interlock.core.model.breaker import BreakerState, Order, Outcome, Pass, Served
from interlock.core.model.policies import BreakerRules
from interlock.core.services import tripping
from interlock.core.services.tripping import Wanted
from interlock.core.store import audit
from interlock.core.store.engine import read
from interlock.dashboard import keys

RULES = BreakerRules(failures=1, reset_s=30)
NAME = "pay *ments*"


@pytest.fixture
def open_breaker(app):
    tripping.enlist(app, [Wanted(NAME, RULES, (Served("shop", "charge"),))])
    tripping.tell(app, NAME, Pass(0), Outcome.FAILURE)


def texts(at):
    return [*(m.value for m in at.markdown), *(c.value for c in at.caption)]


def test_without_a_breaker_the_page_says_how_to_put_one(seed, open_page):
    seed.worker()
    at = open_page("breakers")
    assert not at.exception
    assert any("interlock" in text and "breaker" in text for text in texts(at))


@pytest.mark.usefixtures("open_breaker")
def test_a_breaker_is_shown_with_what_it_did_and_its_name_is_inert(seed, open_page):
    seed.worker()
    at = open_page("breakers", span="24 h")
    assert not at.exception
    assert r"**pay \*ments\***" in texts(at)
    assert any("Tries again" in text for text in texts(at))
    assert at.dataframe[-1].value["Why"].tolist() == ["1 failure within 60 s"]
    saves = {button.key for button in at.get("download_button")}
    places = ("breakers", "breaker-events")
    assert saves == {keys.metrics_save(place, e) for place in places for e in ("csv", "json")}


@pytest.mark.usefixtures("open_breaker")
def test_an_order_is_carried_out_with_its_reason_and_said(app, seed, open_page):
    seed.worker()
    at = open_page("breakers")
    at.text_input(key=keys.breaker_reason(NAME)).input("bank is back").run()
    at.button(key=keys.breaker_order(NAME, Order.RESET)).click().run()
    assert not at.exception
    (found,) = tripping.list_breakers(app)
    assert found.state is BreakerState.CLOSED
    with read(app.engine) as conn:
        (entry,) = audit.fetch_many(conn, limit=10)
    assert (entry.action, entry.reason) == ("breaker reset", "bank is back")
    assert any("is reset" in text for text in texts(at))
    assert at.text_input(key=keys.breaker_reason(NAME)).value == ""
    assert at.button(key=keys.breaker_order(NAME, Order.RESET)).disabled
