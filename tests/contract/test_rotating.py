"""Keys that change under what is kept: nothing is lost, nothing stays readable, the audit holds throughout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from sqlalchemy import text

from interlock.core import ciphers
from interlock.core.ciphers import Cipher
from interlock.core.errors import InvalidInput, KeyMissing
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.services import auditing, rotating
from interlock.core.settings import Settings
from interlock.core.store import approvals, audit, columns, events, inbox, runs, snapshots, threads
from interlock.core.store import engine as engines
from interlock.core.store.schema import metadata

SECRET = "Ada-4711"
THING = {"iban": SECRET, "n": 1.0}
CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}, "metadata": {"run_id": "r"}}


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # SQL is tried above


class State(TypedDict):
    name: str
    is_open: bool
    nothing: None
    answers: list[Any]


def build() -> Any:
    def ask(state: State) -> dict[str, Any]:
        return {"answers": [interrupt({"of": state["name"]})]}

    return StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()


@pytest.fixture
def place(app, engine, database_url, tmp_path):
    """An App on either database, whose checkpoints are in it, too."""
    given = {} if database_url.startswith("sqlite") else {"database": database_url}
    settings = Settings(data_dir=tmp_path, **given)
    return replace(app, engine=engine, settings=settings)


def with_keys(app, *keys):
    cipher = Cipher(keys) if keys else None
    columns.use_cipher(app.engine, cipher)
    return replace(app, cipher=cipher)


def keep_records(app, make):
    with engines.write(app.engine) as conn:
        threads.insert(conn, make.thread())
        for number in range(120):
            runs.insert(conn, make.run(f"r{number}", input=THING))
        approvals.insert(conn, make.approval("a1", title=f"Pay {SECRET}?", payload=THING), "q1")
        events.insert_many(conn, [make.event(1, run_id="r1", data=THING)])
        snapshots.put(conn, make.snapshot(values=THING))
        audit.append(conn, at=make.at(0), actor="ann", action="x", object_="run:r1", after=THING)


async def run_thread(app, answer=None) -> dict[str, Any]:
    async with open_savers(app.settings, cipher=app.cipher) as savers:
        graph = build()
        saver = savers.for_run(serializer_for(graph, None))
        ready = prepare(graph, checkpointer=saver, store=None, name="x")
        if answer is None:
            given = {"name": SECRET, "is_open": True, "nothing": None}
            return await ready.ainvoke(given, CONFIG, durability="sync")
        state = await ready.aget_state(CONFIG)
        command = Command(resume={state.interrupts[0].id: answer})
        return await ready.ainvoke(command, CONFIG, durability="sync")


def everything(app) -> str:
    with engines.read(app.engine) as conn:
        found = [
            row
            for t in metadata.sorted_tables
            for row in conn.execute(text(f'SELECT * FROM "{t.name}"'))
        ]
        if not app.settings.is_embedded:
            for table, value in (
                ("checkpoints", "checkpoint::text"),
                ("checkpoint_blobs", "encode(blob, 'escape')"),
                ("checkpoint_writes", "encode(blob, 'escape')"),
            ):
                found += conn.execute(text(f"SELECT {value} FROM {table}")).all()
    told = "\n".join(map(str, found))
    if app.settings.is_embedded:
        app.engine.dispose()
        told += "".join(str(path.read_bytes()) for path in app.settings.data_dir.glob("*.db*"))
    return told


async def test_what_was_plain_is_encrypted_and_then_with_another_key(place, make):
    keep_records(place, make)
    await run_thread(place)
    with pytest.raises(InvalidInput, match="There are no keys"):
        rotating.rotate(place, actor="ann")
    before = rotating.status(place)
    assert set(before.totals) == {rotating.PLAIN}
    assert before.tables["approvals"].total() == 3

    first, second = ciphers.make_key(), ciphers.make_key()
    app = with_keys(place, first)
    told: list[str] = []
    done = rotating.rotate(
        app, actor="ann", reason="at last", say=lambda name, _: told.append(name)
    )
    assert done.changed["runs"] == 120
    assert done.changed["approvals"] == 3
    assert not done.unread
    assert {"runs", "approvals"} <= set(told)
    assert SECRET not in everything(app)
    after = rotating.status(app)
    assert set(after.totals) <= {ciphers.fingerprint(first)}
    with engines.read(app.engine) as conn:
        assert audit.verify(conn) is None
        assert runs.fetch(conn, "r1").input == THING
        assert inbox.count(conn, InboxFilter(text=SECRET)) == 0
        assert inbox.count(conn, InboxFilter(text="review")) == 1
    assert auditing.verify(app).holds

    app = with_keys(place, second, first)
    rotating.rotate(app, actor="ann")
    assert rotating.status(app).idle == (ciphers.fingerprint(first),)
    app = with_keys(place, second)
    rotating.require_keys(app)
    with engines.read(app.engine) as conn:
        assert audit.verify(conn) is None
        actions = [entry.action for entry in audit.fetch_many(conn, limit=10)]
        assert approvals.fetch(conn, "a1").payload == THING
    assert actions == ["keys:rotated", "keys:rotate", "keys:rotated", "keys:rotate", "x"]
    ended = await run_thread(app, answer="yes")
    assert ended == {"name": SECRET, "is_open": True, "nothing": None, "answers": ["yes"]}
    again = rotating.rotate(app, actor="ann")
    assert not again.changed


@on_sqlite
async def test_a_rotation_that_was_stopped_is_begun_again(place, make):
    keep_records(place, make)
    key = ciphers.make_key()
    app = with_keys(place, key)

    def stop(name: str, count: int) -> None:
        if name == "runs" and count:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotating.rotate(app, actor="ann", say=stop)
    halfway = rotating.status(app).tables["runs"]
    assert halfway[rotating.PLAIN]
    assert halfway[ciphers.fingerprint(key)]
    done = rotating.rotate(app, actor="ann")
    assert done.changed["runs"] == halfway[rotating.PLAIN]
    assert not rotating.status(app).tables["runs"][rotating.PLAIN]


@on_sqlite
def test_what_somebody_else_changes_meanwhile_is_kept_as_they_left_it(place, make):
    keep_records(place, make)
    app = with_keys(place, ciphers.make_key())
    written: list[str] = []

    def write(name: str, count: int) -> None:
        if name == "runs" and not written:
            written.append(name)
            with engines.write(app.engine) as conn:
                runs.insert(conn, make.run("r-new", input={"of": "somebody else"}))

    rotating.rotate(app, actor="ann", say=write)
    with engines.read(app.engine) as conn:
        assert runs.fetch(conn, "r-new").input == {"of": "somebody else"}
    assert not rotating.status(app).tables["runs"][rotating.PLAIN]


@on_sqlite
def test_what_cannot_be_read_is_told_and_stays(place, make):
    lost, key = ciphers.make_key(), ciphers.make_key()
    with_keys(place, lost)
    keep_records(place, make)
    app = with_keys(place, key)
    with pytest.raises(InvalidInput, match=ciphers.fingerprint(lost)):
        rotating.require_keys(app)
    done = rotating.rotate(app, actor="ann")
    assert done.unread[ciphers.fingerprint(lost)] > 120
    assert rotating.status(app).missing == (ciphers.fingerprint(lost),)
    with engines.read(app.engine) as conn, pytest.raises(KeyMissing):
        runs.fetch(conn, "r1")
    app = with_keys(place, key, lost)
    with engines.read(app.engine) as conn:
        assert runs.fetch(conn, "r1").input == THING
