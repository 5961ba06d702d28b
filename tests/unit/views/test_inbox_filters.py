from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.model.approvals import ApprovalStatus, Kind
from interlock.core.model.inbox_filters import InboxFilter, Risk, Sort
from interlock.core.model.people import Person, Role
from interlock.dashboard.views import inbox_filters
from interlock.dashboard.views.inbox_filters import CLAIMED, EVERYBODYS, MINE, UNCLAIMED, build


def test_nothing_chosen_is_what_waits_longest_first(make):
    sieve = build(None, {}, None)
    assert (sieve.shelf, sieve.sort, sieve.said, sieve.is_pending) == (
        "Pending",
        Sort.WAITING,
        (),
        True,
    )
    assert sieve.read(make.now) == InboxFilter()


def test_all_that_can_be_chosen_becomes_the_filter(make):
    chosen = {
        "workflow": "refunds",
        "node": "team/check",
        "kind": "yes or no",
        "risk": "high risk",
        "age": "1 hour",
        "text": " lost parcel ",
    }
    sieve = build("Decided", chosen, "Oldest first")
    assert sieve.read(make.now) == InboxFilter(
        statuses=(ApprovalStatus.DECIDED,),
        workflow="refunds",
        node="team/check",
        kind=Kind.CONFIRM,
        risk=Risk.HIGH,
        text="lost parcel",
        asked_until=make.now - timedelta(hours=1),
    )
    assert sieve.sort is Sort.WAITING
    assert sieve.read(make.now, shelf="Pending").statuses == (ApprovalStatus.PENDING,)
    assert sieve.said == (
        "refunds",
        "team/check",
        "yes or no",
        "high risk",
        "waiting over 1 hour",
        "\u201clost parcel\u201d",
    )


def test_nonsense_in_the_url_counts_as_not_chosen(make):
    wrong = {"kind": "zzz", "risk": "huge", "age": "10m", "workflow": "", "text": "  "}
    sieve = build("Everything", wrong, "Oldest first")
    assert sieve == build(None, {}, None)
    assert len(build(None, {"text": "x" * 999}, None).chosen["text"]) == inbox_filters.MAX_CHARS


def test_what_was_decided_last_stands_first():
    assert build("Decided", {}, "Waiting longest").sort is Sort.NEWEST


def test_lists_are_told_apart_by_their_filter_not_by_their_order():
    one = build("Pending", {"workflow": "a"}, None)
    assert one.name == build("Pending", {"workflow": "a"}, "Newest first").name
    assert one.name != build("Pending", {"node": "a"}, None).name
    assert one.name != build("Decided", {"workflow": "a"}, None).name


def test_what_is_chosen_can_still_be_chosen():
    assert inbox_filters.offer(["a"], "b") == ["a", "b"]
    assert inbox_filters.offer(["a"], "a") == ["a"]
    assert inbox_filters.offer(["a"], None) == ["a"]


def test_every_status_has_its_shelf():
    shelves = inbox_filters.SHELVES.values()
    assert {status for shelf in shelves for status in shelf} == set(ApprovalStatus)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_can_be_chosen(kind):
    assert kind in inbox_filters.KINDS.values()


def test_what_is_mine_to_decide_is_asked_of_what_waits(make):
    me = Person(name="ann", role=Role.OPERATOR)
    sieve = build(None, {"whose": MINE, "text": "refund"}, None)
    assert (sieve.is_mine, sieve.said) == (True, ("yours to decide", "\u201crefund\u201d"))
    assert sieve.read(make.now, person=me).mine == me
    everybodys = build(None, {"whose": EVERYBODYS}, None)
    assert (everybodys.is_mine, everybodys.said) == (False, ())
    assert everybodys.read(make.now, person=me).mine is None
    assert build(None, {"whose": "anything"}, None).chosen["whose"] is None
    decided = build("Decided", {"whose": MINE}, None)
    assert (decided.said, decided.read(make.now, person=me).mine) == ((), None)


def test_what_waits_can_be_listed_by_priority():
    assert build(None, {}, "Highest priority").sort is Sort.PRIORITY


@pytest.mark.parametrize(
    ("whose", "said", "holder", "is_free"),
    [
        (CLAIMED, ("claimed by you",), "ann", False),
        (UNCLAIMED, ("claimed by nobody",), None, True),
        (EVERYBODYS, (), None, False),
    ],
)
def test_what_somebody_has_or_nobody_is_asked_as_of_now(make, whose, said, holder, is_free):
    me = Person(name="ann", role=Role.OPERATOR)
    sieve = build(None, {"whose": whose}, None)
    wanted = sieve.read(make.now, person=me)
    assert (sieve.said, wanted.holder, wanted.is_free) == (said, holder, is_free)
    assert wanted.as_of == (make.now if said else None)
