"""Commands called where there is nothing: they say so, and leave nothing behind."""

from __future__ import annotations

import json

import pytest

from interlock.core import cli
from interlock.core.services import observing

COMMANDS = [
    ("workflows",),
    ("runs",),
    ("run", "r1"),
    ("inbox",),
    ("history", "t1"),
    ("state", "t1"),
    ("launch", "refunds"),
    ("decide", "a1", "--approve"),
    ("cancel", "r1"),
    ("retry", "r1"),
]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_command_in_a_wrong_folder_names_it_and_leaves_nothing_behind(empty, capsys, command):
    assert cli.main(command) == 4
    told = capsys.readouterr()
    assert str(empty / ".interlock" / "app.db") in told.err
    assert "--data-dir" in told.err
    assert "interlock up" in told.err
    assert told.out == ""
    assert list(empty.iterdir()) == []


def test_a_script_gets_the_same_as_a_document(empty, capsys):
    assert cli.main(["inbox", "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert str(empty) in told["error"]
    assert list(empty.iterdir()) == []


def test_another_database_file_is_not_made_either(empty, capsys):
    assert cli.main(["runs", "--database", f"sqlite:///{empty}/other.db"]) == 4
    assert "other.db" in capsys.readouterr().err
    assert list(empty.iterdir()) == []


def test_doctor_looks_without_making_anything(empty, capsys):
    cli.main(["doctor"])
    assert "Made by the first start" in capsys.readouterr().out
    assert list(empty.iterdir()) == []


def test_a_folder_with_data_is_read_from_elsewhere(app, tmp_path, monkeypatch, capsys):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert observing.list_runs(app) == []
    assert cli.main(["runs", "--data-dir", str(app.settings.data_dir)]) == 0
    assert list(elsewhere.iterdir()) == []
