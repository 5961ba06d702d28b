from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.errors import BreakerOpen
from interlock.core.model.breaker import (
    MAX_NAME_CHARS,
    PROBE_LEASE_S,
    Answer,
    Breaker,
    BreakerState,
    Order,
    Outcome,
    Pass,
    Served,
    ask,
    conclude,
    count_recent,
    join_served,
    judge,
    name_breaker,
    obey,
    say_cause,
    start_probe,
    wait_until,
)
from interlock.core.model.policies import BreakerRules

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
RULES = BreakerRules(failures=3, window_s=60, reset_s=30)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def breaker(**changes) -> Breaker:
    return replace(Breaker(name="payments", rules=RULES), **changes)


def fail(one: Breaker, seconds: float) -> Breaker:
    return conclude(one, Pass(one.epoch), Outcome.FAILURE, at(seconds))


def opened() -> Breaker:
    return fail(fail(fail(breaker(), 0), 1), 2)


def test_it_opens_with_the_failure_that_reaches_the_limit():
    two = fail(fail(breaker(), 0), 1)
    assert (two.state, ask(two, at(1))) == (BreakerState.CLOSED, Answer.PASS)
    three = fail(two, 2)
    assert (BreakerState.OPEN, at(2), at(32)) == (three.state, three.opened_at, three.retry_at)
    assert ask(three, at(31.9)) == Answer.REFUSE
    assert at(32) == wait_until(three, at(5))


def test_failures_count_only_within_the_window():
    late = fail(fail(fail(breaker(), 0), 1), 60)
    assert late.state == BreakerState.CLOSED
    assert (at(1), at(60)) == late.failures
    assert (at(60),) == count_recent(late, at(61))
    assert len(count_recent(opened(), at(1000))) == 3, "those that opened it are kept"


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.NEUTRAL])
def test_a_call_that_did_not_fail_changes_nothing(outcome):
    two = fail(fail(breaker(), 0), 1)
    assert conclude(two, Pass(two.epoch), outcome, at(2)) is two


def test_a_call_that_began_before_it_opened_says_nothing():
    one = opened()
    assert conclude(one, Pass(0), Outcome.FAILURE, at(3)) is one
    closed = obey(one, Order.RESET, at(3))
    assert conclude(closed, Pass(0), Outcome.FAILURE, at(4)) is closed


def test_one_probe_follows_the_reset_time_and_keeps_others_out():
    one = opened()
    assert ask(one, at(32)) == Answer.PROBE
    probed = start_probe(one, "p1", at(32))
    assert (BreakerState.HALF_OPEN, one.epoch + 1) == (probed.state, probed.epoch)
    assert ask(probed, at(32 + PROBE_LEASE_S - 1)) == Answer.REFUSE
    assert at(32 + PROBE_LEASE_S) == wait_until(probed, at(33))
    assert ask(probed, at(32 + PROBE_LEASE_S)) == Answer.PROBE, "its worker died"


def test_a_probe_that_goes_well_closes_it():
    probed = start_probe(opened(), "p1", at(32))
    closed = conclude(probed, Pass(probed.epoch, "p1"), Outcome.SUCCESS, at(33))
    assert (
        closed.state,
        closed.failures,
        closed.opened_at,
        closed.probe_by,
    ) == (BreakerState.CLOSED, (), None, None)


def test_a_probe_that_fails_opens_it_again():
    probed = start_probe(opened(), "p1", at(32))
    again = conclude(probed, Pass(probed.epoch, "p1"), Outcome.FAILURE, at(33))
    assert (BreakerState.OPEN, at(2), at(63)) == (again.state, again.opened_at, again.retry_at)


def test_a_probe_that_was_interrupted_leaves_its_place():
    probed = start_probe(opened(), "p1", at(32))
    free = conclude(probed, Pass(probed.epoch, "p1"), Outcome.NEUTRAL, at(33))
    assert (free.state, ask(free, at(33))) == (BreakerState.HALF_OPEN, Answer.PROBE)
    assert at(34) == wait_until(free, at(34))


def test_a_probe_that_lost_its_lease_decides_nothing():
    first = start_probe(opened(), "p1", at(32))
    second = start_probe(first, "p2", at(100))
    for outcome in Outcome:
        assert conclude(second, Pass(first.epoch, "p1"), outcome, at(101)) is second
    reset = obey(second, Order.RESET, at(102))
    assert conclude(reset, Pass(second.epoch, "p2"), Outcome.FAILURE, at(103)) is reset


def test_held_open_it_lets_nothing_through_until_it_is_reset():
    held = obey(breaker(), Order.OPEN, at(0))
    assert (BreakerState.OPEN, at(0), None) == (held.state, held.opened_at, held.retry_at)
    assert ask(held, at(1e6)) == Answer.REFUSE
    assert wait_until(held, at(1)) is None
    assert ask(obey(held, Order.RESET, at(2)), at(2)) == Answer.PASS


