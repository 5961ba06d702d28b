"""The caches page: figures, rows, what may be cleared, and what is said where there is nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.core.model.caches import CacheFigures, Clearing, Counts, Place
from interlock.dashboard.views import caches

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BUSY = CacheFigures(
    place=Place("quotes", "price"),
    counts=Counts(
        memory_hits=2,
        database_hits=1,
        redis_hits=1,
        semantic_hits=1,
        misses=5,
        stores=4,
        evictions=1,
        saved_ms=2500,
        saved_cost=0.5,
    ),
    entries=3,
    size_bytes=1500,
    max_entries=1000,
    trend=(None, 0.5, None, 1.0),
)
IDLE = CacheFigures(place=Place("quotes", "tax"), counts=Counts(), entries=0, size_bytes=0)


def build(*found, window="90 days"):
    return caches.build(found, events=["prices"], window=window, now=NOW)


def test_figures_add_up_over_all_caches():
    view = build(BUSY, IDLE)
    said = {figure.label: (figure.value, figure.note) for figure in view.figures}
    assert said["Hit rate"] == ("50.0 %", "of 10 lookups")
    assert said["Hits"] == ("5", "2 memory, 1 database, 1 Redis, 1 by meaning")
    assert said["Misses"] == ("5", "4 stored")
    assert said["Time saved"] == ("2.50 s", "cost saved 0.5")
    assert said["Entries"] == ("3", "1.5 kB, 1 let go")
    assert view.empty is None


def test_a_cache_that_was_not_asked_has_dashes():
    row = build(IDLE).rows[0]
    assert row.cells["Hit rate"] == caches.NOTHING
    assert (
        row.cells["Time saved"] == row.cells["Tiers"] == row.cells["Cost saved"] == caches.NOTHING
    )
    assert (row.cells["Entries"], row.cells["Size"], row.trend) == ("0", "0 B", ())
    assert [f.note for f in build(IDLE).figures if f.label == "Time saved"] == ["no cost known"]


def test_a_row_says_its_bound_and_draws_no_holes():
    row = build(BUSY).rows[0]
    assert row.cells["Entries"].startswith("3 of 1")
    assert row.trend == (0.5, 0.5, 1.0)


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [(999, "999 B"), (150_000, "150 kB"), (2_500_000, "2.5 MB"), (3e9, "3.0 GB")],
)
def test_sizes_have_their_unit(size_bytes, said):
    figures = CacheFigures(place=IDLE.place, counts=Counts(), entries=1, size_bytes=int(size_bytes))
    assert build(figures).rows[0].cells["Size"] == said


def test_the_window_names_the_trend():
    assert build(BUSY, window="24 h").trend_title == "Hit rate, last 24 h"
    assert build(BUSY).trend_title == "Hit rate, last hour"


def test_the_table_is_told_in_words_and_saved_whole():
    view = build(BUSY)
    assert "quotes/price: hit rate 50.0 %, 5 hits, 5 misses, 3 entries" in view.alt
    assert view.sheet.rows[0][:4] == ("quotes", "price", 0.5, 5)


def test_an_empty_page_says_what_would_fill_it():
    view = build()
    assert "interlock.toml" in view.empty.text
    assert (view.rows, view.alt, view.choices[0].place) == ((), "No cache.", None)


def test_what_is_chosen_is_what_is_cleared():
    assert [c.label for c in build(BUSY).choices] == ["All caches", "quotes/price"]
    assert caches.read_clearing(None, " ", caches.NO_EVENT) == (Clearing(), None)
    assert caches.read_clearing(BUSY.place, "*tea*", "prices") == (
        Clearing(workflow="quotes", path="price", pattern="*tea*"),
        "prices",
    )
    assert caches.read_clearing(None, None, None) == (Clearing(), None)


def test_what_came_of_it_is_said():
    assert caches.say_cleared(1) == "1 entry cleared, in every worker."
    assert caches.say_cleared(0).startswith("Nothing was held")
