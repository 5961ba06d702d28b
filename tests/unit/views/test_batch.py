from __future__ import annotations

from datetime import UTC, datetime, timedelta

from interlock.core.errors import FieldProblem
from interlock.core.model.launch_batches import (
    BatchReport,
    BatchRun,
    CheckedFile,
    CheckedRow,
    LaunchBatch,
)
from interlock.core.model.runs import FailureLine, RunStatus
from interlock.dashboard.views import batch

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BATCH = LaunchBatch(
    batch_id="01a1ff7d-8743-73f7-be5e-60ea919e6c15",
    workflow="essay",
    source="topics.csv",
    row_count=4,
    created_at=NOW - timedelta(minutes=4),
    created_by="ann",
)


def file_of(*, good, bad):
    rows = [CheckedRow(n + 2, {"topic": f"t{n}"}) for n in range(good)]
    problem = FieldProblem("topic", "is needed")
    rows += [CheckedRow(n + 100, None, (problem, problem)) for n in range(bad)]
    return CheckedFile(workflow="essay", source="topics.csv", rows=tuple(rows))


def report(counts, **more):
    found = {RunStatus(status): count for status, count in counts.items()}
    return BatchReport(batch=BATCH, counts=found, **more)


def test_a_file_that_fits_is_launched_whole():
    view = batch.build_file(file_of(good=5, bad=0), only_good=False)
    assert view.summary == "topics.csv: 5 rows fit, none is left out."
    assert (view.action, view.choice, view.bad) == ("Launch 5 runs", "", ())
    assert view.sample == ('{"topic": "t0"}', '{"topic": "t1"}', '{"topic": "t2"}')


def test_what_does_not_fit_is_named_and_left_out_by_choice_only():
    mixed = file_of(good=1, bad=2)
    view = batch.build_file(mixed, only_good=False)
    assert view.summary == "topics.csv: 1 row fits, 2 do not."
    assert view.choice == "Leave out the 2 rows that do not fit"
    assert not view.action
    assert view.bad[0] == batch.BadRow("100", "topic: is needed; topic: is needed")
    assert batch.build_file(mixed, only_good=True).action == "Launch 1 run"
    one = batch.build_file(file_of(good=2, bad=1), only_good=False)
    assert one.choice == "Leave out the 1 row that does not fit"
    assert one.summary.endswith("1 does not.")


def test_of_very_many_bad_rows_the_first_are_shown():
    view = batch.build_file(file_of(good=0, bad=203), only_good=True)
    assert (len(view.bad), view.bad_more) == (200, "And 3 rows more.")
    assert (view.action, view.choice) == ("", "")


def test_a_batch_is_told_by_where_its_rows_stand_what_asks_for_somebody_first():
    view = batch.build(report({"done": 1, "waiting": 1, "failed": 2}), now=NOW)
    assert [(count.look.word, count.text) for count in view.counts] == [
        ("failed", "2"),
        ("waiting", "1"),
        ("done", "1"),
    ]
    assert (view.ended_ratio, view.progress) == (0.75, "3 of 4 ended")
    assert view.about == "essay · 4 rows · launched 4 min ago by ann"
    assert view.notice is None
    assert (view.rows, view.rows_more) == ((), "And 4 rows more.")


def test_the_failed_rows_lead_to_the_run_that_failed():
    runs = (
        BatchRun(
            run_id="r2",
            started_run_id="r1",
            thread_id="t1",
            status=RunStatus.FAILED,
            error=FailureLine("ValueError", "no\nmore"),
        ),
        BatchRun(run_id="r3", started_run_id="r3", thread_id="t2", status=RunStatus.FAILED),
    )
    view = batch.build(report({"failed": 4}, failed=runs, runs=runs * 2), now=NOW)
    assert [row.look.word for row in view.rows] == ["failed"] * 4
    assert not view.rows_more
    assert [(row.run_id, row.problem) for row in view.failed] == [
        ("r2", "ValueError: no more"),
        ("r3", ""),
    ]
    assert view.failed_more == "And 2 rows more that failed."


def test_rows_that_were_not_launched_are_not_counted_as_waiting():
    for counts, words in (({"done": 3}, "1 row of this file is"), ({}, "4 rows of this file are")):
        notice = batch.build(report(counts), now=NOW).notice
        assert notice.weight == "warning"
        assert notice.text.startswith(words)
        assert BATCH.batch_id in notice.text


def test_earlier_files_are_a_line_each():
    (recent,) = batch.list_recent([BATCH], now=NOW)
    assert recent.label == "topics.csv · essay · 4 rows · 4 min ago"


def test_rows_that_were_left_out_stay_told():
    assert batch.say_left_out("5") == "5 rows of the file did not fit and were left out."
    assert batch.say_left_out("1") == "1 row of the file did not fit and was left out."
    assert [batch.say_left_out(c) for c in (None, "", "-1", "x", "\u0665", "9" * 9)] == [""] * 6
