"""Graphs that ask for a store get one in the database of the checkpoints, which outlives a worker."""

from __future__ import annotations

import json
import sqlite3

import pytest

PROJECT = "memory"
pytestmark = pytest.mark.xdist_group("any project: memory")


def user(name: str) -> tuple[str, str]:
    return "--context", json.dumps({"user_id": name})


def test_what_one_thread_keeps_another_finds_by_meaning_even_after_a_restart(desk):
    for note in ("a pear is green", "the river is cold", "a stone is hard"):
        card = desk.hold("notes", {"note": note}, *user("anna"))
        assert desk.decide(card, "--approve")["status"] == "done"
    found = desk.finish("notes", {"wanted": "water"}, *user("anna"))["found"]
    assert (found[0], len(found)) == ("the river is cold", 2)

    desk.stop()
    desk.start()
    assert desk.finish("notes", {"wanted": "fruit"}, *user("anna"))["found"][0] == "a pear is green"
    assert desk.finish("notes", {"wanted": "fruit"}, *user("ben"))["found"] == []
    with sqlite3.connect(desk.app.settings.checkpoints_path) as conn:
        [(count,)] = conn.execute("SELECT count(*) FROM store WHERE prefix = 'anna.notes'")
    conn.close()
    assert count == 3


def test_functions_tools_and_factories_get_the_same_store(desk):
    for number, fruit in enumerate(("apple", "plum"), start=1):
        assert len(desk.finish("functional notes", fruit)) == number
        told = desk.finish("tool notes", {"messages": [["user", fruit]]})["messages"][-1]
        assert told["content"] == f"{number} facts"
    assert set(desk.finish("factory notes", {})["found"]) == {"apple", "plum"}


def test_a_context_that_does_not_fit_or_is_missing_is_refused(desk):
    for given in (("--context", '{"user": "anna"}'), ()):
        code, refused = desk.ask("launch", "notes", *given)
        assert code == 1
        assert "context.user_id" in json.dumps(refused)


def test_the_worker_warns_of_nothing(desk):
    assert "warning" not in desk.told()
