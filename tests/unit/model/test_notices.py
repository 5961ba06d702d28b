"""Who is told of what, when a message is tried again, what it says, and how it is signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from interlock.core.model import notice_signing, notice_texts
from interlock.core.model.notice_rules import (
    Event,
    NoticeRule,
    Occurrence,
    RuleKind,
    Webhook,
    fill_in,
    find_references,
    is_about,
    kind_of,
)
from interlock.core.model.notices import (
    MAX_RETRY,
    MOST_ASKED_FOR,
    Notice,
    NoticeStatus,
    Outcome,
    find_wait,
    make_id,
    settle,
)

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()


def rule(**given) -> NoticeRule:
    return NoticeRule(name="team", to=("json://example",), **given)


def hook(**given) -> Webhook:
    return Webhook(**{"name": "ledger", "url": "https://x.example", "secret": "${S}"} | given)


def seen(event=Event.CARD_ASKED, **given) -> Occurrence:
    values = {
        "event": event,
        "key": "a1:1",
        "at": NOW,
        "object": "approval:a1",
        "link": "inbox?approval_id=a1",
        "workflow": "refunds",
        "risk": "high",
        "groups": ("finance",),
        "data": {"node": "review", "asked_at": NOW.isoformat(), "deadline_at": None},
    }
    return Occurrence(**values | given)


def notice(**given) -> Notice:
    values = {
        "notice_id": make_id(rule(), 0, seen()),
        "kind": RuleKind.PEOPLE,
        "rule": "team",
        "position": 0,
        "target": "json://…",
        "event": Event.CARD_ASKED,
        "object": "approval:a1",
        "link": "",
        "workflow": "refunds",
        "at": NOW,
        "body": {},
        "status": NoticeStatus.WAITING,
        "next_at": NOW,
        "created_at": NOW,
    }
    return Notice(**values | given)


# -- rules -----------------------------------------------------------------------------------------


def test_a_rule_without_events_tells_of_cards_that_are_asked_or_wait_so_long():
    assert rule().wanted == {Event.CARD_ASKED}
    assert rule(waits_s=60).wanted == {Event.CARD_WAITING}
    assert rule(events=("run.ended",)).wanted == {Event.RUN_ENDED}
    assert (kind_of(rule()), kind_of(hook())) == (RuleKind.PEOPLE, RuleKind.WEBHOOK)


@pytest.mark.parametrize(
    ("make", "given", "said"),
    [
        (rule, {"events": ("card.waiting",)}, "after how long"),
        (rule, {"events": ("card.asked",), "waits_s": 5}, "does not tell of that"),
        (rule, {"events": ("card.lost",)}, "card.asked"),
        (hook, {"secret": KEY}, "no reference"),
        (hook, {"secret": ("${A}", "plain")}, "no reference"),
        (hook, {"secret": ()}, "at least 1"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(make, given, said):
    with pytest.raises(ValidationError, match=said):
        make(**given)


@pytest.mark.parametrize(
    ("given", "what", "expected"),
    [
        ({}, {}, True),
        ({}, {"event": Event.CARD_DECIDED}, False),
        ({"workflow": ("refunds",)}, {}, True),
        ({"workflow": ("offers",)}, {}, False),
        ({"risk": ("low", "high")}, {}, True),
        ({"risk": ("low",)}, {}, False),
        ({"group": ("finance",)}, {}, True),
        ({"group": ("law",)}, {}, False),
        ({"group": ("law", "group:finance")}, {}, True),
        ({"waits_s": 60}, {"event": Event.CARD_WAITING, "waits_s": 60.0}, True),
        ({"waits_s": 60}, {"event": Event.CARD_WAITING, "waits_s": 90.0}, False),
    ],
)
def test_a_rule_tells_of_the_cards_it_names(given, what, expected):
    assert is_about(rule(**given), seen(**what)) is expected


@pytest.mark.parametrize(
    ("given", "what", "expected"),
    [
        ({}, {"status": "done"}, True),
        ({"status": ("failed",)}, {"status": "done"}, False),
        ({"status": ("failed",), "risk": ("low",)}, {"status": "failed"}, True),
        ({"workflow": ("offers",)}, {"status": "done"}, False),
    ],
)
def test_a_rule_tells_of_the_runs_it_names(given, what, expected):
    asked = rule(events=("run.ended",), **given)
    assert is_about(asked, seen(Event.RUN_ENDED, **what)) is expected


@pytest.mark.parametrize(
    ("least", "severity", "expected"),
    [("warning", "info", False), ("warning", "critical", True), ("info", "info", True)],
)
def test_a_rule_tells_of_alerts_from_a_severity_on(least, severity, expected):
    asked = rule(events=("alert.fired",), severity=least, workflow=("offers",))
    assert is_about(asked, seen(Event.ALERT_FIRED, severity=severity)) is expected


def test_references_are_filled_in_and_found():
    assert find_references("slack://${TOKEN}/${PLACE}") == ("TOKEN", "PLACE")
    assert fill_in("slack://${TOKEN}/#x", {"TOKEN": "t"}) == "slack://t/#x"


# -- tries -----------------------------------------------------------------------------------------


def test_a_message_has_the_same_id_whoever_makes_it():
    assert make_id(rule(), 0, seen()) == make_id(rule(payload=True), 0, seen(risk="low"))
    others = [
        make_id(hook(name="team"), 0, seen()),
        make_id(rule(), 1, seen()),
        make_id(rule(), 0, seen(key="a1:2")),
        make_id(rule(), 0, seen(Event.CARD_WARNED)),
    ]
    assert len({make_id(rule(), 0, seen()), *others}) == 5


def test_a_message_that_arrived_is_settled():
    done = settle(notice(tries=2, last_error="x"), Outcome(), now=NOW, tries=8, retry_s=5)
    assert (done["status"], done["tries"], done["last_error"]) == (NoticeStatus.SENT, 3, "")
    assert (done["settled_at"], done["claimed_until"]) == (NOW, None)


def test_a_message_is_tried_again_later_and_later():
    waits = [find_wait(notice().notice_id, n, retry_s=5).total_seconds() for n in (1, 2, 3, 9)]
    assert waits == sorted(waits)
    assert 4.5 <= waits[0] <= 5.5
    assert 18 <= waits[1] <= 22
    assert waits[3] <= MAX_RETRY.total_seconds() * 1.1
    again = settle(notice(), Outcome("No."), now=NOW, tries=2, retry_s=5)
    assert (again["status"], again["last_error"]) == (NoticeStatus.WAITING, "No.")
    assert again["next_at"] == NOW + timedelta(seconds=waits[0])


def test_a_receiver_may_ask_for_a_pause_within_bounds():
    def wait(asked_s):
        outcome = Outcome("Busy.", wait_s=asked_s)
        return settle(notice(), outcome, now=NOW, tries=8, retry_s=5)["next_at"] - NOW

    assert wait(120) == timedelta(minutes=2)
    assert wait(1e9) == MOST_ASKED_FOR
    assert wait(-1) == find_wait(notice().notice_id, 1, retry_s=5)


@pytest.mark.parametrize(
    ("tries", "outcome"),
    [(7, Outcome("No.")), (0, Outcome("It wants no more.", is_final=True))],
)
def test_a_message_is_given_up_after_the_last_try_or_when_it_is_unwanted(tries, outcome):
    done = settle(notice(tries=tries), outcome, now=NOW, tries=8, retry_s=5)
    assert (done["status"], done["settled_at"]) == (NoticeStatus.GIVEN_UP, NOW)


# -- texts -----------------------------------------------------------------------------------------


def test_people_read_names_times_and_a_link_and_nothing_of_the_payload():
    said = notice_texts.compose(
        seen(data={"node": "review", "asked_at": NOW.isoformat(), "deadline_at": NOW.isoformat()}),
        public_url="https://control.example.com/",
    )
    link = "https://control.example.com/inbox?approval_id=a1"
    assert said["title"] == "A decision is needed: refunds, review (high risk)"
    assert said["text"].splitlines() == [
        "Asked at 2026-01-05 09:30 UTC.",
        "Its deadline is 2026-01-05 09:30 UTC.",
        "It is for finance.",
        link,
    ]
    assert said["line"] == f"{said['title']} {link}"


@pytest.mark.parametrize(
    ("what", "title", "text"),
    [
        (
            seen(Event.CARD_ESCALATED, groups=("law",), data={"escalated_to": "law"}, risk=""),
            "A card was escalated: refunds",
            "Asked at an unknown time.\nIt is for law now.",
        ),
        (
            seen(Event.CARD_WARNED, groups=(), data={"asked_at": NOW.isoformat()}),
            "A deadline is near: refunds (high risk)",
            "Asked at 2026-01-05 09:30 UTC.",
        ),
        (
            seen(
                Event.CARD_ASSIGNED,
                groups=("bob",),
                data={"asked_at": None, "assigned_by": "ann", "assigned_to": "bob"},
            ),
            "A card was given to somebody: refunds (high risk)",
            "ann gave it to bob.\nAsked at an unknown time.",
        ),
        (
            seen(Event.CARD_DECIDED, data={"decision": {"actor": "ann", "verb": "approve"}}),
            "A card was decided: refunds (high risk)",
            "ann chose approve.",
        ),
        (
            seen(Event.CARD_TIMED_OUT, data={"decision": {"by_deadline": True, "verb": "reject"}}),
            "A deadline has decided: refunds (high risk)",
            "Its deadline chose reject.",
        ),
        (
            seen(Event.RUN_ENDED, status="failed", data={"error_type": "BankDown"}),
            "A run has ended: refunds, failed",
            "It failed with BankDown.",
        ),
        (seen(Event.RUN_ENDED, status="done", data={}), "A run has ended: refunds, done", ""),
        (
            seen(Event.ALERT_FIRED, severity="critical", data={"title": "Bad", "advice": "Look."}),
            "Alert: [critical] Bad",
            "Look.",
        ),
        (seen(Event.ALERT_ENDED, severity="info", data={"title": "Bad"}), "Over: Bad", ""),
        (
            seen(Event.TEST, data={"rule": "team", "actor": "ann"}),
            "Test: team",
            "Sent by ann to see whether it arrives.",
        ),
        (seen(Event.TEST, data={}), "Test", "Sent by  to see whether it arrives."),
    ],
)
def test_each_event_is_told_in_its_words(what, title, text):
    said = notice_texts.compose(what)
    assert (said["title"], said["text"]) == (title, text)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        (seen(), "info"),
        (seen(Event.CARD_WARNED), "warning"),
        (seen(Event.ALERT_FIRED, severity="critical"), "failure"),
        (seen(Event.ALERT_FIRED, severity="warning"), "warning"),
        (seen(Event.ALERT_ENDED), "success"),
    ],
)
def test_a_message_has_a_kind_for_its_colour(what, kind):
    assert notice_texts.compose(what)["kind"] == kind


def test_a_payload_that_may_be_told_is_masked_inert_and_cut():
    payload = {"title": "Pay @channel <!here> [x](http://y)", "password": "hunter2", "none": None}
    said = notice_texts.compose(seen(), payload=payload | {"payload": {"note": "n" * 5000}})
    assert "@channel" not in said["text"]
    assert "<!here>" not in said["text"]
    assert "](" not in said["text"]
    assert "hunter2" not in said["text"]
    assert len(said["text"]) < 3000
    assert "\x07" not in notice_texts.make_inert("a\x07b\u202e")


def test_many_messages_become_one():
    many = [notice(body={"line": f"line {n}"}) for n in range(13)]
    said = notice_texts.join(many)
    assert said["title"] == "13 messages from Interlock"
    assert said["text"].splitlines()[-2:] == ["line 9", "and 3 more"]
    assert "more" not in notice_texts.join(many[:2])["text"]


def test_a_document_has_type_time_and_data_and_a_payload_only_where_it_may():
    document = notice_texts.make_document(seen(), public_url="https://c.example")
    assert (document["type"], document["timestamp"]) == ("card.asked", NOW.isoformat())
    assert document["data"]["link"] == "https://c.example/inbox?approval_id=a1"
    assert notice_texts.make_document(seen())["data"]["link"] is None
    told = notice_texts.make_document(seen(), payload={"payload": {"amount": 7, "token": "abc"}})
    assert told["data"]["payload"] == {"amount": 7, "token": "***"}
    large = notice_texts.make_document(seen(), payload={"payload": "x" * 300_000})
    assert "payload" not in large["data"]
    assert large["data"]["payload_left_out"].startswith("It has 300")
    assert json.loads(notice_texts.dump(document)) == document


# -- signing ---------------------------------------------------------------------------------------


def test_a_signature_is_what_the_standard_webhooks_say():
    secret = notice_signing.read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = notice_signing.sign(
        [secret, b"k" * 24],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    first, second = signed.split()
    assert first == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    expected = hmac.new(
        b"k" * 24,
        b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}',
        hashlib.sha256,
    ).digest()
    assert second == f"v1,{base64.b64encode(expected).decode()}"


@pytest.mark.parametrize("text", ["", "plain", "whsec_!", "whsec_aGk=", KEY.removeprefix("whsec_")])
def test_what_is_no_secret_is_refused_without_being_named(text):
    with pytest.raises(ValueError, match="24 to 64 bytes") as refused:
        notice_signing.read_secret(text)
    assert not text or text not in str(refused.value).replace("whsec_ and base64", "")


@pytest.mark.parametrize(
    ("url", "insecure", "said"),
    [
        ("https://hooks.example.com/in", False, ""),
        ("http://127.0.0.1:9000/in", False, ""),
        ("http://localhost/in", False, ""),
        ("http://[::1]:9/in", False, ""),
        ("http://hooks.example.com", True, ""),
        ("http://hooks.example.com", False, "insecure"),
        ("http://127.0.0.1.example.com", False, "insecure"),
        ("ftp://hooks.example.com", False, "no https"),
        ("https://", False, "no https"),
        ("hooks.example.com", False, "no https"),
        ("https://ann:pw@hooks.example.com", False, "a user"),
        ("https://[bad", False, "no address"),
        ("https://x.example:99999", False, "no address"),
        ("https://x.example/a b", False, "characters"),
        ("https://x.example/é", False, "characters"),
    ],
)
def test_nothing_is_sent_to_where_it_must_not_go(url, insecure, said):
    problem = notice_signing.find_problem(url, insecure=insecure)
    assert said in problem if said else problem == ""


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("slack://token/a/b", "slack://…"),
        ("https://hooks.example.com:8443/secret?x=1", "https://hooks.example.com:8443/…"),
        ("http://[::1]/x", "http://::1/…"),
        ("https://x:bad/y", "https://…"),
        ("token", "?"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address, shown):
    assert notice_signing.show(address) == shown
