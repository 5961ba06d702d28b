"""What is told of a claim, and what a note and a span may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.model import claims
from interlock.core.model.claims import Claim

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def claim(**fields):
    return Claim(approval_id="a1", person="ann", claimed_at=NOON, until=NOON, **fields)


def test_who_is_refused_is_told_who_has_it_until_when_and_how_to_go_on():
    told = claims.refuse(claim())
    assert told.message == "ann has this card until 12:00:00 UTC. Nothing was decided."
    assert "--take-over" in told.hint
    assert told.winner == {
        "approval_id": "a1",
        "claimed_by": "ann",
        "claimed_until": "2026-01-05T12:00:00+00:00",
        "assigned_by": None,
    }
    given = claims.refuse(claim(assigned_by="ben"), "It stays.")
    assert given.message == "ann has this card until 12:00:00 UTC, given by ben. It stays."


def test_a_note_is_short_and_where_it_is_needed_there():
    assert claims.read_note("  mine ") == "mine"
    assert claims.read_note("") == ""
    assert claims.read_note("why", is_needed=True) == "why"
    with pytest.raises(InvalidInput, match="takes a note"):
        claims.read_note(" ", is_needed=True)
    with pytest.raises(InvalidInput, match="too long"):
        claims.read_note("x" * (claims.MAX_NOTE + 1))


@pytest.mark.parametrize("span", [claims.SHORTEST, timedelta(hours=4), claims.LONGEST])
def test_a_card_is_given_away_for_a_minute_to_a_week(span):
    assert claims.read_span(span) == span


@pytest.mark.parametrize("span", [timedelta(seconds=59), timedelta(days=7, seconds=1)])
def test_a_card_is_not_given_away_for_less_or_more(span):
    with pytest.raises(InvalidInput, match="so long"):
        claims.read_span(span)
