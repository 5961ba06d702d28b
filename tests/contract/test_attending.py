"""Who has which card open, and longer claims for who has: some rows that end by themselves."""

from __future__ import annotations

import pytest

from interlock.core.model.approvals import Kind
from interlock.core.queue.local import LocalQueue
from interlock.core.services import assigning, attending
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import operators, topics
from interlock.core.store.engine import read, write

HERE = ("a0", "ann"), ("a0", "ben"), ("a1", "ann")


@pytest.fixture
def app(engine, frozen, tmp_path, make) -> App:
    """An App on each kind of database, with two cards."""
    with write(engine) as conn:
        for number in range(2):
            given = {"kind": Kind.VALUE, "schema": None, "risk": ""}
            make.put_approval(conn, f"a{number}", thread_id=f"t{number}", **given)
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


@pytest.fixture
def signed(app, make):
    """People sign in."""
    with write(app.engine) as conn:
        operators.set_sign_in(conn, "local", by="ann", now=make.at(0))


def opened(app):
    return dict(attending.list_open(app, ["a0", "a1"]))


@pytest.mark.usefixtures("signed")
def test_what_is_open_is_told_by_every_process_and_wakes_no_list(app):
    with read(app.engine) as conn:
        before = topics.fetch_heads(conn)
    assert attending.tell(app, "web-1", HERE, was_told=False)
    assert attending.tell(app, "web-2", [("a1", "cleo")], was_told=False)
    assert opened(app) == {"a0": ("ann", "ben"), "a1": ("ann", "cleo")}
    alone = attending.heads(app)
    assert set(alone) == {"a0", "a1"}
    assert not attending.tell(app, "web-1", (), was_told=True)
    assert opened(app) == {"a1": ("cleo",)}
    assert attending.heads(app) == {}
    with read(app.engine) as conn:
        assert topics.fetch_heads(conn) == before


@pytest.mark.usefixtures("signed")
def test_what_is_not_told_again_is_over_within_half_a_minute(app, frozen):
    attending.tell(app, "web-1", HERE, was_told=False)
    frozen.advance(seconds=attending.RENEW_S)
    attending.tell(app, "web-1", HERE, was_told=True)
    frozen.advance(seconds=24)
    assert opened(app) == {"a0": ("ann", "ben"), "a1": ("ann",)}
    frozen.advance(seconds=1)
    assert opened(app) == {}
    attending.tell(app, "web-2", [("a1", "cleo")], was_told=False)  # clears what nobody ends
    assert opened(app) == {"a1": ("cleo",)}


def test_where_nobody_signs_in_nothing_is_told(app):
    assert not attending.tell(app, "web-1", HERE, was_told=False)
    assert opened(app) == {}


def test_a_claim_lasts_as_long_as_the_card_is_open(app, frozen):
    first = assigning.claim(app, "a0", actor="ann")
    assigning.claim(app, "a1", actor="ben")
    frozen.advance(seconds=400)
    attending.tell(app, "web-1", HERE, was_told=False)  # more than half of it is left
    assert assigning.fetch_claims(app, ["a0"])["a0"].until == first.until
    frozen.advance(seconds=100)
    attending.tell(app, "web-1", HERE, was_told=False)
    held = assigning.fetch_claims(app, ["a0", "a1"])
    assert (held["a0"].until - first.until).total_seconds() == 500
    assert (held["a1"].until - first.until).total_seconds() == 0  # ben has another one open
    frozen.advance(seconds=901)
    attending.tell(app, "web-1", HERE, was_told=False)
    assert assigning.fetch_claims(app, ["a0"]) == {}
