"""The audit as its page shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.audit_chain import Head, Problem, ProblemKind, Verification
from interlock.core.model.audit_lists import AuditCount, AuditEntry, AuditFilter, AuditPage
from interlock.dashboard.views import audit
from interlock.dashboard.views.formatting import NOTHING

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ONE = AuditCount(1, is_all=True)


def entry(**fields):
    plain = AuditEntry(
        seq=812,
        at=NOW - timedelta(minutes=4),
        actor="Ann",
        action="decide:approve",
        object="approval:01a201d6-d221-74d9-a912-39cf2c4b5c8d",
        before=None,
        after=None,
        reason="",
        previous_hash="p",
        hash="h",
        origin="web",
    )
    return replace(plain, **fields)


def page(*entries, before=None):
    return AuditPage(entries=entries, before=before)


def build(found, count=ONE, *, wanted=None, is_first=True):
    return audit.build(found, count, wanted=wanted or AuditFilter(), is_first=is_first, now=NOW)


def test_the_address_says_what_is_looked_for():
    chosen = {
        "actor": " Ann ",
        "action": "launch",
        "object": "run:",
        "origin": "web",
        "q": "x" * 999,
        "since": "2h",
        "until": "2026-05-04",
    }
    wanted = audit.read_wanted(chosen, now=NOW)
    assert wanted.problems == {}
    assert wanted.filter == AuditFilter(
        actor="Ann",
        action="launch",
        object="run:",
        origin="web",
        text="x" * 200,
        since=NOW - timedelta(hours=2),
        until=datetime(2026, 5, 5, tzinfo=UTC),
    )


def test_what_cannot_be_read_is_told_and_asks_for_nothing():
    chosen = {"origin": "moon", "since": "soon", "until": None}
    wanted = audit.read_wanted(chosen, now=NOW)
    assert wanted.filter == AuditFilter()
    assert set(wanted.problems) == {"since"}


def test_a_filter_offers_what_there_is_and_what_is_chosen():
    assert audit.options("actor", ["Ann"], "") == ("Anybody", "Ann")
    assert audit.options("actor", ["Ann"], "Bob") == ("Anybody", "Ann", "Bob")


def test_origins_have_words():
    assert audit.name_origin("web") == "screen"
    assert audit.name_origin("From anywhere") == "From anywhere"


def test_an_entry_is_a_line_and_its_text_shows_what_is_hidden():
    hidden = entry(actor="A\u202en", object="project", reason="two\nlines", origin="")
    view = build(page(entry(), hidden), AuditCount(2, is_all=True))
    first, second = view.rows
    assert (first.object, first.at, first.origin) == ("approval …2c4b5c8d", "4 min ago", "screen")
    assert "\u202e" not in second.actor
    assert (second.object, second.reason, second.origin) == ("project", "two lines", "not kept")
    assert (view.summary, view.older, view.ids) == ("2 entries", "", ("812", "812"))


def test_a_list_says_how_many_fit_and_what_was_not_looked_through():
    wanted = AuditFilter(text="x")
    view = build(page(entry(), before=3), AuditCount(1, is_all=False), wanted=wanted)
    assert view.summary == "1 or more entries that fit"
    assert view.older == "3"
    assert view.note.startswith("Only so many")
    assert build(page(entry())).summary == "1 entry"
    assert build(page(before=3), wanted=wanted).empty is None


def test_an_empty_list_says_what_would_fill_it():
    none = AuditCount(0, is_all=True)
    assert build(page(), none).empty.link.page == "launch"
    assert "filters" in build(page(), none, wanted=AuditFilter(actor="x")).empty.text
    assert "no older" in build(page(), none, is_first=False).empty.text


def test_an_entry_with_both_sides_is_a_diff():
    view = audit.build_entry(entry(before={"a": "one two"}, after={"a": "one three"}), now=NOW)
    (place,) = view.diff.places
    assert ":red-background[two]" in place.marked
    assert view.values == ()
    facts = dict(view.facts)
    assert facts["When"] == "2026-05-04 11:56:00 UTC, 4 min ago"
    assert (facts["Why"], facts["From where"]) == (NOTHING, "screen")
    assert dict(view.seal) == {"entry": "812", "hash": "h", "hash before it": "p"}


def test_of_an_edit_what_was_edited_is_held_against_what_it_became():
    after = {"edited": {"amount": 500}, "answer": {"type": "edit"}, "version": 1}
    view = audit.build_entry(entry(before={"amount": 620}, after=after), now=NOW)
    assert [place.path for place in view.diff.places] == ["amount"]
    assert view.values == (("with it", {"answer": {"type": "edit"}, "version": 1}),)
    alone = audit.build_entry(entry(before=1, after={"edited": 2}), now=NOW)
    assert alone.values == ()


def test_two_records_without_a_common_field_stand_beside_each_other():
    view = audit.build_entry(entry(before={"head": 1}, after={"run_id": "r"}), now=NOW)
    assert (view.diff, view.values) == (None, (("before", {"head": 1}), ("after", {"run_id": "r"})))
    assert audit.build_entry(entry(before=["a"], after=["b"]), now=NOW).diff is not None


def test_an_entry_with_one_side_shows_that():
    view = audit.build_entry(entry(after={"rating": 4}), now=NOW)
    assert (view.diff, view.values) == (None, (("after", {"rating": 4}),))


@pytest.mark.parametrize(
    ("object_", "expected"),
    [
        ("run:r1", "run"),
        ("approval:a1", "inbox"),
        ("thread:t1", "history"),
        ("breaker:b", "breakers"),
        ("alert:a", "alerts"),
        ("cache:c", "caches"),
        ("silence:s", None),
        ("what-ifs", None),
    ],
)
def test_an_entry_leads_to_what_it_was_done_to(object_, expected):
    link = audit.link_of(entry(object=object_))
    assert (link and link.page) == expected


def verification(**fields):
    values = {
        "at": NOW - timedelta(minutes=2),
        "problems": (),
        "count": 812,
        "last_seq": 812,
        "place": "/data/audit.heads",
    }
    return Verification(**(values | fields))


def say(found, last=None):
    view = audit.say_chain(found, last, now=NOW)
    return view.notice.weight, view.notice.text, view.problems


def test_the_chain_is_said_to_hold_as_far_as_it_was_looked_at():
    assert say(None)[1] == "Nobody has looked at the chain yet."
    head = Head(seq=800, hash="h", at=NOW - timedelta(hours=3), by="verify", database="embedded")
    assert say(None, head)[1] == ("The chain held when it was looked at 3 h ago, up to entry 800.")
    weight, text, _ = say(verification())
    assert weight == "info"
    assert text.startswith("The chain holds, looked at 2 min ago: 812 entries, none changed")
    assert "cannot be told yet" in text
    assert "no data folder" in say(verification(place=""))[1]
    noted = say(verification(heads_count=2, noted_at=NOW))[1]
    assert "agrees with 2 noted heads, the last of 2026-05-04 12:00:00 UTC" in noted


def test_a_look_that_did_not_come_to_the_end_says_so():
    weight, text, _ = say(verification(is_whole=False))
    assert (weight, "First 812" in text or "first 812" in text) == ("warning", True)


def test_a_chain_that_does_not_hold_says_where():
    problem = Problem(kind=ProblemKind.CHANGED, seq=812, last=812)
    weight, text, problems = say(verification(problems=(problem,)))
    assert (weight, text) == ("error", "The audit is not as it was written, looked at 2 min ago.")
    assert problems == ("Entry 812 is not as it was written.",)
