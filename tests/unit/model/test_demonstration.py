from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.gallery import faults
from interlock.core.model import demonstration
from interlock.core.model.demonstration import Demonstration, Service

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
PLAYS = Demonstration(seed=7, per_minute=6, faults=frozenset(), begun_at=NOW)


@pytest.mark.parametrize("rate", [0, 6, demonstration.MAX_PER_MINUTE])
def test_a_rate_within_the_bounds_is_taken(rate):
    assert rate == demonstration.check_rate(rate)


@pytest.mark.parametrize("rate", [-1, demonstration.MAX_PER_MINUTE + 1])
def test_another_rate_is_refused_with_the_bounds(rate):
    with pytest.raises(InvalidInput, match=f"from 0 to {demonstration.MAX_PER_MINUTE}"):
        demonstration.check_rate(rate)


def test_the_services_are_those_that_the_gallery_stands_in_for():
    assert set(faults.SERVICES) == {str(service) for service in Service}
    assert Service.PAYMENTS is demonstration.read_service("payments")


def test_a_service_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(InvalidInput, match=r"no service 'bank'\..*payments"):
        demonstration.read_service("bank")


def test_what_gave_no_sign_of_life_lately_is_silent():
    beats = replace(PLAYS, beat_at=NOW)
    assert PLAYS.is_silent(NOW)
    assert not beats.is_silent(NOW + demonstration.SILENT_AFTER)
    assert beats.is_silent(NOW + demonstration.SILENT_AFTER + timedelta(seconds=1))
