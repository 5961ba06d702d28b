"""The commands that say who has a card, against a real database."""

from __future__ import annotations

import json

import pytest

from interlock.core import cli
from interlock.core.model.approvals import Kind
from interlock.core.model.runs import RunStatus
from interlock.core.store.engine import open_engine, write


@pytest.fixture
def run(sqlite_url, capsys, make):
    """Runs a command on a database with one card."""
    opened = open_engine(sqlite_url)
    with write(opened) as conn:
        make.put_run(conn, "r1", status=RunStatus.WAITING)
        make.put_approval(conn, "a1", kind=Kind.VALUE, schema=None, risk="")
    opened.dispose()

    def run_command(*words):
        code = cli.main([*words, "--database", sqlite_url, "--json"])
        return code, json.loads(capsys.readouterr().out or "null")

    return run_command


def test_a_card_goes_from_hand_to_hand(run):
    code, claim = run("claim", "a1", "--as", "ann", "--note", "mine")
    assert (code, claim["claimed_by"], claim["note"]) == (0, "ann", "mine")
    code, refused = run("decide", "a1", "--approve", "--as", "ben")
    assert (code, refused["winner"]["claimed_by"]) == (3, "ann")
    assert "--take-over" in refused["error"]
    code, claim = run(
        "forward", "a1", "--to", "ben", "--note", "yours", "--for", "4h", "--as", "ann"
    )
    assert (code, claim["claimed_by"], claim["assigned_by"]) == (0, "ben", "ann")
    assert run("claim", "a1", "--as", "cleo")[0] == 3
    assert run("claim", "a1", "--as", "cleo", "--take-over")[0] == 0
    code, hands = run("unclaim", "a1", "--as", "cleo")
    assert (code, hands["claim"], hands["open_by"]) == (0, None, [])
    assert [move["verb"] for move in hands["moves"]] == ["unclaim", "take over", "forward", "claim"]
    assert run("assign", "a1", "--to", "dan", "--as", "ann")[1]["claimed_by"] == "dan"
    assert run("decide", "a1", "--approve", "--as", "dan")[0] == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("assign", "a1", "--to", "ann", "--for", "long"), 2),
        (("forward", "a1", "--to", "ann", "--note", " "), 1),
        (("hands", "gone"), 4),
        (("claim", "gone"), 4),
        (("unclaim", "a1"), 3),
    ],
)
def test_what_does_not_fit_ends_with_its_code(run, words, code):
    assert run(*words)[0] == code
