"""Whose card is shown and who takes which runs, where workers differ in what they have."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.serving import (
    EVERYTHING,
    Coverage,
    Served,
    Version,
    find_current,
    find_foreign,
    find_gone,
    find_taken,
    fingerprint_of,
    share_of,
    tenant_of,
)
from interlock.core.model.workflows import Workflow

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OLD, NEW = "of monday", "of friday"
VERSIONS = {
    ("refunds", OLD): Version(NOW - timedelta(days=4), "here"),
    ("refunds", NEW): Version(NOW, "here"),
}


def card(**changes) -> Workflow:
    made = Workflow(
        name="refunds",
        error=None,
        description="",
        nodes=("a",),
        graph={},
        input_schema=None,
        context_schema=None,
        state_schema=None,
        channels=(),
        published_at=NOW,
    )
    return replace(made, **changes)


def test_a_card_is_the_same_version_whenever_it_was_published():
    assert fingerprint_of(card()) == fingerprint_of(card(published_at=NOW + timedelta(days=1)))
    assert fingerprint_of(card()) != fingerprint_of(card(nodes=("a", "b")))
    assert fingerprint_of(card(error="no module")) is None


@pytest.mark.parametrize(
    ("served", "shown"),
    [
        ([("w1", OLD), ("w2", NEW)], NEW),
        ([("w1", NEW), ("w2", OLD)], NEW),
        ([("w1", OLD), ("w2", None)], OLD),
        ([("w1", None), ("w2", OLD)], OLD),
        ([("w1", None)], None),
        ([("w1", OLD), ("w2", "never noted")], OLD),
    ],
)
def test_of_the_versions_that_are_served_the_one_that_came_last_is_shown(served, shown):
    assert find_current([Served(w, "refunds", f) for w, f in served], VERSIONS) == {
        "refunds": shown
    }


def test_a_workflow_is_foreign_that_others_can_carry_out_and_this_one_cannot():
    served = [
        Served("me", "refunds", NEW),
        Served("me", "broken here", None),
        Served("you", "refunds", OLD),
        Served("you", "broken here", NEW),
        Served("you", "yours", NEW),
        Served("you", "broken there", None),
    ]

    assert find_foreign(served, "me") == {"broken here", "yours"}


def test_a_worker_takes_what_it_serves_and_one_that_serves_all_what_nobody_else_can():
    refunds = Coverage(workflows=frozenset({"refunds", "broken"}))

    assert find_taken(["refunds"], ["yours"], EVERYTHING) is None
    assert find_taken(["refunds", "broken"], ["broken"], refunds) == {"refunds"}


def test_a_card_disappears_once_nobody_serves_it_and_this_worker_would():
    known = {"refunds": None, "gone": {"tenant": "emea"}, "yours": None}
    served = [Served("me", "refunds", NEW)]

    assert find_gone(known, served, [], is_only_project=True, coverage=EVERYTHING) == {
        "gone",
        "yours",
    }
    assert find_gone(known, served, ["gone"], is_only_project=False, coverage=EVERYTHING) == {
        "gone"
    }
    for part, gone in ({"emea"}, {"gone"}), ({"apac"}, set()):
        coverage = Coverage(tenants=frozenset(part))
        assert find_gone(known, served, [], is_only_project=True, coverage=coverage) == gone


def test_a_policy_names_a_tenant_or_none():
    assert [tenant_of(p) for p in (None, {"tenant": "emea"}, {"tenant": None})] == ["", "emea", ""]


def test_a_share_is_one_unless_the_policy_says_another():
    given = (None, {"share": 3}, {"share": None}, {"share": "3"}, {"share": 0}, {})
    assert [share_of(policy) for policy in given] == [1, 3, 1, 1, 1, 1]
