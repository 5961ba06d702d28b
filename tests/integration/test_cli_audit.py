"""`interlock audit`, on a database with three entries."""

from __future__ import annotations

import csv
import json

import pytest
from sqlalchemy import text

from interlock.core import cli
from interlock.core.store import audit, engine


@pytest.fixture
def call(app, capsys):
    def run(*args):
        capsys.readouterr()
        code = cli.main(["audit", *args, "--data-dir", str(app.settings.data_dir)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def done(app):
    with engine.write(app.engine) as conn:
        for n, actor in enumerate(("ann", "bob", "ann")):
            audit.append(
                conn,
                at=app.clock.now(),
                actor=actor,
                action="rate",
                object_=f"run:r{n}",
                after={"rating": n, "password": "hunter2"},
                reason="=1+1",
            )


def test_entries_are_listed_page_by_page(call, done):
    code, out, err = call("list", "--actor", "ann", "--limit", "1", "--json")
    page = json.loads(out)
    assert (code, [e["seq"] for e in page["entries"]], page["before"]) == (0, [3], 3)
    assert page["entries"][0]["after"] == {"rating": 2, "password": "***"}
    code, out, err = call("list", "--limit", "2", "--before", "3", "--since", "2020-01-01")
    assert code == 0
    assert "run:r1" in out
    assert "run:r0" in out
    code, out, err = call("list", "--limit", "2")
    assert "--before 2" in err
    assert call("list", "--until", "2020-01-01")[1:] == ("", "No entry fits.\n")
    assert call("list", "--since", "soon")[0] == 2


def test_one_entry_is_shown(call, done):
    code, out, _ = call("show", "2", "--json")
    assert (code, json.loads(out)["actor"]) == (0, "bob")
    assert "bob" in call("show", "2")[1]
    assert call("show", "9")[0] == 4


def test_what_was_changed_is_named_and_ends_with_1(app, call, done):
    code, out, err = call("verify")
    assert (code, out) == (0, "The chain holds: 3 entries are as they were written.\n")
    assert "No head had been noted before" in err
    code, out, _ = call("verify", "--json")
    assert (json.loads(out)["holds"], json.loads(out)["heads"]) == (True, 1)
    assert "Held against 2 noted heads" in call("verify")[1]
    with engine.write(app.engine) as conn:
        conn.execute(text("DELETE FROM audit WHERE seq = 3"))
        conn.execute(text("UPDATE audit SET actor = 'eve' WHERE seq = 1"))
    code, out, _ = call("verify")
    assert code == 1
    assert "Entry 1 is not as it was written." in out
    assert "The end is cut off: 3 to 3 were there" in out
    problems = json.loads(call("verify", "--json")[1])["problems"]
    assert [p["kind"] for p in problems] == ["changed", "cut"]


def test_entries_are_written_to_a_file(app, call, done, tmp_path):
    path = tmp_path / "audit.csv"
    code, out, _ = call("export", "--format", "csv", "--output", str(path), "--actor", "ann")
    assert (code, out) == (0, f"2 entries written to {path}.\n")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seq"], row["reason"]) for row in rows] == [("3", "'=1+1"), ("1", "'=1+1")]
    assert path.stat().st_mode & 0o077 == 0
    assert call("export", "--output", str(path))[0] == 2  # it is there already
    assert call("export")[0] == 2
    assert call("export", "--output", str(tmp_path / "no" / "x"))[0] == 1
    lines = tmp_path / "audit.jsonl"
    with engine.write(app.engine) as conn:
        conn.execute(text("UPDATE audit SET actor = 'eve' WHERE seq = 1"))
    code, out, _ = call("export", "--output", str(lines), "--json")
    told = json.loads(out)
    assert (code, told["entries"], told["holds"]) == (1, 3, False)
    assert [json.loads(line)["seq"] for line in lines.read_text().splitlines()] == [3, 2, 1]
    assert "Entry 1 is not" in call("export", "--output", str(tmp_path / "y"))[2]
