"""What is said of threads that another application moves, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.history import AttachedSource
from interlock.core.model.threads import Origin, Thread
from interlock.dashboard.views import attached

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
SOURCE = AttachedSource(
    source_id="s",
    address="postgresql://reader@db/agents",
    looked_at=NOW - timedelta(seconds=20),
    took_ms=71.4,
    thread_count=3000,
    unknown_count=0,
)
THREAD = Thread(
    thread_id="t1",
    workflow="refund",
    head_checkpoint_id="c1",
    last_run_id=None,
    created_at=NOW,
    updated_at=NOW,
    origin=Origin.ATTACHED,
)


def say(thread, *, is_open=True):
    return attached.say_of_thread(thread, is_open=is_open)


def test_a_question_of_another_applications_thread_says_what_is_not_promised():
    notice = say(THREAD)
    assert (notice.weight, notice.text) == ("info", attached.SHARED)


@pytest.mark.parametrize(
    ("thread", "options"),
    [
        (THREAD, {"is_open": False}),
        (replace(THREAD, origin=Origin.OWN), {}),
        (None, {}),
    ],
)
def test_where_nobody_else_answers_nothing_is_said(thread, options):
    assert say(thread, **options) is None


def test_a_thread_that_can_be_read_only_says_why_inertly():
    notice = say(replace(THREAD, trouble="its graph *x* is not in the config."), is_open=False)
    assert (notice.weight, notice.detail) == ("warning", "Its graph *x* is not in the config.")


def test_the_source_says_what_was_found_and_when():
    notice = attached.say_of_source(SOURCE, now=NOW)
    assert "3,000 threads" in notice.text.replace("\u202f", ",").replace("\u2009", ",")
    assert "71 ms" in notice.text
    assert "not known" not in notice.text
    assert notice.detail == SOURCE.address
    some = attached.say_of_source(replace(SOURCE, unknown_count=7), now=NOW)
    assert "Of 7 the graph is not known" in some.text


def test_a_source_that_is_not_there_says_so():
    assert attached.say_of_source(None, now=NOW).text == attached.NOT_YET
    broken = replace(SOURCE, error="refused")
    assert attached.say_of_source(broken, now=NOW).detail == "refused"
    assert attached.say_shortly(None) == "Attached to another application."
    assert attached.say_shortly(broken) == attached.NOT_READ
    assert attached.say_shortly(SOURCE).startswith("Attached: 3")
