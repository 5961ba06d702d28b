"""A file of inputs becomes runs: all or none, each once, in order; its report is read from the runs."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model.launch_batches import LaunchBatch
from interlock.core.model.runs import Failure, RunKind, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import batch_launching, observing, presence
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings
from interlock.core.store import audit, launch_batches, runs, threads
from interlock.core.store.engine import read, write
from interlock.core.types import RunId
from tests.published import published

SCHEMA = {
    "type": "object",
    "properties": {"topic": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
    "required": ["topic"],
}
LAUNCH = Launch(workflow="essay", input=None)


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    app = App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)
    presence.publish(app, [workflow(app, "essay"), workflow(app, "broken", error="no module")])
    return app


def workflow(app, name, **changes):
    plain = published(name, nodes=("draft",), input_schema=SCHEMA, at=app.clock.now())
    return replace(plain, **changes)


def file_of(app, *rows, head="topic,count", source="topics.csv"):
    data = "\n".join([head, *rows]).encode()
    return batch_launching.check(app, "essay", data, source=source)


def launch(app, file, *, batch_id="b1", actor="ann", **options):
    request = options.pop("request", LAUNCH)
    return batch_launching.launch(app, file, request, batch_id=batch_id, actor=actor, **options)


def inputs(app, batch_id="b1"):
    with read(app.engine) as conn:
        return [run.input for run in launch_batches.fetch_runs(conn, batch_id, limit=1000)]


def test_a_batch_is_kept_once_and_listed_newest_first(app, make):
    batches = [
        LaunchBatch(
            batch_id=f"b{n}",
            workflow="essay",
            source=f"file {n}.csv",
            row_count=n,
            created_at=make.at(n),
            created_by="ann",
            digest=f"{n}" * 64,
        )
        for n in range(3)
    ]
    with write(app.engine) as conn:
        assert [launch_batches.insert(conn, batch) for batch in batches] == [True] * 3
        assert launch_batches.insert(conn, replace(batches[0], row_count=9)) is False
        assert launch_batches.lock(conn, "b0") == batches[0]
        assert launch_batches.fetch(conn, "b2") == batches[2]
        assert launch_batches.fetch(conn, "b9") is None
    assert batch_launching.list_batches(app, limit=2) == [batches[2], batches[1]]


def test_every_row_becomes_a_run_on_a_thread_of_its_own_in_the_order_of_the_file(app):
    file = file_of(app, *(f" topic {n} ,{n + 1}" for n in range(250)))
    launch(app, file, request=replace(LAUNCH, priority=3, variant="a", context={"user": " ann "}))
    assert inputs(app) == [{"topic": f"topic {n}", "count": n + 1} for n in range(250)]
    found = observing.list_runs(app, limit=1000)
    assert len({run.thread_id for run in found}) == 250
    run = observing.get_run(app, found[0].run_id)
    assert (run.batch_id, run.priority, run.variant, run.created_by) == ("b1", 3, "a", "ann")
    assert run.context == {"user": "ann"}
    assert run.status is RunStatus.QUEUED
    with read(app.engine) as conn:
        assert app.queue.count_due(conn, now=app.clock.now()) == 250
        (entry,) = [e for e in audit.fetch_many(conn, limit=10) if e.action == "launch batch"]
    assert entry.after == {"workflow": "essay", "source": "topics.csv", "rows": 250}


def test_nothing_is_launched_unless_all_rows_fit_or_the_operator_says_so(app):
    file = file_of(app, "bees,1", ",2", "wasps,0", f"{'x' * 10_001},1", "ants,3")
    assert [row.line for row in file.bad] == [3, 4, 5]
    with pytest.raises(InvalidInput, match="3 of 5 rows") as caught:
        launch(app, file)
    assert [problem.path for problem in caught.value.problems] == ["line 3", "line 4", "line 5"]
    assert observing.list_runs(app) == []
    launch(app, file, only_good=True)
    assert inputs(app) == [{"topic": "bees", "count": 1}, {"topic": "ants", "count": 3}]


def test_of_many_bad_rows_the_first_are_named(app):
    file = file_of(app, *(["oops"] * 30))
    with pytest.raises(InvalidInput, match="No row") as caught:
        launch(app, file, only_good=True)
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1].message == "and 10 more"


def test_a_column_that_is_no_field_is_refused_for_the_whole_file(app):
    with pytest.raises(InvalidInput, match="colour") as caught:
        file_of(app, "bees,red", head="topic,colour")
    (problem,) = caught.value.problems
    assert "the fields are topic, count" in problem.message


def test_a_file_for_no_workflow_or_a_broken_one_is_refused(app):
    with pytest.raises(NotFound):
        batch_launching.check(app, "novel", b"topic\nx", source="a.csv")
    with pytest.raises(InvalidInput, match="no module"):
        batch_launching.check(app, "broken", b"topic\nx", source="a.csv")


def test_the_bounds_of_a_file_are_those_of_the_settings(app):
    small = replace(app, settings=app.settings.model_copy(update={"batch_max_rows": 2}))
    with pytest.raises(InvalidInput, match="more than 2 rows"):
        file_of(small, "a,1", "b,1", "c,1")


@pytest.mark.parametrize(
    "wrong", [{"variant": "a a"}, {"break_before": ("dance",)}, {"context": {"x": "javascript:"}}]
)
def test_options_are_looked_at_before_anything_starts(app, wrong):
    with pytest.raises(InvalidInput):
        launch(app, file_of(app, "bees,1"), request=replace(LAUNCH, **wrong))
    with pytest.raises(NotFound):
        batch_launching.report(app, "b1")


def test_the_same_batch_again_launches_nothing_twice(app):
    file = file_of(app, "bees,1", "ants,2")
    assert launch(app, file, actor="ann").row_count == launch(app, file, actor="bob").row_count
    assert len(inputs(app)) == 2
    with pytest.raises(Conflict, match="2 rows of"):
        launch(app, file_of(app, "bees,1"))
    with pytest.raises(InvalidInput, match="id"):
        launch(app, file, batch_id="")


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (("bees,1", "ants,3"), {}),
        (("ants,2", "bees,1"), {}),
        (("bees,1", "ants,2"), {"variant": "a"}),
        (("bees,1", "ants,2"), {"context": {"user": "bob"}}),
        (("bees,1", "ants,2"), {"priority": 1}),
        (("bees,1", "ants,2"), {"break_before": ("draft",)}),
        (("bees,1", "ants,2"), {"asks_on_failure": True}),
    ],
)
def test_a_batch_of_the_same_id_and_name_with_other_content_is_refused(app, rows, options):
    launch(app, file_of(app, "bees,1", "ants,2"))
    with pytest.raises(Conflict, match="other rows or options"):
        launch(app, file_of(app, *rows), request=replace(LAUNCH, **options))
    assert inputs(app) == [{"topic": "bees", "count": 1}, {"topic": "ants", "count": 2}]


def test_the_same_content_is_the_same_batch_however_its_file_writes_it(app):
    launch(app, file_of(app, "bees,1"), request=replace(LAUNCH, context={"a": 1, "b": " x "}))
    again = file_of(app, "1; bees ", head="count;topic")
    launch(app, again, request=replace(LAUNCH, context={"b": "x", "a": 1}), actor="bob")
    assert len(inputs(app)) == 1


def test_two_clicks_at_once_launch_each_row_once(app):
    file = file_of(app, *(f"topic {n},1" for n in range(220)))
    line = threading.Barrier(3)

    def click():
        line.wait()
        launch(app, file)

    clicks = [threading.Thread(target=click) for _ in range(3)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert sorted(given["topic"] for given in inputs(app)) == sorted(
        f"topic {n}" for n in range(220)
    )


def test_a_batch_that_was_cut_off_goes_on_where_it_stopped(app, monkeypatch):
    file = file_of(app, *(f"topic {n},1" for n in range(150)))
    add, count = batch_launching.launching.add, [0]

    def stumble(conn, app, run):
        count[0] += 1
        if count[0] == 120:
            raise ConnectionError("the network is gone")
        add(conn, app, run)

    monkeypatch.setattr(batch_launching.launching, "add", stumble)
    with pytest.raises(ConnectionError):
        launch(app, file)
    report = batch_launching.report(app, "b1")
    assert (report.launched, report.batch.row_count, report.is_over) == (100, 150, False)
    monkeypatch.setattr(batch_launching.launching, "add", add)
    launch(app, file)
    assert [given["topic"] for given in inputs(app)] == [f"topic {n}" for n in range(150)]


def test_the_report_follows_each_row_to_where_its_thread_stands(app):
    launch(app, file_of(app, *(f"topic {n},1" for n in range(5))))
    with read(app.engine) as conn:
        rows = launch_batches.fetch_runs(conn, "b1", limit=10)
    failure = Failure("ValueError", "=1+1", stack="long", node="draft")
    with write(app.engine) as conn:
        for row, status in zip(rows, ("failed", "waiting", "continued", "done"), strict=False):
            error = failure if status == "failed" else None
            runs.move(
                conn,
                row.run_id,
                from_={RunStatus.QUEUED},
                to=RunStatus(status),
                error=error,
                ended_at=app.clock.now(),
            )
        held = runs.fetch(conn, rows[2].run_id)
        later = replace(
            held,
            run_id=RunId("later"),
            kind=RunKind.RESUME,
            status=RunStatus.FAILED,
            previous_run_id=held.run_id,
            error=failure,
        )
        runs.insert(conn, later)
        threads.touch(conn, held.thread_id, last_run_id=later.run_id, now=app.clock.now())
    report = batch_launching.report(app, "b1")
    assert report.counts == {"failed": 2, "waiting": 1, "done": 1, "queued": 1}
    assert (report.launched, report.ended, report.is_over) == (5, 3, False)
    assert [(run.run_id, run.started_run_id) for run in report.failed] == [
        (rows[0].run_id, rows[0].run_id),
        ("later", rows[2].run_id),
    ]
    assert report.failed[0].error.message == "=1+1"
    assert [run.status for run in batch_launching.list_runs(app, "b1")] == [
        "failed",
        "waiting",
        "failed",
        "done",
        "queued",
    ]
