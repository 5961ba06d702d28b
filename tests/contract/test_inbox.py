"""The inbox sifted: each filter and order, pages without gaps, counts with a bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.model.approvals import ApprovalStatus, Kind
from interlock.core.model.inbox_filters import InboxFilter, Risk, Sort
from interlock.core.queue.local import LocalQueue
from interlock.core.services import sifting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import inbox
from interlock.core.store.engine import read, write

ANY = InboxFilter(statuses=())
PENDING = InboxFilter()


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    """An App on each kind of database."""
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


@pytest.fixture
def cards(app, make):
    """Six cards; the fifth is decided."""
    given = [
        {"workflow": "refunds", "node": "review", "risk": "high", "title": "Refund Émile"},
        {"workflow": "refunds", "node": "charge", "risk": "", "kind": Kind.CHOICE},
        {"workflow": "mails", "node": "send", "risk": "low", "payload": {"to": "emily@b.c"}},
        {"workflow": "mails", "node": "review", "risk": "high"},
        {"workflow": "mails", "node": "review", "risk": "", "status": ApprovalStatus.DECIDED},
        {"workflow": "mails", "node": "team/check", "risk": "medium"},
    ]
    with write(app.engine) as conn:
        for number, fields in enumerate(given):
            card = {"title": f"card {number}", "payload": None, **fields}
            make.put_approval(
                conn, f"a{number}", thread_id=f"t{number}", asked_at=make.at(number), **card
            )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (PENDING, "012 35"),
        (ANY, "012345"),
        (InboxFilter(statuses=(ApprovalStatus.DECIDED,)), "4"),
        (InboxFilter(workflow="refunds"), "01"),
        (InboxFilter(node="review"), "0 3"),
        (InboxFilter(node="review", workflow="mails"), "3"),
        (InboxFilter(kind=Kind.CHOICE), "1"),
        (InboxFilter(risk=Risk.HIGH), "03"),
        (InboxFilter(risk=Risk.NONE), "1"),
        (InboxFilter(text="emil"), "02"),
        (InboxFilter(text="EMIL refund"), "0"),
        (InboxFilter(text="nowhere"), ""),
        (InboxFilter(text="?!"), "012 35"),
        (InboxFilter(thread_id="t3"), "3"),
        (InboxFilter(ids=("a4", "a3", "a0", "gone")), "03"),
        (InboxFilter(ids=()), ""),
    ],
)
@pytest.mark.usefixtures("cards")
def test_a_filter_finds_its_cards_and_counts_them(app, wanted, found):
    expected = [f"a{number}" for number in found.replace(" ", "")]
    assert [c.approval_id for c in sifting.list_rows(app, wanted)] == expected
    assert [c.approval_id for c in sifting.list_cards(app, wanted)] == expected
    assert sifting.count(app, wanted) == len(expected)


@pytest.mark.usefixtures("cards")
def test_an_age_bounds_what_is_listed_from_both_sides(app, make):
    until = replace(PENDING, asked_until=make.at(2))
    after = replace(PENDING, asked_after=make.at(2))
    assert [c.approval_id for c in sifting.list_rows(app, until)] == ["a0", "a1", "a2"]
    assert [c.approval_id for c in sifting.list_rows(app, after)] == ["a3", "a5"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [(Sort.WAITING, "012345"), (Sort.NEWEST, "543210"), (Sort.RISK, "035214")],
)
@pytest.mark.usefixtures("cards")
def test_pages_follow_one_order_without_gaps(app, sort, order):
    for wanted, expected in ((ANY, order), (PENDING, order.replace("4", ""))):
        found = [
            card.approval_id
            for offset in range(0, 6, 2)
            for card in sifting.list_rows(app, wanted, sort=sort, limit=2, offset=offset)
        ]
        assert found == [f"a{number}" for number in expected]


@pytest.mark.usefixtures("cards")
def test_what_the_inbox_shows_is_read_at_once(app, make):
    shelves = {"pending": (ApprovalStatus.PENDING,), "decided": (ApprovalStatus.DECIDED,)}
    wanted = InboxFilter(workflow="mails")
    seen = sifting.sift(app, wanted, shelves=shelves, seen_until=make.at(3), limit=25)
    assert [c.approval_id for c in seen.rows] == ["a2", "a3"]
    assert [c.approval_id for c in seen.newer] == ["a5"]
    assert (seen.total, seen.counts) == (2, {"pending": 3, "decided": 1})
    everything = sifting.sift(app, wanted, shelves=shelves, limit=25)
    assert ([c.approval_id for c in everything.rows], everything.newer) == (["a2", "a3", "a5"], ())


@pytest.mark.usefixtures("cards")
def test_only_nodes_with_such_cards_can_be_chosen(app):
    assert sifting.list_nodes(app, PENDING) == ["charge", "review", "send", "team/check"]
    assert sifting.list_nodes(app, InboxFilter(workflow="refunds")) == ["charge", "review"]
    decided = InboxFilter(statuses=(ApprovalStatus.DECIDED, ApprovalStatus.EXPIRED))
    assert sifting.list_nodes(app, decided) == ["review"]


@pytest.mark.usefixtures("cards")
def test_what_is_next_comes_from_the_list_that_was_seen(app):
    assert sifting.list_next(app, PENDING, among=["a5", "a4", "a3"]) == ["a3", "a5", "a0", "a1"]
    assert sifting.list_next(app, InboxFilter(risk=Risk.HIGH), among=["a1"]) == ["a0", "a3"]


@pytest.mark.usefixtures("cards")
def test_counting_stops_at_its_bound(app):
    with read(app.engine) as conn:
        assert [inbox.count(conn, PENDING, limit=n) for n in (1, 4, 5, 6)] == [2, 5, 5, 5]
