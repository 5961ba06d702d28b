"""`interlock thread` and `interlock prune`, as scripts rely on them."""

from __future__ import annotations

import json

import pytest

from interlock.core import cli
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Thread
from interlock.core.store import engine, rollups, runs, threads


@pytest.fixture
def call(app, capsys):
    def run(*args):
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(app.settings.data_dir)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(autouse=True)
def two_threads(app, frozen):
    """One is done, one waits; both long ago."""
    now = frozen.now()
    with engine.write(app.engine) as conn:
        for name, status in (("t1", RunStatus.DONE), ("t2", RunStatus.WAITING)):
            thread = Thread(
                thread_id=name,
                workflow="essay",
                head_checkpoint_id=None,
                last_run_id=f"run of {name}",
                created_at=now,
                updated_at=now,
            )
            threads.insert(conn, thread)
            run = Run(
                run_id=f"run of {name}",
                thread_id=name,
                workflow="essay",
                kind=RunKind.START,
                status=status,
                input={},
                context=None,
                options=RunOptions(),
                priority=0,
                created_at=now,
                created_by="ann",
            )
            runs.insert(conn, run)
        frozen.advance(seconds=3600)
        rollups.mark_until(conn, frozen.now())


def test_threads_are_listed_with_what_they_amount_to(call):
    code, shown, _ = call("thread", "list", "--json")
    told = json.loads(shown)
    assert (code, [each["thread_id"] for each in told]) == (0, ["t2", "t1"])
    assert {"status", "waiting", "points", "bytes", "origin", "trouble"} < set(told[0])
    assert [each["status"] for each in told] == ["waiting", "done"]
    _, shown, _ = call("thread", "list", "--status", "done", "--origin", "own")
    assert shown.splitlines()[1].split()[:3] == ["t1", "essay", "done"]
    assert call("thread", "list", "--before", "t2", "--json")[1].count('thread_id": "t1') == 1
    assert "No thread fits" in call("thread", "list", "--workflow", "none")[2]
    assert call("thread", "list", "--before", "t9")[0] == 4


def test_what_would_go_is_said_and_nothing_is_deleted(call):
    code, shown, _ = call("prune", "--older-than", "1h", "--dry-run", "--json")
    told = json.loads(shown)
    assert (code, told["dry_run"]) == (0, True)
    (going,) = told["threads"]
    assert (going["thread_id"], going["workflow"], going["status"]) == ("t1", "essay", "done")
    assert (going["points"], going["bytes"]) == (0, 0)
    (kept,) = told["kept"]
    assert (kept["thread_id"], kept["why"]) == ("t2", "It is held before a card.")
    _, shown, said = call("prune", "--keep", "0", "--dry-run")
    assert "t1" in shown
    assert said.splitlines() == ["1 would go.", "t2 stays: It is held before a card."]
    assert "No thread would go" in call("prune", "--older-than", "9000d", "--dry-run")[2]
    told = json.loads(call("prune", "--points", "1", "--dry-run", "--json")[1])
    assert (told["threads"], told["kept"]) == ([], [])  # neither has a point
    assert len(json.loads(call("thread", "list", "--json")[1])) == 2


def test_the_settings_say_what_goes_where_nothing_else_does(call, monkeypatch):
    code, _, said = call("prune", "--dry-run")
    assert (code, "Nothing says which threads go" in said) == (1, True)
    monkeypatch.setenv("INTERLOCK_RETENTION_DAYS", "1")
    monkeypatch.setenv("INTERLOCK_RETENTION_STATUSES", '["done"]')
    assert json.loads(call("prune", "--dry-run", "--json")[1])["threads"] != []
    assert (
        json.loads(call("prune", "--status", "failed", "--dry-run", "--json")[1])["threads"] == []
    )
    monkeypatch.setenv("INTERLOCK_RETENTION_STATUSES", '["waiting"]')
    assert call("prune", "--dry-run")[0] == 1
    monkeypatch.setenv("INTERLOCK_RETENTION_STATUSES", "done")
    assert "must be a JSON list" in call("prune", "--dry-run")[2]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["--older-than", "soon"], 2),
        (["--status", "waiting"], 2),
        (["--thread", "t1", "--keep", "1"], 2),
        (["--thread", "t9"], 4),
        (["--thread", "t1"], 1),  # no worker is there
    ],
)
def test_what_has_no_meaning_is_refused(call, given, code):
    assert call("prune", *given)[0] == code
