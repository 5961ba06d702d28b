"""The outbox on both databases: what happened gets into it once, and leaves it one try at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from interlock.core.ciphers import Cipher, make_key
from interlock.core.errors import KeyMissing
from interlock.core.model.alerts import Alert, AlertStatus, RuleName, Severity
from interlock.core.model.approvals import ApprovalStatus, Verb
from interlock.core.model.notice_rules import NoticeRule, RuleKind, Webhook
from interlock.core.model.notices import NoticeStatus
from interlock.core.model.policies import Policies
from interlock.core.model.routes import Route
from interlock.core.model.runs import RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import noticing
from interlock.core.services.context import App
from interlock.core.services.notice_targets import find_targets
from interlock.core.services.noticing import Collector
from interlock.core.settings import Settings
from interlock.core.store import alerts, approvals, audit, columns, decisions, notices
from interlock.core.store import deadlines as card_deadlines
from interlock.core.store.engine import read, write

SECRET = {"S": "whsec_" + "a" * 40}
ALL = (
    "card.asked",
    "card.waiting",
    "card.warned",
    "card.escalated",
    "card.assigned",
    "card.decided",
    "card.decided_by_deadline",
    "run.ended",
    "alert.fired",
    "alert.ended",
)


@pytest.fixture
def app(engine, tmp_path, frozen) -> App:
    settings = Settings(data_dir=tmp_path / "data", public_url="https://control.example.com")
    return App(settings, engine, LocalQueue(), frozen)


def collector_of(app, *rules) -> Collector:
    hooks = tuple(rule for rule in rules if isinstance(rule, Webhook))
    people = tuple(rule for rule in rules if isinstance(rule, NoticeRule))
    made = Collector(app, find_targets(Policies(notices=people, webhooks=hooks), SECRET))
    made.begin()
    return made


def team(**given) -> NoticeRule:
    return NoticeRule(**{"name": "team", "to": ("json://one/x json://two/y",)} | given)


def ledger(**given) -> Webhook:
    values = {"name": "ledger", "url": "https://ledger.example/in", "secret": "${S}", "events": ALL}
    return Webhook(**values | {"waits_s": 60} | given)


def told(app, **given):
    with read(app.engine) as conn:
        found = notices.fetch_many(conn, limit=1000, **given)
    return sorted((n.event.value, n.object, n.position) for n in found)


def ask(app, make, approval_id="a1", **changes):
    with write(app.engine) as conn:
        make.put_approval(
            conn,
            approval_id,
            **{"thread_id": f"t-{approval_id}", "asked_at": app.clock.now()} | changes,
        )


def test_a_card_is_told_once_to_each_address_however_often_it_is_seen(app, make, frozen):
    rule = NoticeRule(name="team", to=("json://one/x", "json://two/y"))
    first, second = collector_of(app, rule), collector_of(app, rule)
    frozen.advance(seconds=1)
    ask(app, make)
    assert (first.look(), first.look()) == (2, 0)
    assert second.look() == 2  # it cannot know; the outbox has them already
    later = collector_of(app, rule)
    later.look()
    assert told(app) == [("card.asked", "approval:a1", 0), ("card.asked", "approval:a1", 1)]
    with read(app.engine) as conn:
        notice = notices.fetch_many(conn, limit=1)[0]
    assert notice.target == "json://…"
    assert notice.body["text"].endswith("https://control.example.com/inbox?approval_id=a1")
    assert "Refund" not in str(notice.body)


def test_everything_that_happens_is_told_to_a_program_with_what_may_be_told(app, make, frozen):
    look = collector_of(app, ledger(payload=True)).look
    frozen.advance(seconds=1)
    now = app.clock.now()
    ask(
        app,
        make,
        deadline_at=now + timedelta(minutes=5),
        warn_at=now + timedelta(minutes=4),
        route=Route(approvers=("group:finance", "ann"), quorum=2),
    )
    ask(app, make, "a2")
    with write(app.engine) as conn:
        make.put_run(conn, "r9", thread_id="t9", status=RunStatus.FAILED, ended_at=now)
    look()
    assert told(app) == [
        ("card.asked", "approval:a1", 0),
        ("card.asked", "approval:a2", 0),
        ("run.ended", "run:r9", 0),
    ]
    frozen.advance(seconds=250)
    with write(app.engine) as conn:
        card = approvals.fetch(conn, "a1")
        card_deadlines.put(conn, "a1", replace(card, escalated_to="leads"))
        audit.append(
            conn, at=app.clock.now(), actor="deadline", action="escalate", object_="approval:a1"
        )
        audit.append(
            conn, at=app.clock.now(), actor="deadline", action="escalate", object_="approval:gone"
        )
        approvals.close(conn, "a2", version=1, status=ApprovalStatus.DECIDED, now=app.clock.now())
        decision = make.decision(
            "a2", decided_at=app.clock.now(), verb=Verb.REJECT, by_deadline=True
        )
        decisions.insert(conn, decision)
        audit.append(
            conn,
            at=app.clock.now(),
            actor="ann",
            action="forward",
            object_="approval:a1",
            after={"claimed_by": "bob"},
        )
    look()
    assert told(app)[0] == ("card.asked", "approval:a1", 0)
    assert told(app)[2:] == [
        ("card.assigned", "approval:a1", 0),
        ("card.decided", "approval:a2", 0),
        ("card.decided_by_deadline", "approval:a2", 0),
        ("card.escalated", "approval:a1", 0),
        ("card.waiting", "approval:a1", 0),
        ("card.warned", "approval:a1", 0),
        ("run.ended", "run:r9", 0),
    ]
    with read(app.engine) as conn:
        bodies = {n.event.value: n.body for n in notices.fetch_many(conn, limit=100)}
    assert bodies["card.decided"]["data"]["decision"]["verb"] == "reject"
    assert bodies["card.decided"]["data"]["answer"] == {"approved": True}
    assert bodies["card.waiting"]["data"]["approvers"] == ["group:finance", "ann"]
    assert bodies["card.asked"]["data"]["payload"] == {"amount": 700, "by": "mail"}
    assert bodies["card.assigned"]["data"]["assigned_to"] == "bob"
    assert bodies["card.escalated"]["data"]["escalated_to"] == "leads"


def test_what_cannot_be_told_without_a_key_is_told_once_the_key_is_there(app, make, frozen):
    look = collector_of(app, ledger(payload=True, events=("card.asked",), waits_s=None)).look
    frozen.advance(seconds=1)
    columns.use_cipher(app.engine, cipher := Cipher([make_key()]))
    ask(app, make)
    with write(app.engine) as conn:
        conn.execute(text("UPDATE approvals SET title = 'Go?'"))  # only the payload is closed to it
    columns.use_cipher(app.engine, None)
    for _ in range(2):
        with pytest.raises(KeyMissing):
            look()
        frozen.advance(seconds=7200)
    columns.use_cipher(app.engine, cipher)
    assert look() == 1
    assert told(app) == [("card.asked", "approval:a1", 0)]


def test_alerts_are_told_when_they_fire_and_when_their_end_has_lasted(app, frozen):
    def alert(alert_id, **changes):
        values = {
            "rule": RuleName.BREAKER,
            "object": alert_id,
            "severity": Severity.CRITICAL,
            "title": f"Breaker {alert_id} is open",
            "advice": "Look.",
            "link": "breakers",
            "alert_id": alert_id,
            "status": AlertStatus.OPEN,
            "fired_at": app.clock.now() - timedelta(days=2),
            "seen_at": app.clock.now(),
        }
        return Alert(**values | changes)

    look = collector_of(app, team(to=("json://one",), events=("alert.fired", "alert.ended"))).look
    with write(app.engine) as conn:
        found = [
            alert("old"),
            alert("quiet", silenced=True),
            alert("small", severity=Severity.INFO),
            alert("early", status=AlertStatus.PENDING),
        ]
        alerts.put(conn, found, known=())
    look()
    assert told(app) == [("alert.fired", "alert:old", 0)]
    with write(app.engine) as conn:
        over = alert("old", status=AlertStatus.RESOLVED, resolved_at=app.clock.now())
        alerts.put(conn, [over], known=["old"])
    frozen.advance(seconds=599)
    look()
    assert len(told(app)) == 1
    frozen.advance(seconds=2)
    look()
    assert told(app)[0] == ("alert.ended", "alert:old", 0)


def test_what_waits_already_is_told_when_a_rule_begins_and_what_was_asked_before_is_not(
    app, make, frozen
):
    ask(app, make)
    frozen.advance(seconds=120)
    rules = team(name="late", to=("json://one",), waits_s=100), team(to=("json://one",))
    collector_of(app, *rules).look()
    assert told(app) == [("card.waiting", "approval:a1", 0)]


def test_what_is_written_late_is_found_and_nothing_is_lost_between_workers(app, make, frozen):
    rule = team(to=("json://one",))
    first = collector_of(app, rule)
    frozen.advance(seconds=600)
    first.look()
    ask(app, make, "late", asked_at=app.clock.now() - timedelta(seconds=500))
    frozen.advance(seconds=2)
    first.look()  # near by: not yet
    frozen.advance(seconds=60)
    assert first.look() == 1
    frozen.advance(seconds=7200)  # nobody works
    ask(app, make, "meanwhile", asked_at=app.clock.now() - timedelta(seconds=3000))
    collector_of(app, rule).look()
    assert [each[1] for each in told(app)] == ["approval:late", "approval:meanwhile"]


def test_more_than_a_page_is_read_to_its_end(app, make, frozen, monkeypatch):
    monkeypatch.setattr("interlock.core.store.occurrences.PAGE", 3)
    monkeypatch.setattr(noticing, "AT_ONCE", 2)
    monkeypatch.setattr(noticing, "MOST_KNOWN", 4)
    look = collector_of(app, team(to=("json://one",))).look
    frozen.advance(seconds=1)
    for n in range(9):  # all in the same moment: the id tells them apart
        ask(app, make, f"a{n}")
    assert look() == 9
    assert len(told(app)) == 9


def test_a_message_is_claimed_by_one_and_settled_by_whoever_claimed_it(app, make, frozen):
    look = collector_of(
        app, team(to=("json://one",)), ledger(events=("card.asked",), waits_s=None)
    ).look
    frozen.advance(seconds=1)
    ask(app, make)
    look()
    now, place = app.clock.now(), ("people", "team", 0)
    until = now + timedelta(seconds=90)
    with write(app.engine) as conn:
        assert set(notices.fetch_places(conn, now=now)) == {place, ("webhook", "ledger", 0)}
        (mine,) = notices.claim_due(conn, place, now=now, until=until, limit=10)
        assert notices.claim_due(conn, place, now=now, until=until, limit=10) == []
        assert notices.fetch_places(conn, now=now) == [("webhook", "ledger", 0)]
        later = until + timedelta(seconds=90)
        (again,) = notices.claim_due(conn, place, now=until, until=later, limit=10)
        assert not notices.settle(conn, mine, {"status": NoticeStatus.SENT}, until=until)
        notices.let_go(conn, [again.notice_id], until=later)
        notices.let_go(conn, [], until=later)
        assert place in notices.fetch_places(conn, now=now)
        (again,) = notices.claim_due(conn, place, now=until, until=later, limit=10)
        done = {"status": NoticeStatus.GIVEN_UP, "tries": 8, "settled_at": now}
        assert notices.settle(conn, again, done, until=later)
        assert notices.count_by_status(conn) == {
            NoticeStatus.GIVEN_UP: 1,
            NoticeStatus.WAITING: 1,
        }
        assert notices.try_again(conn, mine.notice_id, now=now)
        assert not notices.try_again(conn, mine.notice_id, now=now)
        assert notices.fetch(conn, mine.notice_id).tries == 0
        assert notices.fetch(conn, "none") is None
        stray = {"before": now, "now": now, "why": "Nobody knows."}
        assert notices.give_up_stray(conn, known=[place, ("webhook", "ledger", 0)], **stray) == 0
        assert notices.give_up_stray(conn, known=[place], **stray) == 1
        assert notices.give_up_stray(conn, known=[], **stray) == 1
        assert notices.prune(conn, before=now, limit=1) == 1
        assert notices.prune(conn, before=now - timedelta(1), limit=1) == 0


def test_rules_are_published_and_keep_when_they_were_added(app, frozen):
    began = app.clock.now()
    collector_of(app, team(), ledger(secret="${MISSING}"))
    frozen.advance(seconds=60)
    made = collector_of(app, team(workflow=("refunds",)))
    made.look()
    with read(app.engine) as conn:
        rules = {rule.name: rule for rule in notices.fetch_rules(conn)}
    assert rules["team"].kind is RuleKind.PEOPLE
    assert (rules["team"].added_at, rules["team"].read_until) == (began, began)
    assert rules["team"].about["workflow"] == ["refunds"]
    assert rules["team"].about["to"] == ["json://…", "json://…"]
    assert rules["ledger"].about["problems"] == ["the variable MISSING is not set"]
    assert "/x" not in str(rules)
    frozen.advance(seconds=31)
    made.look()
    with read(app.engine) as conn:
        rules = {rule.name: rule for rule in notices.fetch_rules(conn)}
    assert rules["team"].read_until == app.clock.now()
    assert rules["ledger"].read_until == began


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        ("${GONE}", "the variable GONE is not set"),
        ("GONE", "the variable GONE is not set"),
        ("${WORD}", "it is no address (scheme://...)"),
    ],
)
def test_an_address_that_is_none_is_told_by_its_problem(to, problem):
    held = {"WORD": "hunter2"}
    (target,) = find_targets(Policies(notices=(team(to=(to,)),)), held)
    assert (target.problem, target.shown, target.address) == (problem, "?", "")


@pytest.mark.parametrize(
    ("url", "secret", "problem"),
    [
        ("http://ledger.example", "${S}", "insecure"),
        ("${URL}", "${S}", "the variable URL is not set"),
        ("https://ledger.example", "${BAD}", "24 to 64 bytes"),
    ],
)
def test_a_webhook_that_cannot_be_is_told_by_its_problem(url, secret, problem):
    held = SECRET | {"BAD": "whsec_x"}
    hook = ledger(url=url, secret=(secret,))
    (target,) = find_targets(Policies(webhooks=(hook,)), held)
    assert problem in target.problem
    assert (target.shown, target.address, target.secrets) == ("?", "", ())
