"""The command that decides many cards, against a real database."""

from __future__ import annotations

import io
import json
import sys

import pytest

from interlock.core import cli
from interlock.core.cli.deciding_many import MAX_BYTES, read_picks
from interlock.core.errors import UsageError
from interlock.core.model.approvals import Kind
from interlock.core.model.bulk import Pick
from interlock.core.model.runs import RunStatus
from interlock.core.store.engine import open_engine, write


@pytest.fixture
def run(sqlite_url, capsys):
    def run_command(*words):
        code = cli.main([*words, "--database", sqlite_url])
        return code, capsys.readouterr()

    return run_command


@pytest.fixture
def cards(sqlite_url, make):
    """Three cards, the last one of high risk."""
    opened = open_engine(sqlite_url)
    with write(opened) as conn:
        for number in range(3):
            place = {"thread_id": f"t{number}", "run_id": f"r{number}"}
            make.put_run(conn, place["run_id"], thread_id=f"t{number}", status=RunStatus.WAITING)
            given = {"kind": Kind.VALUE, "schema": None, "risk": "high" if number == 2 else ""}
            make.put_approval(conn, f"a{number}", asked_at=make.at(number), **place, **given)
    opened.dispose()


@pytest.mark.usefixtures("cards")
def test_what_the_inbox_prints_is_what_is_decided(run, monkeypatch):
    listed = run("inbox", "--json")[1].out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed.encode())))
    code, printed = run("decide-many", "--from", "-", "--approve", "--as", "ann", "--json")
    document = json.loads(printed.out)
    assert (code, document["counts"]) == (
        1,
        {"done": 2, "counted": 0, "done before": 0, "refused": 1, "not tried": 0},
    )
    assert [(c["approval_id"], c["version"], c["outcome"]) for c in document["cards"]] == [
        ("a0", 1, "done"),
        ("a1", 1, "done"),
        ("a2", 1, "refused"),
    ]
    code, printed = run("decide-many", "a0@1", "a1", "--approve", "--as", "ann")
    assert code == 0
    assert printed.out.count("done before") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a0"], "exactly one of"),
        (["a0", "--approve", "--reject"], "exactly one of"),
        (["--approve"], "Name the cards"),
        (["a0@x", "--approve"], "is not APPROVAL_ID"),
        (["--approve", "--from", "/nowhere"], "cannot be read"),
    ],
)
@pytest.mark.usefixtures("cards")
def test_a_command_without_meaning_decides_nothing(run, words, said):
    code, printed = run("decide-many", *words)
    assert (code, said in printed.err) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        '[{"approval_id": "a", "version": 2, "title": "x@y"}, {"approval_id": "b"}]',
        '{"approval_id": "a", "version": 2}\n\n{"approval_id": "b", "version": null}\n',
        '\ufeffapproval_id,title,version\r\na,"x, y",2\r\nb,,\r\n',
        "a@2\nb\n",
    ],
)
def test_a_file_names_cards_in_any_of_these_ways(text):
    assert read_picks(text.encode()) == [Pick("a", 2), Pick("b")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b'[{"approval_id": 3}]', "needs an `approval_id`"),
        (b"[3]", "needs an `approval_id`"),
        (b'{"approval_id"', "neither JSON nor"),
        (b"[" * 100_000, "neither JSON nor"),
        (b"x" * (MAX_BYTES + 1), "larger than"),
    ],
    ids=["utf-8", "number", "bare", "cut", "deep", "large"],
)
def test_a_file_that_names_none_is_refused(data, said):
    with pytest.raises(UsageError, match=said):
        read_picks(data)
