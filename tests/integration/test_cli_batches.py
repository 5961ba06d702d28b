"""A file of inputs from the command line, on a database of its own."""

from __future__ import annotations

import csv
import io
import json

import pytest

from interlock.core import cli
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.services import observing, presence
from interlock.core.store import engine, runs
from tests.published import published

SCHEMA = {
    "type": "object",
    "properties": {"topic": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
    "required": ["topic"],
}
GOOD = "topic,count\nbees,1\nants,2\n"
MIXED = "topic,count\nbees,1\nants,0\n,3\n"


@pytest.fixture
def desk(app):
    workflow = published("essay", nodes=("draft",), input_schema=SCHEMA, at=app.clock.now())
    presence.publish(app, [workflow])
    return app


@pytest.fixture
def call(app, capsys, tmp_path):
    """Run a command on this database: (exit code, stdout, stderr)."""

    def run(*args: str):
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(app.settings.data_dir)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def file(tmp_path):
    def write(text, name="topics.csv"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_a_file_becomes_a_run_a_row(desk, call, file):
    code, out, err = call("launch", "essay", "--batch", file(GOOD), "--variant", "a", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["rows"], told["launched"], told["counts"]) == (2, 2, {"queued": 2})
    assert (told["source"], told["is_over"], told["bad"]) == ("topics.csv", False, [])
    assert "No worker" in err
    found = [observing.get_run(desk, run.run_id) for run in observing.list_runs(desk)]
    assert {run.input["topic"]: run.input["count"] for run in found} == {"bees": 1, "ants": 2}
    assert {(run.variant, run.batch_id) for run in found} == {("a", told["batch_id"])}


def test_bad_rows_are_named_by_their_line_and_nothing_is_launched(desk, call, file):
    code, out, _ = call("launch", "essay", "--batch", file(MIXED), "--json")
    assert code == 1
    problems = json.loads(out)["problems"]
    assert [p["path"] for p in problems] == ["line 3", "line 4"]
    assert observing.list_runs(desk) == []


def test_the_good_rows_may_be_launched_alone(desk, call, file):
    code, out, err = call("launch", "essay", "--batch", file(MIXED), "--good-only")
    assert code == 0
    assert "1 of 1" in out
    assert "Left out: line 3: count" in err
    code, out, _ = call("launch", "essay", "--batch", file(MIXED), "--good-only", "--json")
    assert [row["line"] for row in json.loads(out)["bad"]] == [3, 4]


def test_the_same_id_again_launches_nothing_twice(desk, call, file):
    for _ in range(2):
        code, *_ = call("launch", "essay", "--batch", file(GOOD), "--batch-id", "night-7")
        assert code == 0
    assert len(observing.list_runs(desk)) == 2
    code, *_ = call(
        "launch", "essay", "--batch", file(MIXED), "--good-only", "--batch-id", "night-7"
    )
    assert code == 3


def test_a_batch_tells_how_far_it_is_and_what_failed(desk, call, file):
    call("launch", "essay", "--batch", file(GOOD), "--batch-id", "b")
    run = observing.list_runs(desk)[0]
    with engine.write(desk.engine) as conn:
        runs.move(
            conn,
            run.run_id,
            from_={RunStatus.QUEUED},
            to=RunStatus.FAILED,
            error=Failure("ValueError", "=1+1"),
        )
    code, out, _ = call("batch", "b", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["counts"] == {"failed": 1, "queued": 1}
    [failed] = told["failed"]
    assert (failed["run_id"], failed["error"]["type"]) == (run.run_id, "ValueError")
    assert "ValueError" in call("batch", "b")[1]
    rows = list(csv.DictReader(io.StringIO(call("batch", "b", "--csv")[1], newline="")))
    assert sorted(row["error"] for row in rows) == ["", "'=1+1"]
    assert call("batch", "unknown")[0] == 4


def test_a_batch_that_failed_ends_with_1_for_who_waits(desk, call, file, monkeypatch):
    call("launch", "essay", "--batch", file(GOOD), "--batch-id", "b")
    with engine.write(desk.engine) as conn:
        for run in observing.list_runs(desk):
            runs.move(conn, run.run_id, from_={RunStatus.QUEUED}, to=RunStatus.CANCELLED)
    code, *_ = call("launch", "essay", "--batch", file(GOOD), "--batch-id", "b", "--wait", "30")
    assert code == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--good-only",),
        ("--batch-id", "x"),
        ("--batch", "no such file"),
        ("--batch", "-", "--input", "-"),
        ("--batch", "a.csv", "--input", "{}"),
        ("--batch", "a.csv", "--thread", "t"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(desk, call, options):
    assert call("launch", "essay", *options)[0] == 2


def test_a_file_for_nobody_says_so(app, call, file):
    code, _, err = call("launch", "essay", "--batch", file(GOOD))
    assert code == 1
    assert "No worker has published" in err
