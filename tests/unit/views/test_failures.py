from __future__ import annotations

from interlock.core.model.run_lists import FailureGroup, Told
from interlock.core.model.runs import Failure, RunStatus
from interlock.dashboard.views import failures


def group(make, count, **run):
    given = {"status": RunStatus.FAILED, "error": Failure("ConnectionError", "no\n*route*")} | run
    return FailureGroup(
        error_type="ConnectionError",
        count=count,
        newest_at=make.ago(minutes=4),
        newest=make.run(**given),
    )


def test_a_group_says_how_many_why_and_what_would_be_done(make):
    (row,) = failures.build_rows([group(make, 1200)], now=make.now)
    assert row.error_type == row.title == "ConnectionError"
    assert row.count == "1\N{NARROW NO-BREAK SPACE}200 runs"
    assert (row.newest, row.example) == ("4 min ago", "no *route*")
    assert row.retry == "Retry the oldest 500"
    (row,) = failures.build_rows([group(make, 3)], now=make.now)
    assert (row.retry, row.cancel) == ("Retry all 3", "Cancel all 3")
    (row,) = failures.build_rows([group(make, 1, error=None)], now=make.now)
    assert (row.count, row.retry, row.example) == ("1 run", "Retry it", "")


def test_a_report_names_each_run_with_which_nothing_was_done():
    told = [Told(run_id="r1", new_run_id="r2"), Told(run_id="r3", refusal="It went on.")]
    found = failures.report("Retried", "ConnectionError", told)
    assert found.text == "Retried 1 of 2 runs that failed with ConnectionError."
    assert [(r.run_id, r.reason) for r in found.refusals] == [("r3", "It went on.")]
    assert not found.left_out


def test_a_report_of_one_run_and_of_too_many_refusals():
    one = failures.report("Cancelled", "E", [Told(run_id="r1")])
    assert one.text == "Cancelled 1 run that failed with E."
    many = [Told(run_id=f"r{n}", refusal="no") for n in range(failures.REFUSALS_COUNT + 2)]
    found = failures.report("Cancelled", "E", many)
    assert len(found.refusals) == failures.REFUSALS_COUNT
    assert found.left_out == "and 2 more runs for which nothing was done"
