from __future__ import annotations

import pytest

from interlock.core.model.run_lists import RunCount
from interlock.core.model.runs import Failure, RunStatus
from interlock.dashboard.views import runs


def build(make, found, **more):
    given = {"group": "all", "is_filtered": False, "page": 1, "workflows": []} | more
    return runs.build(found, **given, now=make.now)


def test_a_failed_run_says_why_in_its_row(make):
    failed = make.run(
        status=RunStatus.FAILED,
        started_at=make.ago(seconds=10),
        ended_at=make.ago(seconds=8),
        error=Failure("ValueError", "no\nfunds"),
    )
    row = runs.build_run_row(failed, now=make.now)
    assert row.problem == "ValueError: no funds"
    assert row.took == "2.00 s"
    assert row.started == "4 min ago"


@pytest.mark.parametrize(
    ("status", "fields", "expected"),
    [
        (RunStatus.QUEUED, {}, "\u2013"),
        (RunStatus.RUNNING, {"started": 3}, "3.00 s"),
        (RunStatus.WAITING, {"started": 9, "ended": 4}, "5.00 s"),
        (RunStatus.WAITING, {"started": 9}, "\u2013"),
        (RunStatus.DONE, {"started": 4, "ended": 4.5}, "0 ms"),
    ],
)
def test_waiting_for_a_human_is_not_time_at_work(make, status, fields, expected):
    moments = {f"{name}_at": make.ago(seconds=s) for name, s in fields.items()}
    assert expected == runs.say_took(make.run(status=status, **moments), now=make.now)


def test_a_run_in_which_a_fallback_served_says_so(make):
    view = build(make, [make.run(is_degraded=True)])
    assert view.rows[0].problem == "Degraded: a fallback served"


def test_a_run_that_went_on_in_memory_says_so(make):
    found = [make.run(steps_in_memory=2), make.run("r2", steps_in_memory=2, is_degraded=True)]
    found.append(make.run("r3", may_have_repeated=True))
    assert [row.problem for row in build(make, found).rows] == [
        "Not durable for a while",
        "Degraded: a fallback served · Not durable for a while",
        "May have done steps again",
    ]


def test_one_more_than_a_page_means_there_is_an_older_page(make):
    found = [make.run(f"r{i}") for i in range(runs.PAGE_COUNT + 1)]
    view = build(make, found)
    assert len(view.rows) == runs.PAGE_COUNT
    assert view.has_more
    assert view.empty is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "Nothing has run yet"),
        ({"group": "failed"}, "No run fits"),
        ({"is_filtered": True}, "No run fits"),
        ({"page": 3}, "no older runs"),
    ],
)
def test_an_empty_list_says_why(make, more, words):
    assert words in build(make, [], **more).empty.text


def test_every_status_is_in_a_group():
    grouped = {s for group in runs.STATUS_GROUPS.values() for s in group}
    assert grouped == set(RunStatus)
    assert runs.GROUP_NAMES.keys() == runs.STATUS_GROUPS.keys()


def test_a_tab_says_how_many_are_behind_it():
    counts = dict.fromkeys(RunStatus, RunCount(0, is_all=True))
    counts[RunStatus.FAILED] = RunCount(3, is_all=True)
    counts[RunStatus.DONE] = RunCount(10_000, is_all=False)
    assert runs.name_group("failed", counts) == "Failed 3"
    assert runs.name_group("done", counts) == "Done 10\N{NARROW NO-BREAK SPACE}000+"
    assert runs.name_group("all", counts) == "All 10\N{NARROW NO-BREAK SPACE}003+"
