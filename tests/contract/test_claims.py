"""Who has a card: claimed, released, given, forwarded, lapsed; and one winner of many who claim at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from interlock.core.errors import Conflict, InvalidInput, NotAllowed
from interlock.core.model.approvals import ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.bulk import Pick
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.people import SYSTEM, Operator, Role
from interlock.core.model.runs import RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import (
    assigning,
    bulk_deciding,
    deadlines,
    deciding,
    observing,
    sifting,
)
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import approvals, audit, claims, operators, topics
from interlock.core.store.engine import read, write

YES = Intent(verb=Verb.APPROVE)


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    """An App on each kind of database."""
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


@pytest.fixture
def cards(app, make):
    """Three cards that wait."""
    with write(app.engine) as conn:
        for number in range(3):
            place = {"thread_id": f"t{number}", "run_id": f"r{number}"}
            make.put_run(conn, place["run_id"], thread_id=f"t{number}", status=RunStatus.WAITING)
            given = {"kind": Kind.VALUE, "schema": None, "risk": ""}
            make.put_approval(conn, f"a{number}", asked_at=make.at(number), **place, **given)
    return ["a0", "a1", "a2"]


def holder(app, approval_id="a0"):
    held = assigning.fetch_claims(app, [approval_id]).get(approval_id)
    return held and held.person


def head(app):
    with read(app.engine) as conn:
        return topics.fetch_heads(conn).get("inbox", 0)


@pytest.mark.usefixtures("cards")
def test_a_claimed_card_is_decided_by_who_has_it_alone(app):
    before = head(app)
    claim = assigning.claim(app, "a0", actor="ann", note="on the phone")
    assert (claim.person, claim.until - claim.claimed_at) == ("ann", timedelta(seconds=900))
    assert head(app) == before + 1
    with pytest.raises(
        Conflict, match=r"ann has this card until .* UTC. Nothing was decided."
    ) as e:
        deciding.decide(app, "a0", YES, version=1, actor="ben")
    assert e.value.winner["claimed_by"] == "ann"
    assert "--take-over" in e.value.hint
    assert observing.get_card(app, "a0").approval.version == 1

    deciding.decide(app, "a0", YES, version=1, actor="ann")
    assert holder(app) is None


@pytest.mark.usefixtures("cards")
def test_a_claim_lapses_by_itself_and_is_made_longer_by_who_has_it(app, frozen):
    first = assigning.claim(app, "a0", actor="ann", note="mine")
    frozen.advance(seconds=600)
    longer = assigning.claim(app, "a0", actor="ann")
    assert longer == replace(first, until=first.until + timedelta(seconds=600))
    with pytest.raises(Conflict, match="stays where it is"):
        assigning.claim(app, "a0", actor="ben")
    frozen.advance(seconds=900)
    assert holder(app) is None
    assert assigning.claim(app, "a0", actor="ben").person == "ben"
    frozen.advance(seconds=901)
    deciding.decide(app, "a0", YES, version=1, actor="cleo")


@pytest.mark.usefixtures("cards")
def test_a_deadline_is_not_held_up_by_a_claim(app, make):
    with write(app.engine) as conn:
        make.put_run(conn, "r9", thread_id="t9", status=RunStatus.WAITING)
        given = {"kind": Kind.VALUE, "schema": None, "risk": "", "on_timeout": "reject"}
        at = {"deadline_at": make.at(5), "due_at": make.at(5), "warn_at": make.at(5)}
        make.put_approval(conn, "a9", thread_id="t9", run_id="r9", **given, **at)
    assigning.claim(app, "a9", actor="ann")
    app.clock.advance(seconds=60)
    assert deadlines.carry_out_due(app).done == 1
    assert observing.get_card(app, "a9").approval.status is ApprovalStatus.DECIDED


@pytest.mark.usefixtures("cards")
def test_a_card_is_taken_over_by_saying_so(app):
    assigning.claim(app, "a0", actor="ann")
    taken = assigning.claim(app, "a0", actor="ben", take_over=True, note="ann is ill")
    assert (taken.person, holder(app)) == ("ben", "ben")
    with read(app.engine) as conn:
        (entry,) = audit.fetch_many(conn, limit=1)
    assert (entry.action, entry.before["claimed_by"], entry.after["claimed_by"], entry.reason) == (
        "take over",
        "ann",
        "ben",
        "ann is ill",
    )
    assert [move.verb for move in assigning.list_moves(app, "a0")] == ["take over", "claim"]


@pytest.mark.usefixtures("cards")
def test_a_card_is_released_by_who_has_it_or_gave_it(app):
    assigning.assign(app, "a0", to="ben", actor="ann")
    with pytest.raises(Conflict, match=r"ben has this card .*, given by ann"):
        assigning.unclaim(app, "a0", actor="cleo")
    assigning.unclaim(app, "a0", actor="ann", note="not yours after all")
    assert holder(app) is None
    with pytest.raises(Conflict, match="Nobody has this card"):
        assigning.unclaim(app, "a0", actor="ann")
    assigning.claim(app, "a0", actor="ben")
    assigning.unclaim(app, "a0", actor="ben")
    assert holder(app) is None


@pytest.mark.usefixtures("cards")
def test_a_card_that_goes_from_hand_to_hand_keeps_its_trail(app, frozen):
    assigning.claim(app, "a0", actor="ann")
    frozen.advance(seconds=1)
    with pytest.raises(Conflict, match="ann has this card"):
        assigning.forward(app, "a0", to="dan", actor="ben", note="x")
    assigning.forward(app, "a0", to="ben", actor="ann", note="knows the customer")
    frozen.advance(seconds=1)
    given = assigning.forward(
        app, "a0", to="cleo", actor="ben", note="back", lasts=timedelta(hours=4)
    )
    assert (given.person, given.assigned_by, given.until - given.claimed_at) == (
        "cleo",
        "ben",
        timedelta(hours=4),
    )
    moves = assigning.list_moves(app, "a0")
    assert [(m.actor, m.verb, m.to, m.note) for m in moves] == [
        ("ben", "forward", "cleo", "back"),
        ("ann", "forward", "ben", "knows the customer"),
        ("ann", "claim", "ann", ""),
    ]
    with pytest.raises(Conflict):
        assigning.assign(app, "a0", to="ann", actor="dan")
    assert assigning.assign(app, "a0", to="ann", actor="dan", take_over=True).person == "ann"


@pytest.mark.usefixtures("cards")
def test_what_does_not_fit_moves_nothing(app):
    with pytest.raises(InvalidInput, match="takes a note"):
        assigning.forward(app, "a0", to="ben", actor="ann", note=" ")
    with pytest.raises(InvalidInput, match="too long"):
        assigning.claim(app, "a0", actor="ann", note="x" * 2001)
    with pytest.raises(InvalidInput, match="given away for so long"):
        assigning.assign(app, "a0", to="ben", actor="ann", lasts=timedelta(days=8))
    with pytest.raises(InvalidInput, match="name does not fit"):
        assigning.assign(app, "a0", to="group:finance", actor="ann")
    with pytest.raises(Conflict, match="version"):
        assigning.claim(app, "a0", actor="ann", version=2)
    deciding.decide(app, "a1", YES, version=1, actor="ann")
    with pytest.raises(Conflict, match="Already decided"):
        assigning.claim(app, "a1", actor="ben")
    assert holder(app) is None


@pytest.mark.usefixtures("cards")
def test_where_people_sign_in_a_card_goes_to_who_may_decide_it(app, make):
    with write(app.engine) as conn:
        for name, role in (("ann", Role.OPERATOR), ("eve", Role.VIEWER)):
            at = {"created_at": make.at(0), "updated_at": make.at(0)}
            operators.insert(conn, Operator(name=name, role=role, **at), password_hash=None)
        operators.set_sign_in(conn, "local", by="ann", now=make.at(0))
    signed = replace(app, caller=SYSTEM)
    assert assigning.list_people(signed) == ("ann",)
    assert assigning.assign(signed, "a0", to="ann", actor="ben").person == "ann"
    with pytest.raises(NotAllowed, match="eve may not decide cards"):
        assigning.assign(signed, "a1", to="eve", actor="ben")
    with pytest.raises(InvalidInput, match="nobody called 'zoe'"):
        assigning.assign(signed, "a1", to="zoe", actor="ben")


def test_the_inbox_is_sifted_by_who_has_a_card(app, cards, frozen):
    assigning.claim(app, "a0", actor="ann")
    assigning.claim(app, "a1", actor="ben")

    def listed(**fields):
        wanted = InboxFilter(as_of=frozen.now(), **fields)
        assert sifting.count(app, wanted) == len(sifting.list_rows(app, wanted))
        return [card.approval_id for card in sifting.list_rows(app, wanted)]

    assert listed(holder="ann") == ["a0"]
    assert listed(is_free=True) == ["a2"]
    assert listed(free_for="ben") == ["a1", "a2"]
    assert listed() == cards
    frozen.advance(seconds=901)
    assert listed(holder="ann") == []
    assert listed(is_free=True) == listed(free_for="zoe") == cards


def test_a_claimed_card_is_left_out_of_what_is_decided_together(app, cards):
    assigning.claim(app, "a0", actor="ben")
    assigning.claim(app, "a1", actor="ann")
    picks = [Pick(each, 1) for each in cards]
    taken, *others = bulk_deciding.look(app, picks, name="ann")
    assert (taken.is_open, "ben has this card" in str(taken.trouble)) == (False, True)
    assert all(each.is_open for each in others)
    told = bulk_deciding.decide_many(app, picks, Verb.APPROVE, actor="ann")
    assert [each.is_done for each in told] == [False, True, True]
    assert "ben has this card" in told[0].refusal


@pytest.mark.usefixtures("cards")
def test_of_twenty_who_claim_a_card_at_once_one_has_it(app):
    ready = threading.Barrier(20)
    won, lost = [], []

    def go(name):
        ready.wait()
        try:
            won.append(assigning.claim(app, "a0", actor=name).person)
        except Conflict as exc:
            lost.append(exc.winner["claimed_by"])

    threads = [threading.Thread(target=go, args=(f"p{n}",)) for n in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(won) == 1
    assert lost == won * 19
    assert holder(app) == won[0]


@pytest.mark.usefixtures("cards")
def test_of_a_claim_and_a_decision_at_once_the_second_is_told_of_the_first(app):
    ready = threading.Barrier(2)
    seen = {}

    def go(name, act):
        ready.wait()
        try:
            act()
            seen[name] = ""
        except Conflict as exc:
            seen[name] = str(exc)

    def decide():
        deciding.decide(app, "a0", YES, version=1, actor="ben")

    both = [
        threading.Thread(
            target=go, args=("claim", lambda: assigning.claim(app, "a0", actor="ann"))
        ),
        threading.Thread(target=go, args=("decide", decide)),
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    with read(app.engine) as conn:
        is_decided = approvals.fetch(conn, "a0").status is ApprovalStatus.DECIDED
    assert is_decided == (seen["decide"] == "")
    assert ("Already decided: ben" in seen["claim"]) == is_decided
    assert ("ann has this card" in seen["decide"]) != is_decided


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite has one writer
@pytest.mark.usefixtures("cards")
def test_forgetting_waits_for_nobody_who_moves_a_claim(app, frozen):
    for card in ("a0", "a1"):
        assigning.claim(app, card, actor="ann")
    frozen.advance(seconds=90_000)
    with write(app.engine) as other, write(app.engine) as conn:
        claims.remove(other, "a0")
        conn.execute(text("SET LOCAL lock_timeout = '500ms'"))
        claims.forget(conn, now=frozen.now())
        other.rollback()
    with read(app.engine) as conn:
        found = claims.fetch_many(conn, ["a0", "a1"], now=frozen.now() - timedelta(days=9))
    assert list(found) == ["a0"]


@pytest.mark.usefixtures("cards")
def test_what_has_been_over_for_a_day_is_forgotten_with_the_next_move(app, frozen):
    assigning.claim(app, "a0", actor="ann")
    frozen.advance(seconds=90_000)
    assigning.claim(app, "a1", actor="ann")
    with read(app.engine) as conn:
        found = claims.fetch_many(conn, ["a0", "a1"], now=frozen.now() - timedelta(days=9))
    assert list(found) == ["a1"]
