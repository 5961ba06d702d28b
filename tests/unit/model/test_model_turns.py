from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.failure_kinds import FailureKind
from interlock.core.model.model_turns import OUTAGE_S, Lineup
from interlock.core.model.policies import ModelRules, StandIn

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
POET = StandIn(model="poet")
CLAUDE = StandIn(provider="anthropic", model="claude")


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_model_is_named_in_short_or_in_full():
    short = ModelRules(then=["anthropic:claude", "poet", {"model": "llama3:8b", "key": "K"}]).then
    assert short == (CLAUDE, POET, StandIn(model="llama3:8b", key="K"))
    assert [each.label for each in short] == ["anthropic:claude", "poet", "llama3:8b"]


def test_those_that_rest_are_asked_last_the_one_that_is_back_first_before_the_others():
    lineup = Lineup("bard", [POET, CLAUDE])
    assert lineup.order(NOON) == [0, 1, 2]
    lineup.let_rest(0, FailureKind.RATE_LIMIT, NOON, asked_s=90)
    lineup.let_rest(1, FailureKind.RATE_LIMIT, NOON, asked_s=None)
    assert lineup.order(NOON) == [2, 1, 0]
    assert lineup.find_rest(0, NOON) == later(90)
    assert lineup.order(later(61)) == [1, 2, 0]
    assert lineup.order(later(90)) == [0, 1, 2]
    assert lineup.find_rest(0, later(90)) is None
    assert lineup.find_rest(2, NOON) is None


@pytest.mark.parametrize(
    ("kind", "asked_s", "rests_s"),
    [
        (FailureKind.SERVER, None, OUTAGE_S),
        (FailureKind.SERVER, 40, 40),
        (FailureKind.NETWORK, None, OUTAGE_S),
        (FailureKind.RATE_LIMIT, None, 60),
    ],
)
def test_an_outage_rests_a_provider_shortly_and_what_it_asks_for_holds(kind, asked_s, rests_s):
    lineup = Lineup("bard", [POET])
    lineup.let_rest(0, kind, NOON, asked_s=asked_s)
    assert lineup.find_rest(0, NOON) == later(rests_s)


def test_what_the_call_itself_did_wrong_rests_nobody():
    lineup = Lineup("bard", [POET])
    lineup.let_rest(0, FailureKind.BAD_INPUT, NOON, asked_s=None)
    assert lineup.order(NOON) == [0, 1]
