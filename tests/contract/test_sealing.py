"""Our tables where there are keys: nothing of somebody's work is read without them, all of it with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from interlock.core import ciphers
from interlock.core.ciphers import Cipher
from interlock.core.errors import KeyMissing, SealBroken
from interlock.core.model.audit_lists import AuditFilter
from interlock.core.model.caches import Clearing, Entry, Place
from interlock.core.model.inbox_filters import InboxFilter, Sort
from interlock.core.model.runs import Failure, FailureLine
from interlock.core.store import (
    approvals,
    audit,
    audit_lists,
    caches,
    columns,
    decisions,
    events,
    inbox,
    nodes,
    runs,
    snapshots,
    threads,
)
from interlock.core.store import engine as engines
from interlock.core.store.columns import ENVELOPE
from interlock.core.store.schema import metadata

SECRET = "Ada-4711"
THING = {"iban": SECRET, "n": 1.0, "nothing": None, "list": [SECRET]}


@pytest.fixture
def keys() -> list[str]:
    return [ciphers.make_key()]


@pytest.fixture
def sealed(engine, keys):
    columns.use_cipher(engine, Cipher(keys))
    return engine


def fill(conn, make):
    """One record of each kind, each with the secret in it."""
    threads.insert(conn, make.thread())
    failure = Failure("ValueError", f"no {SECRET}", "a stack", "charge", 1, {"s": SECRET}, {})
    run = make.run("r1", input=THING, context=THING, error=failure)
    runs.insert(conn, run)
    card = make.approval("a1", title=f"Pay {SECRET}?", payload=THING)
    approvals.insert(conn, card, "q1")
    decisions.insert(conn, make.decision("a1", answer=THING, before=THING, after=THING))
    events.insert_many(conn, [make.event(1, data=THING)])
    nodes.upsert_many(conn, [make.node_run(error_message=f"no {SECRET}")])
    snapshots.put(conn, make.snapshot(values=THING))
    audit.append(conn, at=make.at(0), actor="ann", action="x", object_="run:r1", after=THING)
    question = f"What of {SECRET}?"
    entry = Entry(
        place=Place("refunds", "ask"),
        namespace="n",
        key="k",
        encoding="msgpack",
        value=b"",
        question=question,
        created_at=make.at(0),
    )
    caches.keep(conn, entry)
    return run, card, failure, entry


def everything(conn) -> str:
    return "\n".join(
        str(row)
        for table in metadata.sorted_tables
        for row in conn.execute(text(f'SELECT * FROM "{table.name}"'))
    )


def test_the_tables_tell_nothing_and_the_records_are_as_they_were(sealed, make):
    with engines.write(sealed) as conn:
        run, card, failure, entry = fill(conn, make)
        assert SECRET not in everything(conn)
        assert runs.fetch(conn, "r1") == run
        (line,) = runs.fetch_many(conn, limit=1)
        assert line.error == FailureLine("ValueError", failure.message)
        assert approvals.fetch(conn, "a1") == card
        assert inbox.fetch_summaries(conn, InboxFilter(), sort=Sort.NEWEST, limit=1)[
            0
        ].title.endswith(f"{SECRET}?")
        (decision,) = decisions.fetch_for_approval(conn, "a1")
        assert (decision.answer, decision.before, decision.after) == (THING, THING, THING)
        assert events.fetch_for_run(conn, "r1")[0].data == THING
        assert nodes.fetch_for_runs(conn, ["r1"])[0].error_message == f"no {SECRET}"
        assert snapshots.fetch(conn, "t1", "c1").values == THING
        assert audit.fetch_one(conn, 1).after == THING
        assert audit.verify(conn) is None
        assert caches.fetch_many(conn, [("n", "k")])[0].question == entry.question
        assert caches.clear(conn, Clearing(workflow="refunds", pattern=f"*{SECRET}*")) == 1


def test_what_was_kept_before_there_were_keys_is_read_on(engine, make, keys):
    with engines.write(engine) as conn:
        run, card, *_ = fill(conn, make)
    columns.use_cipher(engine, Cipher(keys))
    with engines.read(engine) as conn:
        assert runs.fetch(conn, "r1") == run
        assert approvals.fetch(conn, "a1") == card
        assert audit.verify(conn) is None


def test_without_its_key_a_record_says_which_is_missing(sealed, make, keys):
    with engines.write(sealed) as conn:
        fill(conn, make)
    columns.use_cipher(sealed, None)
    with engines.read(sealed) as conn:
        for read in (runs.fetch, approvals.fetch):
            with pytest.raises(KeyMissing, match=f"key {ciphers.fingerprint(keys[0])}"):
                read(conn, "r1" if read is runs.fetch else "a1")
        with pytest.raises(KeyMissing):
            audit.verify(conn)
    columns.use_cipher(sealed, Cipher(keys))
    with engines.read(sealed) as conn:
        assert runs.fetch(conn, "r1").input == THING


def test_cards_and_runs_are_found_by_name_and_no_longer_by_content(sealed, make):
    with engines.write(sealed) as conn:
        fill(conn, make)
        for wanted, count in ((SECRET, 0), ("review", 1), ("a1", 1), ("refunds", 1)):
            assert inbox.count(conn, InboxFilter(text=wanted)) == count
        for wanted, count in ((SECRET, 0), ("run:r1", 1)):
            assert audit_lists.count(conn, AuditFilter(text=wanted)).count == count


def test_a_value_in_the_shape_of_an_envelope_is_nobody_elses(engine, make, keys):
    cipher = Cipher(keys)
    stolen = {ENVELOPE: cipher.seal(b'"of somebody else"')}
    title = f"{ENVELOPE}:{cipher.seal(b'x')}"
    for number, keyed in enumerate((None, cipher)):
        columns.use_cipher(engine, keyed)
        with engines.write(engine) as conn:
            if not number:
                threads.insert(conn, make.thread())
            run = make.run(f"r{number}", input=stolen, context={ENVELOPE: [1]})
            runs.insert(conn, run)
            card = make.approval(f"a{number}", payload=stolen, title=title)
            approvals.insert(conn, card, f"q{number}")
    with engines.read(engine) as conn:
        for number in range(2):
            found = runs.fetch(conn, f"r{number}")
            assert (found.input, found.context) == (stolen, {ENVELOPE: [1]})
            card = approvals.fetch(conn, f"a{number}")
            assert (card.payload, card.title) == (stolen, title)


def test_an_encrypted_entry_of_the_audit_that_was_changed_is_found(sealed, make, keys):
    with engines.write(sealed) as conn:
        for number in range(3):
            audit.append(
                conn, at=make.at(number), actor="ann", action="x", object_="o", after=THING
            )
        forged = f'{{"{ENVELOPE}":"{Cipher(keys).newest}:gAAAAA"}}'
        conn.execute(text("UPDATE audit SET after = :forged WHERE seq = 2"), {"forged": forged})
        assert audit.verify(conn) == 2
        with pytest.raises(SealBroken):
            audit.fetch_one(conn, 2)


def test_keys_that_change_keep_the_order_and_the_kind_of_values(sealed, make):
    odd = {"z": 1, "a": [True, None, 1.0, 10**400, "é\u2028\ud800"], "": {}}
    with engines.write(sealed) as conn:
        threads.insert(conn, make.thread())
        runs.insert(conn, replace(make.run("r1"), input=odd))
        found = runs.fetch(conn, "r1").input
    assert list(found) == list(odd)
    assert found == odd
    assert type(found["a"][2]) is float
