"""`interlock rewind` and `interlock thread copy`, with a worker that carries them out."""

from __future__ import annotations

import json

import pytest

from interlock.core import cli
from interlock.core.services import history


@pytest.fixture
def ask(desk, capsys):
    """Run a command with --json: (exit code, document, what stood on stderr)."""

    def run(*args: str):
        capsys.readouterr()
        code = cli.main([*args, "--json", "--data-dir", str(desk.app.settings.data_dir)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return run


def point(desk, run, node):
    """The first point of a thread where a node is due."""
    found = history.open_history(desk.app, run.thread_id).points[::-1]
    return next(p.checkpoint_id for p in found if node in p.next)


def test_a_thread_is_looked_at_edited_stopped_and_brought_back(desk, ask):
    book = desk.open_book()
    desk.start()
    run = desk.finish("steps", book)
    at, end = point(desk, run, "c"), history.open_history(desk.app, run.thread_id).head_id
    edit = ("--set", '{"log": ["new"]}', "--as-node", "b", "--reason", "wrong")

    code, told, _ = ask("rewind", run.thread_id, at, "--dry-run")
    assert (code, told["run_id"], told["verb"], told["status"]) == (0, None, "rerun", None)
    assert told["will_rerun"][0] == {"node": "c", "times": 1, "side_effects": None}
    assert (told["left_head_id"], told["head_id"]) == (end, end)
    assert book.count("c") == 1

    code, done, _ = ask("rewind", run.thread_id, at, *edit, "--wait", "20", "--as", "cid")
    assert (code, done["status"], done["verb"]) == (0, "done", "edit")
    assert desk.values(desk.run(done["run_id"]))["log"] == ["new", "c", "d"]
    assert history.open_history(desk.app, run.thread_id).forks[0].actor == "cid"

    code, *_ = ask("rewind", run.thread_id, at, "--head", end, "--reason", "late")
    assert code == 3
    code, done, _ = ask("rewind", run.thread_id, at, "--stop", "--reason", "enough", "--wait", "20")
    assert (code, done["status"]) == (0, "cancelled")
    back = ("--go-back", "--reason", "it was right", "--wait", "20")
    code, done, _ = ask("rewind", run.thread_id, end, *back)
    assert (code, done["status"], book.count("d")) == (0, "done", 2)
    code, done, _ = ask("rewind", run.thread_id, at, "--skip", "--reason", "no c", "--wait", "20")
    assert (code, done["status"], done["certain"], book.count("c")) == (0, "done", None, 2)


def test_a_decision_is_changed_and_a_thread_copied(desk, ask):
    book = desk.open_book()
    desk.start()
    run = desk.finish("one", book)
    card = desk.card(run)
    desk.wait(desk.decide(card, "yes").run_id)
    change = ("rewind", run.thread_id, card.checkpoint_id, "--redecide", card.approval_id)

    code, done, _ = ask(*change, "--answer", '"no"', "--reason", "wrong", "--wait", "20")
    assert (code, done["status"], done["asked_again"][0]["actor"]) == (0, "done", "ben")
    assert desk.values(desk.run(history.open_history(desk.app, run.thread_id).runs[0].run_id))[
        "answers"
    ] == ["before", "no", "after"]

    code, made, _ = ask(
        *("thread", "copy", run.thread_id, "--to", "other", "--reason", "to try", "--wait", "20")
    )
    assert (code, made["thread_id"], made["status"]) == (0, "other", "done")
    assert made["from_thread_id"] == run.thread_id


def test_what_cannot_be_done_is_refused_with_its_exit_code(desk, ask):
    worker = desk.start()
    run = desk.finish("one", desk.open_book())
    worker.stop()
    at = desk.card(run).checkpoint_id
    rewind = ("rewind", run.thread_id)
    for code, *args in (
        (2, *rewind, at, "--skip", "--stop", "--reason", "x"),
        (2, *rewind, at, "--approve", "--reason", "x"),
        (2, *rewind, at, "--redecide", "a", "--reason", "x"),
        (2, *rewind, at, "--set", "3", "--reason", "x"),
        (4, "rewind", "nowhere", at, "--dry-run"),
        (4, *rewind, "nowhere", "--dry-run"),
        (4, "thread", "copy", "nowhere", "--reason", "x"),
        (1, *rewind, at),
        (1, *rewind, at, "--go-back", "--dry-run"),
        (1, *rewind, at, "--set", '{"unknown": 1}', "--dry-run"),
    ):
        assert ask(*args)[0] == code, args
    code, _, told = ask(*rewind, at, "--reason", "again")
    assert (code, "No worker" in told) == (0, True)
    code, *_ = ask(*rewind, at, "--reason", "once more")
    assert code == 3


def test_a_dry_run_tells_a_person_in_sentences(desk, capsys):
    worker = desk.start()
    run = desk.finish("steps", desk.open_book())
    worker.stop()
    at, folder = point(desk, run, "c"), str(desk.app.settings.data_dir)
    capsys.readouterr()
    assert cli.main(["rewind", run.thread_id, at, "--dry-run", "--data-dir", folder]) == 0
    out, err = capsys.readouterr()
    assert "For certain, c will run." in out
    assert "Nothing has happened yet." in err
    copied = ["thread", "copy", run.thread_id, "--reason", "x", "--data-dir", folder]
    assert cli.main(copied) == 0
    assert "queued" in capsys.readouterr().out
