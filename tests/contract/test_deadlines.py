"""What happens at a card's deadline, once, and against people who act in the same moment; both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from interlock.core.ciphers import Cipher, make_key
from interlock.core.errors import Conflict, InvalidInput
from interlock.core.model.approvals import ApprovalStatus, Intent, Verb
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.figures import Window
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import (
    alert_reading,
    alerting,
    carding,
    deadlines,
    deciding,
    observing,
    presence,
)
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import approvals, audit, columns, decisions, reviews, runs, threads
from interlock.core.store import deadlines as store
from interlock.core.store.engine import read, write
from tests.published import published

POLICY = {
    "approval": {
        "stay": {"deadline_s": 900},
        "no": {"deadline_s": 900, "on_timeout": "reject", "risk": "high"},
        "yes": {
            "deadline_s": 900,
            "warn_s": 60,
            "on_timeout": "approve",
            "answers": {"approve": {"ok": True}},
        },
        "given": {"deadline_s": 900, "on_timeout": {"amount": 0}},
        "lead": {"deadline_s": 900, "on_timeout": "escalate:group:leads"},
    }
}
# What depends on no database is tried on one of them.
ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NODES = ("stay", "no", "yes", "given", "lead", "free")


@pytest.fixture
def app(engine, tmp_path, frozen) -> App:
    app = App(Settings(data_dir=tmp_path / "data"), engine, LocalQueue(), frozen)
    workflow = published("refunds", nodes=NODES, at=frozen.now(), policy=POLICY)
    presence.publish(app, [workflow])
    return app


@pytest.fixture
def ask(app, make):
    """Ask a card of a node, in a thread of its own."""

    def ask(node, payload="Go?", *, failure=None, refused=None, again=None):
        name = again or f"t-{node}"
        asking = LiveInterrupt(
            interrupt_id=f"i-{name}",
            value=payload,
            schema=None,
            node=node,
            namespace=f"{node}:1",
            is_answered=False,
        )
        status = RunStatus.WAITING if failure is None else RunStatus.FAILED
        with write(app.engine) as conn:
            if again is None:
                run = make.put_run(conn, f"r-{name}", thread_id=name, status=status)
            else:
                run = runs.fetch(conn, f"r-{name}")
            told = carding.level_cards(
                conn,
                replace(run, thread_id=name),
                head=Head(
                    checkpoint_id="c1",
                    run_id=run.run_id,
                    next=(node,),
                    interrupts=() if failure else (asking,),
                    due=(node,),
                ),
                status=status,
                refused=refused or {},
                now=app.clock.now(),
                failure=failure,
            )
        return told.asked[0]

    return ask


def decided(app, card):
    with read(app.engine) as conn:
        kept = approvals.fetch(conn, card.approval_id)
        taken = decisions.fetch_for_approval(conn, card.approval_id)
    return kept, taken


def test_the_outcome_happens_once_at_the_deadline(app, ask, frozen):
    wanted = {
        "no": (Verb.REJECT, False),
        "yes": (Verb.APPROVE, {"ok": True}),
        "given": (Verb.ANSWER, {"amount": 0}),
    }
    cards = {node: ask(node) for node in wanted}
    frozen.advance(seconds=899)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, 1.0)
    frozen.advance(seconds=1)
    assert deadlines.carry_out_due(app) == deadlines.Look(3, 0.0)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)
    for node, card in cards.items():
        kept, [decision] = decided(app, card)
        assert (kept.status, kept.version) == (ApprovalStatus.DECIDED, 1)
        assert (decision.verb, decision.answer) == wanted[node]
        assert (decision.actor, decision.by_deadline) == ("deadline", True)
    card, (_, [decision]) = cards["no"], decided(app, cards["no"])
    assert decision.reason == "Nobody decided within 15 min"
    with read(app.engine) as conn:
        entry = audit.fetch_many(conn, object_=f"approval:{card.approval_id}", limit=1)[0]
        run = runs.fetch(conn, decision.run_id)
        people = reviews.fetch(
            conn, Window(start=card.asked_at, end=frozen.now() + timedelta(days=1))
        )
    assert (entry.actor, entry.action) == ("deadline", "decide:reject")
    assert entry.after["by_deadline"] is True
    assert (run.status, run.created_by) == (RunStatus.QUEUED, "deadline")
    assert people == []
    with pytest.raises(Conflict, match="its deadline chose"):
        deciding.decide(app, card.approval_id, Intent(verb=Verb.REJECT), version=1, actor="ann")


@ONE
def test_without_an_outcome_a_card_is_overdue_and_stays(app, ask, frozen):
    card, free = ask("stay"), ask("free")
    frozen.advance(seconds=5000)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)
    assert decided(app, card)[0].status is decided(app, free)[0].status is ApprovalStatus.PENDING
    assert observing.overview(app).overdue == 1


@ONE
def test_a_person_who_was_first_keeps_the_deadline_out(app, ask, frozen):
    card = ask("no")
    deciding.decide(app, card.approval_id, Intent(verb=Verb.APPROVE), version=1, actor="ann")
    frozen.advance(seconds=901)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)
    assert [d.actor for d in decided(app, card)[1]] == ["ann"]


def test_of_people_deadlines_and_extensions_at_once_each_card_has_one_decision(app, ask, frozen):
    card = ask("no")
    frozen.advance(seconds=900)
    start, won, lost = threading.Barrier(20), [], []

    def act(number):
        start.wait()
        if number % 2:
            won.extend(["deadline"] * deadlines.carry_out_due(app).done)
            return
        try:
            intent = Intent(verb=Verb.APPROVE)
            deciding.decide(app, card.approval_id, intent, version=1, actor=f"p{number}")
            won.append(f"p{number}")
        except Conflict:
            lost.append(number)

    crowd = [threading.Thread(target=act, args=(number,)) for number in range(20)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join(timeout=60)
    _, [decision] = decided(app, card)
    assert won == [decision.actor]
    assert decision.by_deadline is (decision.actor == "deadline")
    assert len(lost) == 10 - (decision.actor != "deadline")
    with read(app.engine) as conn:
        assert audit.verify(conn) is None


def test_an_extension_in_the_last_moment_keeps_the_deadline_out(app, ask, frozen, monkeypatch):
    card = ask("no")
    frozen.advance(seconds=900)
    lock = threads.lock

    def extend_first(conn, thread_id):
        monkeypatch.setattr(deadlines.threads, "lock", lock)
        found = lock(conn, thread_id)
        now = app.clock.now()
        store.put(conn, card.approval_id, replace(card, due_at=now + timedelta(seconds=60)))
        return found

    monkeypatch.setattr(deadlines.threads, "lock", extend_first)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)
    assert decided(app, card)[0].status is ApprovalStatus.PENDING


@ONE
def test_a_card_that_cannot_take_the_outcome_says_so_and_is_overdue(app, ask, frozen, caplog):
    card = ask("yes", {"action_request": {"action": "send", "args": {}}, "config": {}})
    assert card.due_at is None
    assert "Nothing happens at its deadline" in card.deadline_note
    assert "deadline_without_outcome" in caplog.messages
    frozen.advance(seconds=901)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)
    assert decided(app, card)[0] == card


@ONE
def test_what_can_be_carried_out_no_more_is_told_and_not_tried_again(app, ask, frozen):
    card = ask("no")
    with write(app.engine) as conn:
        conn.execute(text("UPDATE threads SET trouble = 'its file is gone'"))
    frozen.advance(seconds=901)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)
    kept, taken = decided(app, card)
    assert (kept.status, kept.due_at, taken) == (ApprovalStatus.PENDING, None, [])
    assert "its file is gone" in kept.deadline_note
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)


@ONE
def test_cards_that_cannot_be_read_hold_up_no_other(app, ask, frozen, monkeypatch):
    broken, sound = ask("given"), ask("no")
    with write(app.engine) as conn:
        told = {"of_id": broken.approval_id}
        conn.execute(text("UPDATE approvals SET kind = '?' WHERE approval_id = :of_id"), told)
    frozen.advance(seconds=901)
    monkeypatch.setattr(deadlines, "AT_ONCE", 1)
    while deadlines.carry_out_due(app).next_s == 0.0:
        pass
    assert decided(app, sound)[0].status is ApprovalStatus.DECIDED
    with read(app.engine) as conn:
        rows = conn.execute(text("SELECT approval_id, due_at, deadline_note FROM approvals"))
        kept = {row.approval_id: row for row in rows}[broken.approval_id]
    assert kept.due_at is None
    assert "the worker's log has the reason" in kept.deadline_note


@ONE
def test_a_worker_without_the_key_leaves_a_deadline_to_one_that_has_it(
    app, ask, frozen, monkeypatch
):
    columns.use_cipher(app.engine, cipher := Cipher([make_key()]))
    sealed = ask("given", "Ours")
    frozen.advance(seconds=1)
    columns.use_cipher(app.engine, None)
    plain = ask("no")
    frozen.advance(seconds=901)
    monkeypatch.setattr(deadlines, "AT_ONCE", 1)
    assert deadlines.carry_out_due(app) == deadlines.Look(1, 0.0)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)  # not again at once
    assert decided(app, plain)[0].status is ApprovalStatus.DECIDED
    columns.use_cipher(app.engine, cipher)
    assert deadlines.carry_out_due(app).done == 1
    assert decided(app, sealed)[0].status is ApprovalStatus.DECIDED


@ONE
def test_a_refused_extension_is_no_decision_that_was_not_used(app, ask):
    card, by = ask("yes"), timedelta(minutes=15)
    with pytest.raises(Conflict) as stale:
        deadlines.extend(app, card.approval_id, by=by, version=7, actor="ann")
    deciding.decide(app, card.approval_id, Intent(verb=Verb.REJECT), version=1, actor="ben")
    with pytest.raises(Conflict) as late:
        deadlines.extend(app, card.approval_id, by=by, version=1, actor="ann")
    assert late.value.winner["actor"] == "ben"
    for refused in (stale, late):
        assert "decision was not used" not in str(refused.value)
        assert str(refused.value).endswith(deadlines.NOT_MOVED)


@ONE
def test_a_failed_node_is_not_tried_again_by_its_deadline(app, ask):
    failure = Failure("ValueError", "no", node="yes")
    assert "tried again by a person only" in ask("yes", failure=failure).deadline_note


@ONE
def test_an_outcome_that_the_graph_refused_is_not_sent_again(app, ask, frozen):
    card = ask("given")
    frozen.advance(seconds=900)
    deadlines.carry_out_due(app)
    again = ask("given", again="t-given", refused={"i-t-given": "No such amount."})
    assert (again.approval_id, again.version, again.due_at) == (card.approval_id, 2, None)
    assert "the graph refused" in again.deadline_note
    assert decided(app, card)[1][0].refused == "No such amount."


def test_an_escalated_card_stays_with_as_much_time_again_once(app, ask, frozen):
    card = ask("lead")
    frozen.advance(seconds=900)
    assert deadlines.carry_out_due(app).done == 1
    kept, taken = decided(app, card)
    assert (kept.status, kept.escalated_to, taken) == (ApprovalStatus.PENDING, "leads", [])
    assert (kept.version, kept.due_at) == (1, None)
    assert kept.deadline_at == frozen.now() + timedelta(seconds=900)
    with read(app.engine) as conn:
        [entry] = audit.fetch_many(conn, object_=f"approval:{card.approval_id}", limit=5)
    assert (entry.action, entry.after["escalated_to"]) == ("escalate", "leads")
    frozen.advance(seconds=901)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)


def test_overdue_and_escalated_cards_raise_an_alert_each_until_they_are_decided(app, ask, frozen):
    cards = [ask("stay"), ask("lead")]
    frozen.advance(seconds=900)
    deadlines.carry_out_due(app)
    told = alerting.settle(app, alert_reading.read_figures(app, {}))
    by_rule = {alert.rule: alert.title for alert in told}
    assert by_rule["overdue"] == "refunds: one card is overdue"
    assert by_rule["escalated"] == "refunds: one card is escalated to leads"
    for card in cards:
        deciding.decide(app, card.approval_id, Intent(verb=Verb.REJECT), version=1, actor="ann")
    seen = alert_reading.read_figures(app, {})
    assert (seen.overdue, seen.escalated) == ((), ())


def test_an_extension_moves_the_deadline_and_what_happens_at_it(app, ask, frozen):
    card = ask("yes")
    by = timedelta(minutes=15)
    extended = deadlines.extend(
        app, card.approval_id, by=by, version=1, actor="ann", reason="Lunch"
    )
    assert extended.version == 1
    assert extended.deadline_at == extended.due_at == card.deadline_at + by
    assert extended.warn_at == card.warn_at + by
    assert decided(app, card)[0] == extended
    with read(app.engine) as conn:
        [entry] = audit.fetch_many(conn, object_=f"approval:{card.approval_id}", limit=5)
    assert (entry.actor, entry.action, entry.reason) == ("ann", "extend", "Lunch")
    assert entry.before == {"deadline_at": card.deadline_at.isoformat()}
    frozen.advance(seconds=1000)
    assert deadlines.carry_out_due(app).done == 0
    frozen.advance(seconds=800)
    assert deadlines.carry_out_due(app).done == 1
    assert decided(app, card)[1][0].reason == "Nobody decided within 30 min"


@ONE
def test_an_overdue_card_is_extended_from_now_on(app, ask, frozen):
    card = ask("stay")
    frozen.advance(seconds=5000)
    by = timedelta(hours=1)
    extended = deadlines.extend(app, card.approval_id, by=by, version=None, actor="ann")
    assert (extended.deadline_at, extended.due_at) == (frozen.now() + by, None)


@ONE
def test_what_cannot_be_extended_says_why(app, ask):
    card, free = ask("no"), ask("free")
    by = timedelta(minutes=15)
    with pytest.raises(InvalidInput, match="no deadline"):
        deadlines.extend(app, free.approval_id, by=by, version=1, actor="ann")
    with pytest.raises(Conflict, match="something else"):
        deadlines.extend(app, card.approval_id, by=by, version=7, actor="ann")
    deciding.decide(app, card.approval_id, Intent(verb=Verb.REJECT), version=1, actor="bob")
    with pytest.raises(Conflict, match="bob chose reject"):
        deadlines.extend(app, card.approval_id, by=by, version=1, actor="ann")


@ONE
def test_a_card_of_a_thread_from_elsewhere_is_decided_by_no_deadline(app, make, frozen):
    asking = LiveInterrupt(
        interrupt_id="i1",
        value="Go?",
        schema=None,
        node="no",
        namespace="no:1",
        is_answered=False,
    )
    head = Head(checkpoint_id="c1", run_id="r1", next=("no",), interrupts=(asking,), due=("no",))
    with write(app.engine) as conn:
        run = make.put_run(conn, status=RunStatus.WAITING)
        carding.ask_first(conn, [(run, head)])
    frozen.advance(seconds=9000)
    assert deadlines.carry_out_due(app) == deadlines.Look(0, None)
    with read(app.engine) as conn:
        [card] = approvals.fetch_many(conn, limit=5)
    assert "before Interlock knew" in card.deadline_note
