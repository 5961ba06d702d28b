"""A thread's history from its index, on both databases: what a page shows, and that the index is right."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterator
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt

from interlock.core.errors import Conflict, NotFound
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import Savers, open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.history import (
    EditMode,
    FieldEdit,
    Fork,
    PlannedAnswer,
    PointFilter,
)
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import RunKind
from interlock.core.model.threads import Origin
from interlock.core.queue.local import LocalQueue
from interlock.core.services import history
from interlock.core.services.context import App
from interlock.core.services.placing import index_checkpoints
from interlock.core.settings import Settings
from interlock.core.store import decisions, forks, nodes, runs, snapshots, threads
from interlock.core.store import engine as engines
from interlock.core.worker.indexing import read_entries


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    return App(
        settings=Settings(data_dir=tmp_path), engine=engine, queue=LocalQueue(), clock=frozen
    )


@pytest.fixture
def forked(app, make) -> App:
    """
    A thread whose second run set it back from c3 to c1.

    c0 -- c1 -- c2 -- c3
            `-- c4 -- c5
    """
    points = [
        ("c0", None, "input", ("__start__",), "r1", -1),
        ("c1", "c0", "loop", ("review", "look up"), "r1", 0),
        ("c2", "c1", "loop", ("charge",), "r1", 1),
        ("c3", "c2", "loop", (), "r1", 2),
        ("c4", "c1", "fork", ("review", "look up"), "r2", 1),
        ("c5", "c4", "loop", ("charge",), "r2", 2),
    ]
    with engines.write(app.engine) as conn:
        make.put_run(conn, "r1")
        make.put_run(conn, "r2", created_at=make.at(60))
        entries = [
            make.checkpoint(point, parent_id=parent, source=source, next=due, run_id=run, step=step)
            for point, parent, source, due, run, step in points
        ]
        index_checkpoints(conn, "t1", entries)
        forks.insert(conn, make_fork(make))
        card = make.put_approval(conn, "a1", checkpoint_id="c1", status=ApprovalStatus.DECIDED)
        decisions.insert(conn, make.decision(card.approval_id))
        make.put_approval(conn, "a2", interrupt_id="i2", checkpoint_id="c4")
    return app


def make_fork(make, **changes) -> Fork:
    given: dict[str, Any] = {
        "fork_id": "f1",
        "thread_id": "t1",
        "run_id": "r2",
        "verb": RewindVerb.EDIT,
        "target_id": "c1",
        "left_id": "c3",
        "actor": "ann",
        "reason": "wrong amount",
        "created_at": make.at(60),
        "as_node": "look up",
        "edits": (FieldEdit(field="amount", value=5, mode=EditMode.APPEND),),
        "answers": (PlannedAnswer(node="review", payload={"a": 1}, intent={"verb": "approve"}),),
        "preview": {"next": ["review"]},
    }
    return Fork(**given | changes)


def test_a_fork_is_marked_where_the_retry_of_its_run_made_it(forked, make):
    """Its own run failed before it wrote anything; a retry of what it wrote begins no fork."""
    with engines.write(forked.engine) as conn:
        for n, run_id in enumerate(("r3", "r4", "r5"), start=3):
            kind = RunKind.REWIND if n == 3 else RunKind.RETRY
            made = make.run(
                run_id, kind=kind, previous_run_id=f"r{n - 1}", created_at=make.at(60 + n)
            )
            runs.insert(conn, made)
        given = {"target_id": "c1", "left_id": "c5", "created_at": make.at(63)}
        forks.insert(conn, make_fork(make, fork_id="f2", run_id="r3", **given))
        rows = [("c6", "c1", "fork", "r4", 1), ("c7", "c6", "loop", "r5", 2)]
        entries = [
            make.checkpoint(c, parent_id=parent, source=source, run_id=run, step=step)
            for c, parent, source, run, step in rows
        ]
        index_checkpoints(conn, "t1", entries)
    found = history.open_history(forked, "t1")
    begun = {p.checkpoint_id: p.fork.fork_id for p in found.points if p.fork is not None}
    assert begun == {"c4": "f1", "c6": "f2"}


def ids(found) -> list[str]:
    return [point.checkpoint_id for point in found]


def test_a_history_opens_with_its_points_branches_and_forks(forked):
    found = history.open_history(forked, "t1")
    assert ids(found.points) == ["c5", "c4", "c3", "c2", "c1", "c0"]
    assert (found.head_id, found.count, found.total, found.is_whole) == ("c5", 6, 6, True)
    assert [(p.checkpoint_id, p.branch, p.ran) for p in found.points] == [
        ("c5", 1, ("review", "look up")),
        ("c4", 1, ()),
        ("c3", 0, ("charge",)),
        ("c2", 0, ("review", "look up")),
        ("c1", 0, ("__start__",)),
        ("c0", 0, ()),
    ]
    first, second = found.spans
    assert (first.branch, first.first_id, first.last_id, first.parent_id, first.point_count) == (
        *(0, "c0", "c3"),
        *(None, 4),
    )
    assert (second.branch, second.first_id, second.last_id, second.parent_id) == (
        *(1, "c4", "c5"),
        "c1",
    )
    assert (second.point_count, second.size_bytes) == (2, 200)
    begun = {p.checkpoint_id: p.fork for p in found.points if p.fork is not None}
    assert list(begun) == ["c4"]
    assert (begun["c4"].actor, begun["c4"].reason, begun["c4"].verb) == (
        *("ann", "wrong amount"),
        RewindVerb.EDIT,
    )
    assert found.forks == (begun["c4"],)
    asked = {p.checkpoint_id: (p.asked_count, p.decided_count) for p in found.points}
    assert (asked["c1"], asked["c4"], asked["c2"]) == ((1, 1), (1, 0), (0, 0))
    assert ([c.approval_id for c in found.cards], len(found.decisions)) == (["a2", "a1"], 1)
    assert [run.run_id for run in found.runs] == ["r2", "r1"]


FILTERED = [
    (PointFilter(step_from=1), ["c5", "c4", "c3", "c2"]),
    (PointFilter(step_from=1, step_to=1), ["c4", "c2"]),
    (PointFilter(node="charge"), ["c5", "c3", "c2"]),
    (PointFilter(node="look up"), ["c5", "c4", "c2", "c1"]),
    (PointFilter(node="review/inner"), ["c5", "c4", "c2", "c1"]),
    (PointFilter(node="look"), []),
    (PointFilter(node='a"%_\\'), []),
    (PointFilter(sources=("fork", "input")), ["c4", "c0"]),
    (PointFilter(run_id="r2"), ["c5", "c4"]),
    (PointFilter(branch=0), ["c3", "c2", "c1", "c0"]),
    (PointFilter(only_decisions=True), ["c4", "c1"]),
    (PointFilter(only_decisions=True, branch=0), ["c1"]),
]


def test_points_are_filtered_and_counted(forked):
    for wanted, found in FILTERED:
        opened = history.open_history(forked, "t1", wanted)
        assert (wanted, ids(opened.points), opened.count) == (wanted, found, len(found))
        assert (opened.total, opened.head_id) == (6, "c5")
        listed, head = history.list_points(forked, "t1", wanted)
        assert (ids(listed), head) == (found, "c5")


def test_a_history_is_read_page_by_page(forked):
    pages, before = [], None
    while page := history.list_points(forked, "t1", limit=4, before=before)[0]:
        pages.append(ids(page))
        before = page[-1].checkpoint_id
    assert pages == [["c5", "c4", "c3", "c2"], ["c1", "c0"]]
    opened = history.open_history(forked, "t1", limit=4)
    assert (len(opened.points), opened.count, opened.is_whole) == (4, 6, False)


def test_one_point_tells_what_was_decided_there_and_what_ran_to_get_there(forked, make):
    with engines.write(forked.engine) as conn:
        ran = {"status": NodeStatus.OK, "namespace": "x:1"}
        nodes.upsert_many(
            conn,
            [
                make.node_run("before", step=1, run_id="r1", path="review", **ran),
                make.node_run("other step", step=2, run_id="r1", path="charge", **ran),
                make.node_run("on the branch", step=1, run_id="r2", path="review", **ran),
                make.node_run(
                    "inside", step=1, run_id="r1", status=NodeStatus.OK, namespace="a:1|b:2"
                ),
            ],
        )
    detail = history.read_point(forked, "t1", "c2")
    assert [node.task_id for node in detail.nodes] == ["before"]
    assert (detail.cards, detail.decisions) == ((), ())
    asked = history.read_point(forked, "t1", "c1")
    assert ([c.approval_id for c in asked.cards], [d.actor for d in asked.decisions]) == (
        ["a1"],
        ["ann"],
    )
    assert history.read_point(forked, "t1", "c4").nodes == ()
    for place in (("t1", "gone"), ("gone", "c1")):
        with pytest.raises(NotFound, match="interlock history"):
            history.read_point(forked, *place)


def test_what_ran_in_several_runs_of_one_step_is_told_whole(app, make):
    with engines.write(app.engine) as conn:
        for number in range(4):
            make.put_run(conn, f"r{number}", created_at=make.at(number))
        entries = [
            make.checkpoint("c1", run_id="r1", next=("ask", "beside")),
            make.checkpoint("c2", parent_id="c1", run_id="r2", step=1),
        ]
        index_checkpoints(conn, "t1", entries)
        for number in range(4):
            attempt = make.node_run(
                f"in r{number}", step=1, run_id=f"r{number}", namespace="", status=NodeStatus.OK
            )
            nodes.upsert_many(conn, [attempt])
    found = history.read_point(app, "t1", "c2").nodes
    assert sorted(node.task_id for node in found) == ["in r1", "in r2"]


def test_a_copied_thread_says_at_which_point_it_was_copied(app, make):
    with engines.write(app.engine) as conn:
        copy = make.thread("t2", origin=Origin.COPY, from_thread_id="t1", from_checkpoint_id="c1")
        threads.insert(conn, copy)
        runs.insert(conn, make.run("r2", thread_id="t2"))
        entries = [make.checkpoint(f"c{n}", thread_id="t2", run_id="r1") for n in range(2)]
        index_checkpoints(conn, "t2", entries)
        forks.insert(
            conn, make_fork(make, thread_id="t2", from_thread_id="t1", verb=RewindVerb.COPY)
        )
        assert threads.fetch(conn, "t2") == copy
    found = history.open_history(app, "t2").points
    assert [(p.checkpoint_id, p.fork and p.fork.verb) for p in found] == [
        ("c1", RewindVerb.COPY),
        ("c0", None),
    ]


def test_a_fork_comes_back_whole_and_a_run_carries_one(forked, make):
    with engines.read(forked.engine) as conn:
        assert forks.fetch_for_run(conn, "r2") == make_fork(make)
        assert forks.fetch_for_run(conn, "r1") is None
    with pytest.raises(Conflict), engines.write(forked.engine) as conn:
        forks.insert(conn, make_fork(make, fork_id="f2"))


def test_an_unknown_thread_is_not_found(app):
    for ask in (history.open_history, history.list_points):
        with pytest.raises(NotFound):
            ask(app, "nope")


def test_two_points_are_compared_by_what_was_kept_of_them(forked, make):
    with engines.write(forked.engine) as conn:
        snapshots.put(conn, make.snapshot(checkpoint_id="c3", values={"amount": 700, "by": "mail"}))
        snapshots.put(conn, make.snapshot(checkpoint_id="c5", values={"amount": 5, "by": "mail"}))
    found = history.compare(forked, "t1", "c3", "c5")
    assert found.diff.fields == ("amount",)
    assert (found.before.checkpoint_id, found.after.checkpoint_id) == ("c3", "c5")
    assert history.compare(forked, "t1", "c5", "c5").diff.is_empty


# -- the index against LangGraph itself ------------------------------------------------------------


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


def _step(name: str) -> Any:
    return lambda _: {"log": [name]}


def _ask(_: State) -> State:
    return {"log": [interrupt("ready?")]}


def _build() -> Any:
    """A graph with parallel parts, a subgraph that asks, and a step after it."""
    inner = (
        StateGraph(State)
        .add_node("look", _step("look"))
        .add_node("ask", _ask)
        .add_edge(START, "look")
        .add_edge("look", "ask")
        .compile()
    )
    return (
        StateGraph(State)
        .add_node("plan", _step("plan"))
        .add_node("part", _step("part"))
        .add_node("team", inner)
        .add_node("last", _step("last"))
        .add_edge(START, "plan")
        .add_conditional_edges("plan", lambda _: [Send("part", {"log": []}) for _ in range(2)])
        .add_edge("part", "team")
        .add_edge("team", "last")
        .compile()
    )


@pytest.fixture
async def savers(database_url, tmp_path) -> AsyncIterator[Savers]:
    given = {"database": database_url} if database_url.startswith("postgres") else {}
    async with open_savers(Settings(data_dir=tmp_path / "data", **given)) as opened:
        yield opened


async def test_the_index_of_a_forked_thread_is_what_langgraph_tells(savers, app, make):
    bare = _build()
    saver = savers.for_run(serializer_for(bare, None))
    graph = prepare(bare, checkpointer=saver, store=None, name="x")
    config = {"configurable": {"thread_id": "t1"}}

    def of(run: str, **place: str) -> Any:
        return {"configurable": {"thread_id": "t1", **place}, "metadata": {"run_id": run}}

    async def answer(run: str, value: str) -> None:
        (asked,) = (await graph.aget_state(config)).interrupts
        await graph.ainvoke(Command(resume={asked.id: value}), of(run), durability="sync")

    await graph.ainvoke({"log": ["in"]}, of("r1"), durability="sync")
    await answer("r2", "yes")
    told = [state async for state in graph.aget_state_history(config)]
    place = next(s for s in told if s.next == ("team",)).config["configurable"]["checkpoint_id"]
    await graph.ainvoke(None, of("r3", checkpoint_id=place), durability="sync")
    await answer("r4", "no")
    edited = of("r5", checkpoint_id=place, checkpoint_ns="")
    await graph.aupdate_state(edited, {"log": ["edited"]}, as_node="part")
    await graph.ainvoke(None, of("r5"), durability="sync")

    entries = await read_entries(savers, graph, "t1", after=None, head=None, step_nodes={})
    with engines.write(app.engine) as conn:
        for number in range(1, 6):
            make.put_run(conn, f"r{number}", created_at=make.at(number))
        index_checkpoints(conn, "t1", entries)
    found = history.open_history(app, "t1")
    told = [state async for state in graph.aget_state_history(config)]
    assert [
        (p.checkpoint_id, p.parent_id, p.step, p.source, p.next, p.run_id) for p in found.points
    ] == [
        (
            state.config["configurable"]["checkpoint_id"],
            (state.parent_config or {}).get("configurable", {}).get("checkpoint_id"),
            state.metadata["step"],
            state.metadata["source"],
            tuple(task.name for task in state.tasks),
            state.metadata["run_id"],
        )
        for state in told
    ]
    head = await graph.aget_state(config)
    assert found.head_id == head.config["configurable"]["checkpoint_id"]
    assert [span.point_count for span in found.spans] == [6, 3, 1]
    assert {span.parent_id for span in found.spans[1:]} == {place}
    parts = next(p for p in found.points if p.checkpoint_id == place)
    assert (parts.ran, parts.next) == (("part", "part"), ("team",))
    assert min(p.size_bytes for p in found.points) > 0
