"""A request that was begun and never answered is lost after a while, an answered one never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from interlock.core.model.kept_answers import LONGEST, KeptAnswer

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def test_a_request_is_lost_once_nobody_can_be_at_it_any_more():
    begun = KeptAnswer(fingerprint="f", begun_at=NOW, headers={})
    assert not begun.is_lost(NOW + LONGEST)
    assert begun.is_lost(NOW + LONGEST + timedelta(seconds=1))


def test_an_answered_request_is_never_lost():
    answered = KeptAnswer(fingerprint="f", begun_at=NOW, status=200, headers={}, body="{}")
    assert not answered.is_lost(NOW + timedelta(days=1))
