"""A thread goes out as a file, comes in as another, is answered there, and is deleted, by a real worker."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from interlock.core import cli
from interlock.core.model.pruning import WHY, Hold
from interlock.core.services import figuring, history, observing, threads_listing
from interlock.core.store import engine as engines


@pytest.fixture
def call(desk, capsys):
    def run(*args):
        capsys.readouterr()
        code = cli.main([*args, "--json", "--data-dir", str(desk.app.settings.data_dir)])
        out = capsys.readouterr().out
        return code, json.loads(out)

    return run


def make_old(desk) -> None:
    """Let all that happened have happened an hour ago, and count it."""
    with engines.write(desk.app.engine) as conn:
        for table, columns in (
            ("runs", ("created_at", "started_at", "ended_at")),
            ("node_runs", ("started_at", "ended_at")),
            ("approvals", ("asked_at",)),
            ("decisions", ("decided_at",)),
        ):
            for column in columns:
                earlier = f"strftime('%Y-%m-%d %H:%M:%f', {column}, '-1 hour') || '000'"
                conn.execute(text(f"UPDATE {table} SET {column} = {earlier}"))
    while figuring.roll(desk.app):
        pass


def test_a_thread_is_written_taken_in_answered_and_deleted(desk, call, tmp_path):
    desk.start()
    book = desk.open_book()
    held = desk.finish("one", book)
    file = tmp_path / "one.json.gz"

    code, told = call("thread", "export", held.thread_id, "--out", str(file))
    assert (code, told["thread_id"], told["bytes"]) == (0, held.thread_id, file.stat().st_size)
    assert file.stat().st_mode & 0o777 == 0o600
    assert call("thread", "export", held.thread_id, "--out", str(file))[0] == 2
    assert call("thread", "export", "none", "--out", str(tmp_path / "none"))[0] == 4
    assert not (tmp_path / "none").exists()
    assert call("thread", "import", str(tmp_path / "none"))[0] == 1
    assert call("thread", "import", str(file))[0] == 3

    code, told = call("thread", "import", str(file), "--as-thread", "copy", "--as", "ann")
    assert (code, told["thread_id"], told["has_past"]) == (0, "copy", False)
    copy = desk.wait(told["run_id"])
    assert (copy.status, copy.kind, copy.created_by) == ("waiting", "copy", "ann")
    found = history.open_history(desk.app, "copy")
    assert [p.checkpoint_id for p in found.points] == [
        p.checkpoint_id for p in history.open_history(desk.app, held.thread_id).points
    ]
    assert found.points[0].fork is not None
    done = desk.wait(desk.decide(desk.card(copy), "there").run_id)
    assert desk.values(done)["answers"] == ["before", "there", "after"]
    assert desk.run(held).status == "waiting"

    code, told = call("prune", "--thread", "copy", "--thread", held.thread_id)
    assert (code, told["threads"]) == (0, [])
    assert {k["thread_id"]: k["why"] for k in told["kept"]} == {
        "copy": WHY[Hold.COUNTED],
        held.thread_id: WHY[Hold.WAITS],
    }
    make_old(desk)
    code, told = call("prune", "--keep", "0", "--reason", "tidy up")
    assert (code, [line["thread_id"] for line in told["threads"]]) == (0, ["copy"])
    left = threads_listing.list_threads(desk.app)
    assert [line.thread.thread_id for line in left] == [held.thread_id]
    with closing(sqlite3.connect(desk.app.settings.checkpoints_path)) as conn:
        threads = {row[0] for row in conn.execute("SELECT thread_id FROM checkpoints")}
    assert threads == {held.thread_id}
    assert desk.wait(desk.decide(desk.card(held), "here").run_id).status == "done"
    assert observing.list_workers(desk.app) != []
