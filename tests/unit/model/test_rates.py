from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.core.model.policies import ModelRules, RateRules
from interlock.core.model.rates import limit_of_model, limits_of_call, limits_of_launch

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_launch_is_counted_for_everybody_and_for_its_user():
    policy = {"rate": {"per_user_hour": 100, "per_minute": 5}}
    minute, hour = limits_of_launch("refunds", policy, user="ann")
    assert [(each.count, each.window_s, each.user) for each in (minute, hour)] == [
        (5, 60, ""),
        (100, 3600, "ann"),
    ]
    other_minute, other_hour = limits_of_launch("refunds", policy, user="bob")
    assert (other_minute.key, other_hour.key != hour.key) == (minute.key, True)
    assert limits_of_launch("orders", policy, user="ann")[0].key != minute.key


@pytest.mark.parametrize("policy", [None, {}, {"rate": None}, {"rate": {}}, {"rate": {"new": 1}}])
def test_a_policy_without_a_rate_that_is_understood_limits_nothing(policy):
    assert limits_of_launch("refunds", policy, user="ann") == []


def test_a_refusal_says_the_limit_and_when_to_try_again():
    rules = RateRules(per_user_hour=100, per_minute=1)
    minute, hour = limits_of_call(
        rules, workflow="refunds", path="team/charge", tool="", user="ann"
    )
    assert minute.refuse(wait_s=0.2, now=NOON) == (
        "The node 'team/charge' is limited to 1 start a minute; try again at 12:00:00 UTC, in 1 s."
    )
    assert hour.refuse(wait_s=90, now=NOON) == (
        "The node 'team/charge' is limited to 100 starts an hour by one user, and 'ann' has had them;"
        " try again at 12:01:30 UTC, in 90 s."
    )
    assert hour.refuse(wait_s=3423, now=NOON).endswith("try again at 12:57:03 UTC, in 57 min.")
    assert hour.refuse_ever(300) == (
        "The node 'team/charge' is limited to 100 starts an hour, and these are 300 at once."
    )
    assert minute.refuse_ever(2).endswith("limited to 1 starts a minute, and these are 2 at once.")


def test_a_tool_has_a_limit_of_its_own():
    rules = RateRules(per_minute=1)
    (node,) = limits_of_call(rules, workflow="w", path="tools", tool="", user="ann")
    (tool,) = limits_of_call(rules, workflow="w", path="tools", tool="search", user="ann")
    assert node.key != tool.key
    assert tool.what == "The tool 'search' of 'tools'"


def test_calls_to_a_model_are_limited_where_its_rules_say_so():
    assert limit_of_model(ModelRules(in_flight=2), "gpt") is None
    limit = limit_of_model(ModelRules(per_minute=3), "gpt")
    assert (limit.what, limit.count, limit.window_s) == ("The model 'gpt'", 3, 60)
