from __future__ import annotations

import threading
from dataclasses import replace
from itertools import product

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import ApprovalStatus, Kind
from interlock.core.store import approvals, decisions
from interlock.core.store.engine import read, write


def test_a_card_comes_back_as_it_was_put(engine, make):
    with write(engine) as conn:
        card = make.put_approval(conn, deadline_at=make.at(60))
    with read(engine) as conn:
        assert card == approvals.fetch(conn, "a1")
        assert card == approvals.fetch_by_question(conn, "t1", "key of a1")
        assert approvals.fetch(conn, "a2") is None
        assert approvals.fetch_by_question(conn, "t2", "key of a1") is None


def test_a_form_keeps_the_order_of_its_fields(engine, make):
    with write(engine) as conn:
        make.put_approval(conn)
    with read(engine) as conn:
        schema = approvals.fetch(conn, "a1").schema
    assert list(schema["properties"]) == ["z", "a"]


def test_one_question_has_one_card(engine, make):
    with write(engine) as conn:
        make.put_approval(conn, "a1", "same")
    with pytest.raises(Conflict, match="card already"), write(engine) as conn:
        make.put_approval(conn, "a2", "same")


def test_a_card_is_closed_once(engine, make):
    close = {"version": 1, "status": ApprovalStatus.DECIDED, "now": make.at(9)}
    with write(engine) as conn:
        make.put_approval(conn)
        assert approvals.close(conn, "a1", **close)
        assert not approvals.close(conn, "a1", **close)
    with read(engine) as conn:
        card = approvals.fetch(conn, "a1")
    assert (ApprovalStatus.DECIDED, make.at(9)) == (card.status, card.closed_at)


def test_another_version_than_the_one_seen_is_not_closed(engine, make):
    with write(engine) as conn:
        make.put_approval(conn, version=2)
        for version in (1, 3):
            assert not approvals.close(
                conn, "a1", version=version, status=ApprovalStatus.DECIDED, now=make.at(9)
            )


def test_of_many_who_close_a_card_at_once_one_does(engine, make):
    with write(engine) as conn:
        make.put_approval(conn)
    won, start = [], threading.Barrier(6)

    def close(actor):
        start.wait()
        with write(engine) as conn:
            if approvals.close(
                conn, "a1", version=1, status=ApprovalStatus.DECIDED, now=make.at(1)
            ):
                decisions.insert(conn, make.decision("a1", actor=actor))
                won.append(actor)

    people = [threading.Thread(target=close, args=(f"person {n}",)) for n in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    with read(engine) as conn:
        assert won == [decision.actor for decision in decisions.fetch_for_approval(conn, "a1")]
    assert len(won) == 1


def test_a_reopened_card_is_the_next_version_of_what_is_asked_now(engine, make):
    with write(engine) as conn:
        card = make.put_approval(conn)
        approvals.close(conn, "a1", version=1, status=ApprovalStatus.DECIDED, now=make.at(1))
        again = replace(
            card,
            title="Not a number",
            kind=Kind.VALUE,
            payload=None,
            run_id="r2",
            asked_at=make.at(5),
            version=77,
        )
        assert approvals.reopen(conn, "a1", version_from=1, approval=again)
        assert not approvals.reopen(conn, "a1", version_from=1, approval=again)
        assert replace(again, version=2) == approvals.fetch(conn, "a1")
        assert replace(again, version=2) == approvals.fetch_by_question(conn, "t1", "key of a1")


def test_closing_a_threads_cards_leaves_others_and_decided_ones(engine, make):
    with write(engine) as conn:
        for name in ("a1", "a2", "a3"):
            make.put_approval(conn, name)
        make.put_approval(conn, "decided", status=ApprovalStatus.DECIDED)
        make.put_approval(conn, "elsewhere", thread_id="t2")
        closed = approvals.close_for_thread(
            conn, "t1", status=ApprovalStatus.WITHDRAWN, now=make.at(3), except_ids=["a2"]
        )
        assert closed == ["a1", "a3"]
        pending = approvals.fetch_many(conn, limit=10)
        assert {"a2", "elsewhere"} == {card.approval_id for card in pending}
        rest = approvals.close_for_thread(
            conn, "t1", status=ApprovalStatus.WITHDRAWN, now=make.at(3)
        )
        assert rest == ["a2"]


@pytest.fixture
def inbox(engine, make):
    """Ten cards of two workflows and three statuses, of which some were asked at the same moment."""
    statuses = [ApprovalStatus.PENDING, ApprovalStatus.PENDING, ApprovalStatus.DECIDED]
    cards = []
    with write(engine) as conn:
        for n in range(10):
            card = make.put_approval(
                conn,
                f"a{n}",
                thread_id=f"t{n % 4}",
                run_id=f"r{n % 3}",
                workflow="essays" if n % 2 else "refunds",
                status=statuses[n % 3] if n != 9 else ApprovalStatus.EXPIRED,
                asked_at=make.at(n // 3),
            )
            cards.append(card)
    return sorted(cards, key=lambda card: (card.asked_at, card.approval_id))


FILTERS = list(
    product(
        [False, True],
        [(), ("pending",), ("pending", "decided"), ("pending",) * 2],
        [None, "workflow", "thread_id", "run_id"],
    )
)


def test_lists_are_filtered_ordered_and_paged(engine, inbox):
    for newest_first, statuses, field in FILTERS:
        given = {} if field is None else {field: getattr(inbox[2], field)}
        expected = [
            card
            for card in (reversed(inbox) if newest_first else inbox)
            if (not statuses or card.status in statuses)
            and all(getattr(card, name) == value for name, value in given.items())
        ]
        filters = {**given, "statuses": statuses, "newest_first": newest_first}
        with read(engine) as conn:
            assert expected == approvals.fetch_many(conn, **filters, limit=50), filters
            pages = [
                card
                for offset in range(0, 12, 2)
                for card in approvals.fetch_many(conn, **filters, limit=2, offset=offset)
            ]
        assert expected == pages, filters


def test_the_rows_of_a_list_are_the_cards_without_what_may_be_large(engine, inbox):
    given = {"statuses": ("pending", "decided"), "workflow": "essays"}
    with read(engine) as conn:
        cards = approvals.fetch_many(conn, **given, limit=4, newest_first=True)
        rows = approvals.fetch_summaries(conn, **given, limit=4, newest_first=True)
        of_thread = approvals.fetch_summaries(conn, statuses=(), thread_id="t1", limit=9)
    whole = [vars(card) for card in cards]
    assert [vars(row) for row in rows] == [
        {name: value for name, value in card.items() if name not in {"payload", "schema", "tools"}}
        for card in whole
    ]
    assert {row.approval_id for row in of_thread} == {
        card.approval_id for card in inbox if card.thread_id == "t1"
    }


def test_counts_and_the_oldest(engine, inbox):
    with read(engine) as conn:
        assert approvals.count(conn) == 6
        assert approvals.count(conn, statuses=("pending", "decided")) == 9
        assert approvals.count(conn, workflow="essays") == 3
        assert approvals.count(conn, statuses=()) == 0
        assert inbox[0].asked_at == approvals.oldest_asked_at(conn)


def test_an_empty_inbox_has_no_oldest(engine):
    with read(engine) as conn:
        assert approvals.oldest_asked_at(conn) is None
        assert approvals.count(conn) == 0
        assert approvals.fetch_many(conn, limit=10) == []
