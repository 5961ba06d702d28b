from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.model.breaker import Breaker, BreakerRules, BreakerState
from interlock.core.model.caches import Counts
from interlock.core.model.figures import Totals
from interlock.core.model.inbox_filters import COUNT_LIMIT
from interlock.core.model.workflows import WorkflowName
from interlock.dashboard.views import overview

from . import metric_figures as some


def row_of(make, breakers=(), totals=None, before=None, lookups=None, **counts):
    found = some.metrics()
    found = replace(found, totals=totals or found.totals, before=before or found.before)
    seen = make.overview(**counts)
    lookups = lookups or (Counts(), Counts())
    return overview.build_row_of_figures(seen, found, breakers, lookups, now=make.now)


def test_the_figures_say_what_waits_and_since_when_and_lead_to_their_pages(make):
    view = row_of(make, waiting=7, oldest_waiting_at=make.ago(minutes=12), running=23, queued=2)
    waiting, running, *_ = view.figures
    assert (waiting.label, waiting.value, waiting.note) == ("Waiting", "7", "oldest 12 min")
    assert waiting.alarm
    late = row_of(make, waiting=7, oldest_waiting_at=make.ago(minutes=12), overdue=2).figures[0]
    assert late.note == "2 overdue, oldest 12 min"
    assert (running.value, running.note) == ("23", "2 queued")
    assert [(f.link.page, dict(f.link.params)) for f in view.figures] == [
        ("inbox", {}),
        ("runs", {"status": "open"}),
        ("figures", {"window": "1h"}),
        ("figures", {"window": "1h"}),
        ("caches", {"window": "1 h"}),
        ("breakers", {}),
    ]


def test_quiet_hours_say_so_and_keep_a_line_for_what_may_come(make):
    view = row_of(make, totals=Totals(), before=Totals())
    waiting, _, failed, p95, cached, breakers = view.figures
    assert (waiting.note, waiting.alarm) == ("none waits", False)
    assert (failed.value, failed.alarm) == ("0", False)
    assert p95.change == cached.change == overview.NOTHING_BEFORE
    assert (breakers.value, breakers.note, breakers.alarm) == ("0", "of 0", False)
    assert view.notice is None


def test_the_hour_is_told_with_its_trend(make):
    now = Totals(completed=100, failed=2, p95_ms=1240.0)
    before = Totals(completed=100, started=100, p95_ms=1000.0)
    lookups = Counts(memory_hits=64, misses=36), Counts(memory_hits=3, misses=1)
    view = row_of(make, totals=now, before=before, lookups=lookups)
    _, _, failed, p95, cached, _ = view.figures
    assert (failed.value, failed.note, failed.alarm) == ("2", "in the last hour", True)
    assert (p95.value, p95.change.text, p95.change.is_bad) == ("1.24 s", "+24 %", True)
    assert (cached.value, cached.note) == ("64.0 %", "of 100, last hour")
    assert (cached.change.text, cached.change.is_bad) == ("-11.0 points", True)


def test_a_breaker_that_is_held_open_counts_as_open(make):
    away = Breaker(name="bank", rules=BreakerRules(), forced=BreakerState.OPEN)
    held = Breaker(
        name="mail", rules=BreakerRules(), state=BreakerState.OPEN, forced=BreakerState.CLOSED
    )
    figure = row_of(make, breakers=[away, held]).figures[-1]
    assert (figure.value, figure.note, figure.alarm) == ("1", "of 2", True)


def test_a_missing_worker_is_on_the_first_page(make):
    assert row_of(make, workers_alive=0, newest_heartbeat_at=None).notice is not None


def test_the_first_page_says_that_the_queue_stands(make):
    notice = row_of(make, queued=1, oldest_due_at=make.ago(minutes=2)).notice
    assert "not moving" in notice.text


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, None),
        (3, "2 more cards in the inbox"),
        (COUNT_LIMIT + 1, "Many more cards in the inbox"),
    ],
)
def test_what_is_not_listed_is_in_the_inbox(make, count, said):
    view = overview.build_waiting([make.card()], count, [], now=make.now)
    assert [row.title for row in view.rows] == ["Refund 620 EUR?"]
    assert (view.more and view.more.label) == said
    assert view.empty is None


def test_an_empty_inbox_offers_a_launch(make):
    view = overview.build_waiting([], 0, [make.workflow()], now=make.now)
    assert view.empty.link.label == "Launch the refund desk"


def test_every_loaded_workflow_can_be_picked_the_busiest_first():
    known = [
        WorkflowName(name="essay", error=None),
        WorkflowName(name="broken", error="no such module"),
        WorkflowName(name="refund_desk", error=None),
    ]
    assert overview.name_graphs(some.metrics(), known) == ("refund_desk", "essay")
