"""What caches count, which entries a clearing takes, and when texts are near."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model import embedding
from interlock.core.model.caches import Asked, Clearing, Counts, Entry, Found, Place, Tier, trend_of

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
PLACE = Place("quotes", "team/price")
ENTRY = Entry(
    place=PLACE, namespace="n", key="k", encoding="json", value=b"1", cost_ms=40, created_at=NOW
)


def test_a_hit_counts_for_its_tier_and_what_it_saved():
    counts = Counts(misses=1)
    for tier in Tier:
        counts.add_hit(Found(entry=ENTRY, tier=tier))
    assert (counts.memory_hits, counts.database_hits) == (1, 1)
    assert (counts.redis_hits, counts.semantic_hits) == (1, 1)
    assert (counts.hits, counts.lookups, counts.hit_ratio) == (4, 5, 0.8)
    assert counts.saved_ms == 160


def test_counts_of_several_add_up():
    counts = Counts(misses=1, saved_ms=0.5)
    counts.add(Counts(misses=2, evictions=3, saved_ms=1))
    assert counts == Counts(misses=3, evictions=3, saved_ms=1.5)


def test_without_lookups_there_is_no_hit_ratio():
    assert Counts(stores=3).hit_ratio is None


def test_an_entry_expires_at_its_time_and_not_before():
    limited = replace(ENTRY, expires_at=NOW)
    assert [limited.has_expired(NOW), limited.has_expired(NOW - timedelta(seconds=1))] == [
        True,
        False,
    ]
    assert ENTRY.has_expired(NOW) is False
    assert Found(entry=ENTRY, tier=Tier.REDIS).origin == "redis"
    asked = Asked(place=PLACE, namespace="n", key="k")
    assert ENTRY.id == asked.id == ("n", "k")


@pytest.mark.parametrize(
    ("clearing", "takes"),
    [
        (Clearing(), True),
        (Clearing(workflow="quotes"), True),
        (Clearing(workflow="other"), False),
        (Clearing(path="team/price"), True),
        (Clearing(path="price"), False),
        (Clearing(places=(PLACE,)), True),
        (Clearing(places=()), False),
        (Clearing(pattern="quotes/*"), True),
        (Clearing(pattern="*tea*"), True),
        (Clearing(pattern="*coffee*"), False),
    ],
)
def test_a_clearing_takes_what_it_names(clearing, takes):
    assert clearing.takes(PLACE, "the price of tea") is takes
    assert clearing.needs_pattern is (clearing.pattern is not None)


def test_a_trend_has_a_hole_where_nothing_was_asked():
    minutes = {
        NOW: Counts(memory_hits=1, misses=1),
        NOW + timedelta(minutes=1): Counts(memory_hits=2),
        NOW + timedelta(minutes=9): Counts(misses=3),
    }
    starts = [NOW + timedelta(minutes=n) for n in (0, 2, 4)]
    assert trend_of(minutes, starts) == (0.75, None, 0.0)


def test_nearly_the_same_words_are_near_and_others_are_not():
    texts = ["What is your refund policy?", "what is your refund policy", "Reset my password"]
    same, near, far = (embedding.pack([v]) for v in embedding.embed(texts))
    assert embedding.find_nearest(same, [far, near]) == (1, pytest.approx(1.0))
    assert embedding.find_nearest(same, [far])[1] < 0.3


def test_several_texts_are_as_near_as_the_least_near_of_them():
    one, two, other = embedding.embed(["tea from Ceylon", "in pounds", "something else"])
    index, ratio = embedding.find_nearest(
        embedding.pack([one, two]), [embedding.pack([one, other])]
    )
    assert (index, ratio < 0.5) == (0, True)


def test_vectors_of_another_embedder_are_passed_over():
    wanted = embedding.pack(embedding.embed(["a text"]))
    others = [embedding.pack([[1.0, 0.0]]), embedding.pack(embedding.embed(["a", "b"])), b""]
    assert embedding.find_nearest(wanted, others) is None
    assert embedding.find_nearest(embedding.pack([]), [embedding.pack([])]) is None


def test_a_text_without_words_is_near_to_nothing():
    (nothing,) = embedding.embed(["?!"])
    assert set(nothing) == {0.0}
