from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from interlock.core import gallery
from interlock.core.model.breaker import Breaker, BreakerState
from interlock.core.model.demonstration import Demonstration, Service
from interlock.core.model.policies import BreakerRules
from interlock.dashboard.views import demonstration as views

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
PLAYING = Demonstration(
    seed=7,
    per_minute=6,
    faults=frozenset({Service.MARKET}),
    begun_at=NOW - timedelta(minutes=4),
    filled_at=NOW,
    beat_at=NOW,
)


def build(playing=PLAYING, breakers=()):
    return views.build(playing, breakers, now=NOW)


def test_it_says_what_plays():
    view = build()
    assert "begun 4 min ago, seed 7" in view.about
    assert view.notice is None
    assert (view.rate, view.rates) == (6, views.RATES)


def test_a_rate_that_was_set_elsewhere_can_be_seen():
    assert build(replace(PLAYING, per_minute=20)).rates == (0, 3, 6, 12, 20, 30, 60)


def test_a_week_that_is_being_filled_in_is_said():
    filling = build(replace(PLAYING, filled_at=None))
    assert filling.notice is not None
    assert "being filled in" in filling.notice.text
    assert "filled in" in filling.about


def test_that_nothing_plays_is_said_first():
    silent = build(replace(PLAYING, filled_at=None, beat_at=NOW - timedelta(minutes=1)))
    assert silent.notice is not None
    assert silent.notice.weight == "warning"
    assert "Nothing plays it" in silent.notice.text


def test_each_service_has_its_switch_and_the_breaker_before_it():
    feed = Breaker(
        name="market feed",
        rules=BreakerRules(failures=5, reset_s=20),
        state=BreakerState.OPEN,
        updated_at=NOW,
    )
    found = {each.service: each for each in build(breakers=[feed]).services}
    assert list(found) == list(Service)
    market, mail = found[Service.MARKET], found[Service.MAIL]
    assert (market.label, market.is_failing) == ("Make the market data fail", True)
    assert market.look is not None
    assert market.look.word == "open"
    assert (mail.is_failing, mail.look) == (False, None)


def test_the_breakers_are_those_of_the_shipped_policies():
    path = Path(gallery.__file__).parent / "interlock.toml"
    policies = tomllib.loads(path.read_text(encoding="utf-8"))["workflow"]
    named = {str(breaker["name"]) for breaker in _find_breakers(policies)}
    assert named == {each.about.split("Breaker ")[1].rstrip(":") for each in build().services}


def _find_breakers(part):
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        if key == "breaker":
            yield value
        else:
            yield from _find_breakers(value)


def test_no_new_work_is_a_rate_with_a_word():
    assert [views.say_rate(0), views.say_rate(12)] == ["Off", "12"]
