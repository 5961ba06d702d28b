"""The audit's filters, its chain, its files: rules without a database."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.audit_chain import (
    GENESIS,
    MAX_PROBLEMS,
    Chain,
    Head,
    Link,
    ProblemKind,
    Verification,
    read_heads,
)
from interlock.core.model.audit_files import WRITERS, Format
from interlock.core.model.audit_lists import AuditEntry, AuditFilter, read_end, read_moment

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def links(count):
    """A chain that holds."""
    return [
        Link(
            seq=n,
            previous_hash=f"h{n - 1}" if n > 1 else GENESIS,
            hash=f"h{n}",
            sealed=f"h{n}",
        )
        for n in range(1, count + 1)
    ]


def look(found, *, heads=(), after=None):
    chain = Chain(heads=heads, after=after)
    for link in found:
        chain.see(link)
    chain.end()
    return [(p.kind, p.seq, p.last) for p in chain.problems]


def head(seq, hash_=None, **fields):
    values = {"at": NOW, "by": "worker", "database": "embedded"} | fields
    return Head(seq=seq, hash=hash_ or f"h{seq}", **values)


def test_a_chain_as_it_was_written_holds():
    assert look(links(5), heads=[head(2), head(5)]) == []
    assert look([]) == []
    assert look(links(5)[3:], after=head(3)) == []


def test_each_place_that_was_touched_is_told():
    changed = links(6)
    changed[1] = Link(seq=2, previous_hash="h1", hash="h2", sealed="another")
    changed[4] = Link(seq=5, previous_hash="h4", hash="h5", sealed=None)
    assert look(changed) == [(ProblemKind.CHANGED, 2, 2), (ProblemKind.CHANGED, 5, 5)]


def test_entries_that_are_gone_are_told_as_one_gap():
    found = links(6)
    del found[1:4]
    assert look(found) == [(ProblemKind.MISSING, 2, 4)]
    assert look(links(3)[1:]) == [(ProblemKind.MISSING, 1, 1)]


def test_an_entry_that_was_put_in_is_told():
    odd = Link(seq=0, previous_hash="x", hash="y", sealed="y")
    assert look([odd, *links(2)]) == [(ProblemKind.INSERTED, 0, 0)]


def test_an_entry_with_a_seal_of_its_own_breaks_the_link_after_it():
    found = links(4)
    found[1] = Link(seq=2, previous_hash="h1", hash="new", sealed="new")
    assert look(found) == [(ProblemKind.UNLINKED, 3, 3)]


def test_an_end_that_was_cut_off_is_told_by_the_newest_head():
    assert look(links(3), heads=[head(2), head(4), head(7)]) == [(ProblemKind.CUT, 4, 7)]


def test_a_chain_that_was_written_anew_is_told_by_a_head():
    heads = [head(2, "old"), head(2, "older"), head(3)]
    assert look(links(3), heads=heads) == [(ProblemKind.REWRITTEN, 2, 2)]


def test_many_problems_are_not_all_told():
    found = [Link(seq=n, previous_hash="", hash="a", sealed="b") for n in range(1, 99)]
    assert len(look(found)) == MAX_PROBLEMS


def test_every_problem_has_a_sentence_that_names_its_entries():
    chain = Chain(heads=[head(3, "old"), head(9)])
    found = links(12)
    found[1] = Link(seq=2, previous_hash="h1", hash="h2", sealed="x")
    odd = Link(seq=-1, previous_hash="x", hash="y", sealed="y")
    for link in [odd, *found[:4], found[5], found[6]]:
        chain.see(link)
    chain.end()
    said = [p.said for p in chain.problems]
    assert said == [
        "Entry -1 was put in: the chain begins with 1.",
        "Entry 2 is not as it was written.",
        "Entry 3 is another one than on 2026-05-04 12:00Z: the chain was written anew.",
        "Entry 5 is missing.",
        "The end is cut off: 8 to 9 were there on 2026-05-04 12:00Z.",
    ]
    assert chain.problems[0].as_json()["kind"] == "inserted"
    rest = Chain()
    for link in [found[0], found[6], Link(seq=8, previous_hash="?", hash="h", sealed="h")]:
        rest.see(link)
    assert [p.said for p in rest.problems] == [
        "Entries 2 to 6 are missing.",
        "Entry 8 does not follow the one before it: one of the two was written anew.",
    ]


def test_a_verification_holds_where_there_is_no_problem():
    assert Verification(at=NOW, problems=(), count=0, last_seq=0).holds


def test_heads_are_read_as_they_were_noted_and_others_left_out():
    own, other = head(5), head(7, database="another")
    lines = [own.as_line(), other.as_line(), own.as_line()[:20], "[]", "null", '{"database": 1}']
    assert read_heads(lines, database="embedded") == (own,)


def test_a_head_that_no_entry_could_have_is_none():
    good = {"seq": 1, "hash": "h", "at": "2026-01-01T00:00:00+00:00", "database": "embedded"}
    bad = (
        {"seq": 10**30},
        {"seq": 0},
        {"at": "2026-01-01T00:00:00"},
        {"at": "0001-01-01T00:00:00+23:00"},
    )
    lines = [json.dumps(good | each) for each in ({}, *bad)]
    assert [head.seq for head in read_heads(lines, database="embedded")] == [1]


def entry(**fields):
    values = {
        "seq": 1,
        "at": NOW,
        "actor": "ann",
        "action": "decide:approve",
        "object": "approval:1",
        "before": None,
        "after": {"text": "Zoë"},
        "reason": '=HYPERLINK("x")',
        "previous_hash": GENESIS,
        "hash": "h1",
        "origin": "web",
    }
    return AuditEntry(**(values | fields))


def test_a_csv_runs_nothing_in_a_spreadsheet():
    given = [entry(), entry(actor="@ann", after="-1+1", seq=2)]
    text = "".join(WRITERS[Format.CSV](given))
    first, second = csv.DictReader(io.StringIO(text))
    assert first["reason"] == '\'=HYPERLINK("x")'
    assert (first["before"], json.loads(first["after"])) == ("", {"text": "Zoë"})
    assert (second["actor"], second["after"]) == ("'@ann", '"-1+1"')
    negative = "".join(WRITERS[Format.CSV]([entry(after=-1)]))
    assert ",'-1," in negative


def test_json_lines_hold_an_entry_whole():
    (line,) = WRITERS[Format.JSONL]([entry()])
    assert json.loads(line) == entry().as_json()
    assert json.loads(line)["at"] == "2026-05-04T12:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T10:00+02:00", datetime(2026, 5, 1, 8, tzinfo=UTC)),
        ("0001-01-01T00:00+02:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_moment_is_read_as_people_write_it(text, expected):
    assert read_moment(text, NOW) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-01", datetime(2026, 5, 2, tzinfo=UTC)),
        ("2026-05-01T10:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2h", NOW - timedelta(hours=2)),
        ("9999-12-31", datetime(9999, 12, 31, tzinfo=UTC)),
        ("never", None),
    ],
)
def test_an_end_that_is_a_day_is_meant_whole(text, expected):
    assert read_end(text, NOW) == expected


def test_a_filter_knows_whether_it_asks_for_anything():
    assert not AuditFilter().is_any
    assert AuditFilter(actor="ann").is_any
