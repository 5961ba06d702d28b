from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from interlock.core.store import audit
from interlock.core.store.engine import read, write


@pytest.fixture
def chain(engine, make):
    """Five entries about two objects."""
    with write(engine) as conn:
        for n in range(5):
            audit.append(
                conn,
                at=make.at(n + 0.25),
                actor="ann",
                action="decide",
                object_=f"approval:{n % 2}",
                before={"b": 1, "a": [1.5, None, "é"]},
                after=n,
                reason="because",
            )
    return engine


def test_entries_are_numbered_and_chained(chain):
    with read(chain) as conn:
        entries = audit.fetch_many(conn, limit=10)
    assert [entry.seq for entry in entries] == [5, 4, 3, 2, 1]
    hashes = [entry.hash for entry in entries]
    assert [*hashes[1:], audit.GENESIS] == [entry.previous_hash for entry in entries]
    assert entries[0].before == {"b": 1, "a": [1.5, None, "é"]}


def test_entries_are_paged_and_found_by_object(chain):
    with read(chain) as conn:
        page = audit.fetch_many(conn, limit=2, before_seq=4)
        about = audit.fetch_many(conn, object_="approval:1", limit=10)
    assert [entry.seq for entry in page] == [3, 2]
    assert [entry.seq for entry in about] == [4, 2]


def test_an_untouched_chain_verifies(chain, monkeypatch):
    monkeypatch.setattr(audit, "BATCH", 2)
    with read(chain) as conn:
        assert audit.verify(conn) is None


def test_an_empty_chain_verifies(engine):
    with read(engine) as conn:
        assert audit.verify(conn) is None


TAMPERINGS = {
    "UPDATE audit SET actor = 'bob' WHERE seq = 3": 3,
    "UPDATE audit SET after = '9' WHERE seq = 2": 2,
    "UPDATE audit SET reason = '' WHERE seq = 5": 5,
    "UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE seq = 1": 1,
    "UPDATE audit SET hash = previous_hash WHERE seq = 4": 4,
    "DELETE FROM audit WHERE seq = 2": 2,
    "DELETE FROM audit WHERE seq = 1": 1,
    "UPDATE audit SET seq = 9 WHERE seq = 5": 5,
}


def test_tampering_is_found_at_the_first_entry_it_touches(chain):
    for tampering, broken in TAMPERINGS.items():
        with write(chain) as conn:
            conn.execute(text(tampering))
            assert broken == audit.verify(conn), tampering
            conn.rollback()


def test_the_seal_is_over_what_is_stored(engine, make):
    with write(engine) as conn:
        audit.append(
            conn,
            at=make.at(0).astimezone(tz=None),
            actor="a\0b" * 200,
            action="decide",
            object_="\ud800",
            after={1: (1, 2.0), "text": "a\0\ud800"},
            reason="a\0b",
        )
        assert audit.verify(conn) is None
        assert audit.fetch_many(conn, limit=1)[0].after == {"1": [1, 2.0], "text": "a\0\ud800"}


def test_many_who_append_at_once_make_one_chain(engine, make):
    start = threading.Barrier(4)

    def append(actor):
        start.wait()
        for n in range(5):
            with write(engine) as conn:
                audit.append(conn, at=make.at(n), actor=actor, action="decide", object_="run:1")

    people = [threading.Thread(target=append, args=(f"person {n}",)) for n in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    with read(engine) as conn:
        assert audit.verify(conn) is None
        assert len(audit.fetch_many(conn, limit=50)) == 20
