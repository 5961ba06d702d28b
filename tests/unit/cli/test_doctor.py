"""What doctor finds in a project and a data folder, without leaving anything behind."""

from __future__ import annotations

import json

import pytest

from interlock.core import cli


@pytest.fixture
def ask(capsys, monkeypatch, tmp_path):
    """Run `interlock doctor` on a data folder and give back its checks by name."""
    monkeypatch.chdir(tmp_path)

    def ask(*options: str) -> dict[str, tuple[bool, str]]:
        cli.main(["doctor", "--json", *options])
        found = json.loads(capsys.readouterr().out)
        return {check["name"]: (check["ok"], check["message"]) for check in found["checks"]}

    return ask


def test_keys_that_interlock_does_not_use_are_named(ask, tmp_path):
    config = {"graphs": {"g": "./g.py:graph"}, "http": {}, "store": {"extra": 1}}
    (tmp_path / "langgraph.json").write_text(json.dumps(config))

    ok, message = ask("--config", "langgraph.json")["project"]

    assert ok
    assert message.endswith("does not use these keys of it: http, store.extra.")


def test_a_project_without_such_keys_is_told_shortly(ask):
    assert "does not use" not in ask()["project"][1]


def test_a_data_folder_that_is_not_there_yet_is_not_made_by_looking(ask, tmp_path):
    assert ask("--data-dir", "new/deep")["data folder"] == (
        True,
        "new/deep is made by the first start.",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_can_be_written_is_left_as_it_is(ask, tmp_path):
    (tmp_path / "data").mkdir()

    assert ask("--data-dir", "data")["data folder"] == (True, "data can be written.")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_data_folder_that_is_a_file_or_lies_in_one_is_told(ask, tmp_path):
    (tmp_path / "file").touch()

    for given, told in (("file", "cannot be written"), ("file/sub", "cannot be made in")):
        ok, message = ask("--data-dir", given)["data folder"]
        assert not ok
        assert f"The data folder {given} {told}" in message
        assert message.endswith("Name another with --data-dir.")


def test_a_data_folder_where_nothing_can_be_written_is_told(ask):
    ok, message = ask("--data-dir", "/proc")["data folder"]

    assert not ok
    assert message.startswith("The data folder /proc cannot be written: ")
