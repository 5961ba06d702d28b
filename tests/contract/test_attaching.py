"""Opening another application's checkpoints as they are, and telling what both sides did."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import psycopg
import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt
from sqlalchemy import event

from interlock.core.errors import Conflict, StoreUnavailable
from interlock.core.graphs.attached_rows import read_details, scan
from interlock.core.graphs.due import name_due
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.model.approvals import Kind
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.history import AttachedSource
from interlock.core.model.runs import RunStatus
from interlock.core.model.workflows import Workflow
from interlock.core.queue.local import LocalQueue
from interlock.core.services import attaching, launching, observing, presence
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import checkpoints, events
from interlock.core.store import engine as engines
from interlock.core.worker import attached_keeping, indexing
from tests.published import published

CONFIG = {"configurable": {"thread_id": "t"}}


def build():
    return (
        StateGraph(dict)
        .add_node("ask", lambda _state: {"said": interrupt("?")})
        .add_edge(START, "ask")
        .compile()
    )


def make_file(path, *, is_old: bool = False) -> str:
    """A file that LangGraph made; an old one without the paths of tasks."""
    with SqliteSaver.from_conn_string(str(path)) as saver:
        build().copy({"checkpointer": saver}).invoke({"said": ""}, CONFIG)
    if is_old:
        with sqlite3.connect(path) as conn:
            conn.execute("ALTER TABLE writes DROP COLUMN task_path")
    return read_schema(path)


def read_schema(path) -> str:
    with sqlite3.connect(path) as conn:
        return str(conn.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall())


@pytest.mark.parametrize("is_old", [False, True])
async def test_a_file_is_used_as_it_is(tmp_path, is_old):
    path = tmp_path / "theirs.db"
    schema = make_file(path, is_old=is_old)
    settings = Settings(data_dir=tmp_path, attach=str(path))
    async with open_savers(settings) as savers:
        graph = build()
        saver = savers.for_run(serializer_for(graph, None))
        ready = prepare(graph, checkpointer=saver, store=None, name="x")
        (asked,) = (await ready.aget_state(CONFIG)).interrupts
        await ready.ainvoke(Command(resume={asked.id: "yes"}), CONFIG, durability="sync")
        assert (await ready.aget_state(CONFIG)).values == {"said": "yes"}
        entries = await indexing.read_entries(
            savers, ready, "t", after=None, head=None, step_nodes={}
        )
    assert [entry.next for entry in entries] == [("__start__",), ("ask",), ()]
    assert read_schema(path) == schema


async def refuse(settings) -> str:
    with pytest.raises(StoreUnavailable) as told:
        async with open_savers(settings):
            pass
    return str(told.value)


async def test_a_file_that_is_none_of_langgraphs_is_refused_and_left_alone(tmp_path):
    settings = Settings(data_dir=tmp_path, attach=str(tmp_path / "none.db"))
    assert "There is no file" in await refuse(settings)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("no database" * 100)
    assert "cannot be used" in await refuse(
        settings.model_copy(update={"attach": str(tmp_path / "text.db")})
    )
    sqlite3.connect(tmp_path / "empty.db").execute("CREATE TABLE a (b)").connection.close()
    assert "no checkpoints of LangGraph" in await refuse(
        settings.model_copy(update={"attach": str(tmp_path / "empty.db")})
    )


async def test_a_server_whose_tables_are_of_another_version_is_refused(
    tmp_path, empty_postgres_url
):
    url = empty_postgres_url.replace("+psycopg", "")
    settings = Settings(data_dir=tmp_path, attach=url)
    assert "no checkpoints of LangGraph" in await refuse(settings)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE checkpoint_migrations (v INTEGER PRIMARY KEY)")
        assert "no checkpoints of LangGraph" in await refuse(settings)
        conn.execute("INSERT INTO checkpoint_migrations VALUES (3)")
        assert "too old: version 3" in await refuse(settings)
        conn.execute("INSERT INTO checkpoint_migrations VALUES (99)")
        assert "newer than this LangGraph knows: version 99" in await refuse(settings)


async def test_what_was_due_at_hundreds_of_points_is_told_without_asking_the_graph(
    tmp_path, monkeypatch
):
    """The graph is asked for the pushes of a Send alone, as their paths have no name."""

    def count(state):
        return {"n": state["n"] + 1}

    builder = StateGraph(dict).add_node("count", count).add_node("part", lambda _state: None)
    builder.add_edge(START, "count")
    builder.add_conditional_edges(
        "count",
        lambda state: (
            "count" if state["n"] % 300 else ([Send("part", state)] if state["n"] < 400 else [])
        ),
    )
    graph = builder.compile()
    asked: list[str] = []

    async def ask(_graph, _thread, checkpoint_id):
        asked.append(checkpoint_id)
        return ("part",)

    monkeypatch.setattr(indexing, "_ask_next", ask)
    async with open_savers(Settings(data_dir=tmp_path)) as savers:
        saver = savers.for_run(serializer_for(graph, None))
        ready = prepare(graph, checkpointer=saver, store=None, name="x")
        limit = {**CONFIG, "recursion_limit": 500}
        await ready.ainvoke({"n": 0}, limit, durability="async")
        entries = await indexing.read_entries(
            savers, ready, "t", after=None, head=None, step_nodes={}
        )
    assert [entry.next for entry in entries[:-2]] == [("__start__",), *[("count",)] * 300]
    assert len(asked) == 2  # where the Send was due, and the end


def test_a_path_names_the_node_of_an_edge_alone():
    assert name_due(["~__pregel_pull, a, b", "", "~__pregel_pull, c"]) == ("a, b", "c")
    assert name_due(["~__pregel_pull, a", "~__pregel_push, 0000000001"]) == ()
    calls = "~__pregel_push, ~__pregel_pull, main, 0000000000, 1, True"
    assert name_due(["~__pregel_pull, main", calls]) == ("main",)
    assert name_due(["~__pregel_pull, a", "~__pregel_pull, __error_handler__a"]) == ("a",)


@pytest.fixture
def app(engine, tmp_path, frozen) -> App:
    return App(
        settings=Settings(data_dir=tmp_path),
        engine=engine,
        queue=LocalQueue(),
        clock=frozen,
    )


def attach(app, address) -> App:
    return replace(app, settings=app.settings.model_copy(update={"attach": address}))


def found(app, thread_id="t1", **given) -> attaching.Finding:
    head = Head(checkpoint_id="c3", run_id=None, due=(), next=())
    given = {"workflow": "refunds", "trouble": None, "status": "done", "entries": ()} | given
    return attaching.Finding(thread_id=thread_id, at=app.clock.now(), head=head, **given)


def look(app) -> None:
    """The first look of a worker at what is attached."""
    address = attaching.address_of(app.settings)
    source = AttachedSource(
        source_id=attaching.source_id_of(address),
        address=address,
        looked_at=app.clock.now(),
        took_ms=1.0,
        thread_count=0,
        unknown_count=0,
    )
    attaching.note_source(app, source)


def test_threads_of_two_databases_are_never_kept_in_one_folder(app, make):
    attaching.require_own_folder(app)  # not attached: nothing to see to
    one = attach(app, "postgresql+psycopg://ann:secret@db/one")
    attaching.require_own_folder(one)
    attaching.store(one, [found(one)])
    attaching.require_own_folder(one)  # found, and its source not noted yet
    look(one)
    with engines.write(app.engine) as conn:
        make.put_run(conn, "r9", thread_id="t9")  # launched there since
    attaching.require_own_folder(one)
    attaching.require_own_folder(attach(app, "postgresql://ann:another@db/one"))
    with pytest.raises(Conflict, match=r"threads of postgresql://ann:.*@db/one;") as told:
        attaching.require_own_folder(attach(app, "theirs.db"))
    assert "secret" not in str(told.value)


def test_a_folder_with_threads_of_its_own_is_not_attached(app, make):
    with engines.write(app.engine) as conn:
        make.put_run(conn, "r1")
    with pytest.raises(Conflict, match="of its own"):
        attaching.require_own_folder(attach(app, "theirs.db"))


def test_nothing_is_launched_on_a_thread_whose_database_is_not_attached(app, make):
    there = attach(app, "theirs.db")
    attaching.store(there, [found(app)])
    run = make.run("r7", thread_id="t1")
    with engines.write(app.engine) as conn, pytest.raises(Conflict, match="is not attached"):
        launching.add(conn, app, run)
    with engines.write(app.engine) as conn:
        launching.add(conn, there, run)


async def call(function, *args):
    return function(*args)


async def test_one_odd_thread_does_not_keep_the_others_from_being_kept(app, make):
    there = attach(app, "theirs.db")
    odd = make.checkpoint("c3", thread_id="odd", created_at=None)  # no time, which both refuse
    findings = [
        found(app, "a"),
        found(app, "odd", entries=(odd,), trouble=None),
        found(app, "z"),
    ]
    assert await attached_keeping.store_all(call, there, findings) == {"odd"}
    known = attaching.look_up(there, ["a", "odd", "z"])
    assert [known[key].thread.trouble is None for key in ("a", "odd", "z")] == [True, False, True]
    assert "cannot be kept here" in known["odd"].thread.trouble

    async def lose(*_args):
        raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        await attached_keeping.store_all(lose, there, findings)


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE checkpoints SET metadata = 'no JSON'",
        "UPDATE checkpoints SET metadata = '[1]'",
        "UPDATE checkpoints SET checkpoint = x'c1'",
        """UPDATE checkpoints SET metadata = '{"step": "first", "run_id": 7}'""",
    ],
)
async def test_a_row_that_nobody_can_read_says_so_and_no_more(tmp_path, spoil):
    path = tmp_path / "theirs.db"
    make_file(path)
    with sqlite3.connect(path) as conn:
        conn.execute(spoil)
        conn.execute(
            "INSERT INTO checkpoints SELECT 'u', checkpoint_ns, checkpoint_id, parent_checkpoint_id,"
            """ type, x'80', '{"step": 1}' FROM checkpoints"""
        )
    async with open_savers(Settings(data_dir=tmp_path, attach=str(path))) as savers:
        heads = [head async for page in scan(savers) for head in page]
        details = await read_details(savers, heads)
    is_odd = "step" not in spoil
    assert [details[key].trouble is not None for key in ("t", "u")] == [is_odd, False]
    assert [details[key].raw.step for key in ("t", "u")] == [-1, 1]
    assert details["t"].raw.checkpoint_id == heads[0].checkpoint_id


def test_what_both_sides_ran_from_one_point_is_told_once_in_our_runs_log(app, make):
    with engines.write(app.engine) as conn:
        make.put_run(conn, "r1")
        rows = [
            make.checkpoint("c1", source="input"),
            make.checkpoint("c2", parent_id="c1"),
            make.checkpoint("c3", parent_id="c1", run_id=None, branch=1),
            make.checkpoint("c4", parent_id="c2", run_id=None),
            make.checkpoint("c5", parent_id="c2", run_id=None, source="fork", branch=2),
            make.checkpoint("c6", parent_id="c4", run_id=None),
            make.checkpoint("c7", parent_id="c4", run_id=None, branch=3),
        ]
        checkpoints.insert_many(conn, rows)
    assert attaching.warn_of_doubles(app, "t1") == 1
    assert attaching.warn_of_doubles(app, "t1") == 1
    with engines.read(app.engine) as conn:
        (told,) = events.fetch_for_run(conn, "r1", kinds=["warning"])
    assert "the same checkpoint c1, too" in told.data["text"]


def test_the_index_of_a_thread_is_made_whole_once(app, make):
    with engines.write(app.engine) as conn:
        make.put_run(conn, "r1")
        checkpoints.insert_many(conn, [make.checkpoint("c3", parent_id="c2", next=("review",))])
    whole = [
        make.checkpoint("c1", source="input", next=("__start__",)),
        make.checkpoint("c2", parent_id="c1", next=("a",)),
        make.checkpoint("c3", parent_id="c2", next=()),
    ]
    attaching.store_index(app, "t1", whole)
    with engines.read(app.engine) as conn:
        found = checkpoints.fetch_for_thread(conn, "t1", limit=10)
    assert found == [replace(whole[2], next=("review",)), whole[1], whole[0]]


def ask(thread_id, number, *, is_answered=False) -> LiveInterrupt:
    return LiveInterrupt(
        interrupt_id=f"{thread_id}:{number}",
        value={"question": "refund?", "number": number},
        schema=None,
        node="review",
        namespace="review:1",
        is_answered=is_answered,
    )


def workflow(app, policy) -> Workflow:
    return published("refunds", nodes=("review",), at=app.clock.now(), policy=policy)


def test_the_cards_of_many_threads_are_kept_with_a_few_statements(app):
    """As those of one thread after another would be, each a card of its own question."""
    there = attach(app, "theirs.db")
    policy = {"approval": {"review": {"risk": "high"}}}
    presence.publish(app, [workflow(app, policy)])
    head = Head(checkpoint_id="c3", run_id=None, due=("review",), next=("review",))
    findings = [
        replace(found(there, f"t{n}", status="waiting"), head=replace(head, interrupts=asked))
        for n in range(40)
        if (asked := (ask(f"t{n}", 1), ask(f"t{n}", 2, is_answered=True), ask(f"t{n}", 3)))
    ]
    findings.append(replace(found(there, "pause", status=RunStatus.PAUSED), head=head))
    findings.append(found(there, "done"))
    statements: list[str] = []

    def note(_conn, _cursor, statement, *_rest) -> None:
        statements.append(statement)

    event.listen(app.engine, "before_cursor_execute", note)
    attaching.store(there, findings)
    event.remove(app.engine, "before_cursor_execute", note)
    assert len(statements) < 25

    cards = observing.list_inbox(app, limit=200)
    assert len(cards) == 81
    (pause,) = (card for card in cards if card.thread_id == "pause")
    assert (pause.kind, pause.interrupt_id, pause.node) == (Kind.BREAKPOINT, None, "review")
    assert {card.risk for card in cards} == {"high"}
    one = attaching.look_up(there, ["t0"])["t0"]
    assert (one.asked, one.last_status) == ({"t0:1", "t0:3"}, "waiting")
