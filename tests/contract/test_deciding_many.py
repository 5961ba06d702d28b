"""Many cards decided by one word: each by itself, each once, and safe to be sent again."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from interlock.core.errors import InvalidInput, StoreUnavailable
from interlock.core.model.approvals import ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.bulk import MAX_AT_ONCE, Outcome, Pick
from interlock.core.model.runs import RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import bulk_deciding, deciding
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import approvals, audit, decisions
from interlock.core.store.engine import read, write


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    """An App on each kind of database."""
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


@pytest.fixture
def ask(app, make):
    """Cards that wait, each of a run on a thread of its own; their ids."""

    def put(*changes):
        ids = []
        with write(app.engine) as conn:
            for number, given in enumerate(changes):
                thread_id, run_id = f"t{number}", f"r{number}"
                make.put_run(conn, run_id, thread_id=thread_id, status=RunStatus.WAITING)
                values = {"kind": Kind.VALUE, "payload": "Go?", "schema": None, "risk": ""}
                card = values | {"thread_id": thread_id, "run_id": run_id} | given
                ids.append(make.put_approval(conn, f"a{number}", **card).approval_id)
        return ids

    return put


def status_of(app, approval_id):
    with read(app.engine) as conn:
        return approvals.fetch(conn, approval_id).status


def test_each_card_is_told_of_and_what_is_refused_keeps_no_other(app, ask):
    ids = ask({}, {"risk": "high"}, {"allowed": (Verb.REJECT, Verb.ANSWER)}, {"version": 2}, {}, {})
    deciding.decide(app, ids[4], Intent(verb=Verb.REJECT), version=1, actor="ben")
    picks = [*(Pick(each, 1) for each in ids), Pick("gone"), Pick(ids[0], 9)]

    told = bulk_deciding.decide_many(app, picks, Verb.APPROVE, reason="checked", actor="ann")

    outcomes = [each.outcome for each in told]
    assert outcomes == [Outcome.DONE, *[Outcome.REFUSED] * 4, Outcome.DONE, Outcome.REFUSED]
    why = ["", "high risk", "not take approve", "version 2", "ben chose reject", "", "no card"]
    assert all(word in each.refusal for word, each in zip(why, told, strict=True))
    assert told[4].winner["actor"] == "ben"
    assert [each.status for each in told[:2]] == ["decided", "pending"]
    assert told[0].run_id != told[5].run_id
    assert status_of(app, ids[1]) is ApprovalStatus.PENDING
    with read(app.engine) as conn:
        (made,) = decisions.fetch_for_approval(conn, ids[0])
        (entry,) = audit.fetch_many(conn, limit=1)
    assert (made.answer, made.reason, made.actor) == (True, "checked", "ann")
    assert (entry.action, entry.after["decided"]) == ("decide together:approve", [ids[0], ids[5]])


def test_sent_again_it_decides_nothing_twice(app, ask):
    picks = [Pick(each, 1) for each in ask({}, {}, {})]
    first = bulk_deciding.decide_many(app, picks[:2], Verb.REJECT, actor="ann")
    again = bulk_deciding.decide_many(app, picks, Verb.REJECT, actor="ann")
    assert [each.outcome for each in again] == [Outcome.BEFORE, Outcome.BEFORE, Outcome.DONE]
    assert [each.run_id for each in again[:2]] == [each.run_id for each in first]
    (other,) = bulk_deciding.decide_many(app, picks[:1], Verb.APPROVE, actor="ann")
    assert other.outcome is Outcome.REFUSED


def test_what_is_typed_or_too_much_is_refused_as_a_whole(app, ask):
    (card,) = ask({})
    with pytest.raises(InvalidInput, match="not decided together by answer"):
        bulk_deciding.decide_many(app, [Pick(card, 1)], Verb.ANSWER, actor="ann")
    many = [Pick(f"x{number}") for number in range(MAX_AT_ONCE)]
    with pytest.raises(InvalidInput, match="201 cards are too many"):
        bulk_deciding.decide_many(app, [Pick(card, 1), *many], Verb.APPROVE, actor="ann")
    assert status_of(app, card) is ApprovalStatus.PENDING


def test_a_database_that_fails_on_the_way_ends_it(app, ask, monkeypatch):
    picks = [Pick(each, 1) for each in ask({}, {}, {}, {})]
    decide = deciding.decide

    def fail(app, approval_id, *args, **kwargs):
        if approval_id == "a1":
            raise StoreUnavailable("The database does not answer.")
        return decide(app, approval_id, *args, **kwargs)

    monkeypatch.setattr(deciding, "decide", fail)
    told = bulk_deciding.decide_many(app, picks, Verb.APPROVE, actor="ann")
    assert [each.outcome for each in told] == [
        Outcome.DONE,
        Outcome.REFUSED,
        Outcome.NOT_TRIED,
        Outcome.NOT_TRIED,
    ]
    assert "does not answer" in told[3].refusal


def test_of_two_who_decide_the_same_cards_at_once_each_card_has_one(app, ask):
    picks = [Pick(each, 1) for each in ask(*[{}] * 12)]
    told = {}
    ready = threading.Barrier(2)

    def go(actor, verb):
        ready.wait()
        told[actor] = bulk_deciding.decide_many(app, picks, verb, actor=actor)

    words = (("ann", Verb.APPROVE), ("ben", Verb.REJECT))
    both = [threading.Thread(target=go, args=each) for each in words]
    for each in both:
        each.start()
    for each in both:
        each.join()
    counts = Counter(each.outcome for one in told.values() for each in one)
    assert counts == {Outcome.DONE: 12, Outcome.REFUSED: 12}
    for mine, theirs in zip(told["ann"], told["ben"], strict=True):
        assert {mine.outcome, theirs.outcome} == {Outcome.DONE, Outcome.REFUSED}


def test_what_was_chosen_is_looked_at_as_it_is_now(app, ask):
    ids = ask({}, {"risk": "high"}, {"version": 2})
    picks = [*(Pick(each, 1) for each in ids), Pick("gone")]
    plain, risky, anew, gone = bulk_deciding.look(app, picks, name="ann")
    assert (plain.is_open, plain.question.allowed) == (True, (Verb.APPROVE, Verb.REJECT))
    assert (risky.is_open, "high risk" in risky.obstacle) == (False, True)
    assert (anew.is_open, anew.card.version, "version 2" in str(anew.trouble)) == (False, 2, True)
    assert (gone.is_open, gone.card) == (False, None)
