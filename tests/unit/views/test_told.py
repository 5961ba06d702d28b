"""What others are told, as the page says it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.notice_rules import Event, RuleKind
from interlock.core.model.notices import Notice, NoticeStatus, PublishedRule
from interlock.core.services.notice_desk import NoticeList
from interlock.dashboard.views import told
from interlock.dashboard.views.formatting import NOTHING

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def rule(**changes) -> PublishedRule:
    about = {
        "events": ["card.waiting", "alert.fired"],
        "to": ["json://…"],
        "problems": [""],
        "waits_s": 900.0,
        "risk": ["high"],
        "payload": True,
    }
    made = PublishedRule(
        kind=RuleKind.PEOPLE,
        name="team",
        about=about,
        added_at=NOW,
        read_until=NOW,
        seen_at=NOW,
    )
    return replace(made, **changes)


def notice(notice_id="n1", **changes) -> Notice:
    made = Notice(
        notice_id=notice_id,
        kind=RuleKind.PEOPLE,
        rule="team",
        position=0,
        target="json://…",
        event=Event.CARD_ASKED,
        object="approval:a1",
        link="",
        workflow="refunds",
        at=NOW,
        body={},
        status=NoticeStatus.WAITING,
        next_at=NOW,
        created_at=NOW - timedelta(minutes=4),
    )
    return replace(made, **changes)


def build(*notices, rules=(), shown=told.ALL, **counts) -> told.ToldView:
    listed = {NoticeStatus(name): count for name, count in counts.items()}
    return told.build(
        NoticeList(rules=tuple(rules), counts=listed, notices=tuple(notices), at=NOW), shown=shown
    )


def test_an_empty_page_says_what_would_fill_it():
    view = build()
    assert view.no_rules == "No rule: nobody is told of anything but alerts."
    assert view.summary == "A rule in interlock.toml would fill this list."
    assert build(rules=[rule()]).summary == "Nothing was told yet."
    assert build(shown="Sent").summary == "No message is like this."
    assert build(notice()).summary == ""


def test_figures_count_and_call_for_a_look_where_something_was_given_up():
    figures = build(sent=3, given_up=1).figures
    assert [(f.label, f.value, f.alarm) for f in figures] == [
        ("Waiting", "0", False),
        ("Sent", "3", False),
        ("Needless", "0", False),
        ("Given up", "1", True),
    ]


def test_a_rule_says_of_what_and_to_whom_and_whether_it_works():
    wrong = {"events": ["run.ended"], "to": ["?", "json://…"], "problems": ["no address", ""]}
    view = build(
        rules=[
            rule(),
            rule(kind=RuleKind.WEBHOOK, name="hook", about=wrong),
            rule(name="old", about={}, seen_at=NOW - timedelta(hours=1)),
        ]
    )
    first, second, third = view.rules
    assert first["only"] == "risk high; waiting 15 min; alerts from warning on"
    assert (first["state"], first["tells"], first["payload"]) == (told.IN_FORCE, "people", "yes")
    assert (second["state"], second["tells"], second["only"]) == (told.WRONG, "a program", NOTHING)
    assert third["state"] == told.UNKNOWN
    assert view.problems == ("hook, address 1: no address",)
    assert view.rule_names == ("team", "hook", "old")


@pytest.mark.parametrize(
    ("about", "page"),
    [("approval:a1", "inbox"), ("run:r1", "run"), ("alert:x", "alerts"), ("notices:team", None)],
)
def test_a_message_leads_to_what_it_is_about(about, page):
    link = build(notice(object=about)).links.get("n1")
    assert (link.page if link else None) == page


def test_a_message_says_how_it_stands():
    soon = notice("n2", next_at=NOW + timedelta(minutes=2), last_error="It answered 500.", tries=1)
    gone = notice("n3", status=NoticeStatus.GIVEN_UP, workflow="", object="alert:x")
    view = build(notice(), soon, gone)
    assert [row["tries"] for row in view.rows] == ["0", "1, next in 2 min", "0"]
    assert view.rows[1]["last error"] == "It answered 500."
    assert (view.rows[0]["last error"], view.rows[2]["about"]) == (NOTHING, "alert:x")
    assert view.given_up == ("n3",)
    assert told.say_again(1) == "Try 1 message again"
    assert not view.has_more
    assert build(*[notice(f"n{n}") for n in range(told.PAGE_COUNT + 1)]).has_more