def test_holding_an_open_one_keeps_since_when_it_is():
    assert at(2) == obey(opened(), Order.OPEN, at(9)).opened_at


def test_held_closed_it_counts_and_never_opens():
    held = obey(opened(), Order.CLOSE, at(3))
    for second in range(4, 14):
        held = fail(held, second)
    assert (
        held.state,
        len(held.failures),
        ask(held, at(14)),
    ) == (BreakerState.CLOSED, 3, Answer.PASS)


def test_a_breaker_is_called_by_its_rules_or_by_what_it_stands_before():
    node, tool = Served("refunds", "team/charge"), Served("refunds", "tools", "search")
    assert name_breaker(RULES, node) == "refunds/team/charge"
    assert name_breaker(RULES, tool) == "refunds/tools:search"
    assert name_breaker(BreakerRules(name="payments"), node) == "payments"


def test_a_name_that_is_too_long_is_cut_and_stays_its_own():
    one, other = (name_breaker(RULES, Served("w", "n" * 400 + end)) for end in "ab")
    assert (len(one), len(other)) == (MAX_NAME_CHARS, MAX_NAME_CHARS)
    assert one != other


class ParentCommand(Exception):
    pass


class GraphBubbleUp(Exception):
    pass


for _class in (ParentCommand, GraphBubbleUp):
    _class.__module__ = "langgraph.errors"


@pytest.mark.parametrize(
    ("error", "counted", "outcome"),
    [
        (None, "failures", Outcome.SUCCESS),
        (ParentCommand(), "any", Outcome.SUCCESS),
        (GraphBubbleUp(), "any", Outcome.NEUTRAL),
        (asyncio.CancelledError(), "any", Outcome.NEUTRAL),
        (BreakerOpen("no", name="other"), "any", Outcome.NEUTRAL),
        (TimeoutError(), "failures", Outcome.FAILURE),
        (ConnectionError(), "failures", Outcome.FAILURE),
        (RuntimeError("boom"), "failures", Outcome.FAILURE),
        (ValueError("a field is missing"), "failures", Outcome.NEUTRAL),
        (PermissionError(), "failures", Outcome.NEUTRAL),
        (ValueError("a field is missing"), "any", Outcome.FAILURE),
    ],
)
def test_an_end_is_judged_by_what_was_raised(error, counted, outcome):
    assert judge(error, BreakerRules(counts=counted)) is outcome


def test_a_cause_is_said_in_words():
    closed, probed = breaker(), start_probe(opened(), "p", at(32))
    assert say_cause(closed, opened()) == "3 failures within 60 s"
    once = breaker(rules=BreakerRules(failures=1))
    assert say_cause(once, fail(once, 0)) == "1 failure within 60 s"
    assert say_cause(opened(), probed) == "30 s are over: one probe is let through"
    assert say_cause(probed, opened()) == "the probe failed"
    assert say_cause(probed, closed) == "the probe went well"


def test_what_it_serves_is_joined_without_repeating():
    one, other = Served("w", "a"), Served("w", "b")
    assert (one, other) == join_served([one], [other, one])


acts = st.lists(
    st.tuples(
        st.floats(min_value=0, max_value=40),
        st.sampled_from(["call", *Order]),
        st.sampled_from(list(Outcome)),
        st.integers(min_value=0, max_value=3),  # how many acts later the call ends
    ),
    max_size=60,
)


@given(acts)
def test_whatever_happens_at_most_one_probe_is_in_flight_and_the_rules_hold(acts):
    one, now = breaker(), 0.0
    flying: list[tuple[int, Pass, Outcome]] = []
    for number, (wait, what, outcome, lasts) in enumerate(acts):
        now += wait
        before = one
        if isinstance(what, Order):
            one = obey(one, what, at(now))
            assert one.epoch == before.epoch + 1
        else:
            answer = ask(one, at(now))
            if answer is Answer.PASS:
                flying.append((number + lasts, Pass(one.epoch), outcome))
            elif answer is Answer.PROBE:
                assert one.probe_by is None or one.probe_until <= at(now)
                one = start_probe(one, f"p{number}", at(now))
                flying.append((number + lasts, Pass(one.epoch, f"p{number}"), outcome))
            else:
                assert one.state is not BreakerState.CLOSED
        for due, passed, ended in [each for each in flying if each[0] <= number]:
            flying.remove((due, passed, ended))
            one = conclude(one, passed, ended, at(now))
        assert (one.probe_by is None) == (one.probe_until is None)
        assert one.probe_by is None or one.state is BreakerState.HALF_OPEN
        assert one.epoch >= before.epoch
        assert (one.epoch > before.epoch) or one.state is before.state
        assert len(one.failures) <= RULES.failures
        assert one.state is not BreakerState.OPEN or (one.retry_at is None) == bool(one.forced)
        if one.state is BreakerState.CLOSED:
            assert one.opened_at is None
            assert one.forced or len(one.failures) < RULES.failures
