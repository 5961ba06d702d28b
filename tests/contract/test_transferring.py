"""A thread as a file and back, from either database into either: the same thread, and nothing by halves."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from base64 import b64decode, b64encode
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.channels.delta import DeltaChannel
from langgraph.graph import START, StateGraph, add_messages
from langgraph.types import Command, interrupt

from interlock.core.ciphers import Cipher, make_key
from interlock.core.clock import FrozenClock
from interlock.core.errors import Conflict, InvalidInput, NotFound, NoWorker
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.history import Fork
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import OPEN, RunKind, RunStatus
from interlock.core.model.spans import Tier
from interlock.core.model.threads import Origin
from interlock.core.queue.local import LocalQueue
from interlock.core.services import claiming, figuring, rotating, transfer_files, transferring
from interlock.core.services.carding import level_cards
from interlock.core.services.context import App
from interlock.core.services.launching import Launch, job_for, launch
from interlock.core.settings import Settings
from interlock.core.store import (
    approvals,
    audit,
    columns,
    decisions,
    forks,
    raw_figures,
    rollups,
    runs,
    threads,
    workflows,
)
from interlock.core.store import engine as engines
from interlock.core.worker.transferring import answer_import
from tests.published import published

KINDS = ("sqlite", "postgres")
START_AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def _add(held: list[str], given: list[list[str]]) -> list[str]:
    return [*(held or ()), *(word for words in given for word in words)]


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    trail: Annotated[list[str], DeltaChannel(_add)]
    steps: Annotated[list[str], DeltaChannel(_add, snapshot_frequency=1)]
    kept: Any
    text: str


def _say(state: State) -> dict[str, Any]:
    values = [{1: "a", "b": b"\x00\xff"}, (1, 2.5), {"x", "y"}, START_AT, "nul \x00", None, 2**62]
    said = {"messages": [AIMessage("done", id="m2")], "kept": values, "text": "é"}
    return said | {"trail": ["said"], "steps": ["said"]}


def _ask(_state: State) -> dict[str, Any]:
    return {"text": interrupt({"question": "really?", "kept": [HumanMessage("?")]})}


def build() -> Any:
    team = StateGraph(State).add_node("say", _say).add_node("ask", _ask)
    team = team.add_edge(START, "say").add_edge("say", "ask").compile()
    graph = StateGraph(State).add_node("plan", _say).add_node("team", team)
    return graph.add_edge(START, "plan").add_edge("plan", "team").compile()


class Place:
    """One installation: app tables, checkpoint tables, a graph, and what a worker does there."""

    def __init__(self, app: App, savers: Any) -> None:
        self.app, self.savers = app, savers
        bare = build()
        saver = savers.for_run(serializer_for(bare, None))
        self.graph = prepare(bare, checkpointer=saver, store=None, name="refunds")
        workflow = published("refunds", nodes=("plan", "team"), at=app.clock.now())
        with engines.write(app.engine) as conn:
            workflows.replace_all(conn, [workflow])

    async def run(self, thread_id: str) -> None:
        config = {"configurable": {"thread_id": thread_id}, "metadata": {"run_id": "r1"}}
        given = {"messages": [HumanMessage("hi", id="m1")], "kept": 1, "text": "", "trail": ["in"]}
        await self.graph.ainvoke(given, config, durability="sync")

    async def tell(self, thread_id: str) -> list[Any]:
        """A thread as LangGraph itself tells it."""
        config = {"configurable": {"thread_id": thread_id}}
        found = [state async for state in self.graph.aget_state_history(config)]
        head = await self.graph.aget_state(config, subgraphs=True)
        inner = [task.state.values for task in head.tasks if task.state is not None]
        return [
            [
                (
                    state.config["configurable"]["checkpoint_id"],
                    state.values,
                    state.next,
                    {k: v for k, v in state.metadata.items() if k != "thread_id"},
                    [(task.id, task.interrupts, task.error) for task in state.tasks],
                )
                for state in found
            ],
            inner,
        ]

    def export(self, thread_id: str) -> bytes:
        target = io.BytesIO()
        transferring.export(self.app, thread_id, target)
        return target.getvalue()

    async def take_in(self, data: bytes, thread_id: str, *, savers: Any = None) -> tuple[str, Any]:
        """Hand a file in and do what a worker does; how its job ended."""

        async def call(function: Any, *args: Any) -> Any:
            return function(*args)

        job_id = transferring.hand_in(self.app, data, thread_id, actor="ann", reason="moved")
        with engines.write(self.app.engine) as conn:
            jobs = self.app.queue.claim(conn, worker_id="w", limit=9, now=self.app.clock.now())
        (job,) = [job for job in jobs if job.job_id == job_id]
        workshop = SimpleNamespace(savers=savers or self.savers)
        tools: Any = SimpleNamespace(app=self.app, call=call, workshop=workshop)
        await answer_import(tools, job)
        with engines.read(self.app.engine) as conn:
            ended = self.app.queue.fetch_result(conn, job_id)
        assert ended is not None
        return ended

    def read(self, what: Any, *args: Any, **given: Any) -> Any:
        with engines.read(self.app.engine) as conn:
            return what(conn, *args, **given)


@pytest.fixture
async def open_place(tmp_path, sqlite_template, request):
    """Open an installation on a database of a kind."""
    with ExitStack() as stack:
        async with AsyncExitStack() as opened:

            async def open_(kind: str, name: str = "place", cipher: Any = None) -> Place:
                settings = Settings(data_dir=tmp_path / name)
                settings.data_dir.mkdir()
                if kind == "sqlite":
                    shutil.copyfile(sqlite_template, settings.data_dir / "app.db")
                else:
                    url = stack.enter_context(request.getfixturevalue("clone_postgres")())
                    settings = settings.model_copy(update={"database": url})
                engine = engines.open_engine(settings.database_url)
                stack.callback(engine.dispose)
                columns.use_cipher(engine, cipher)
                app = App(
                    cipher=cipher,
                    settings=settings,
                    engine=engine,
                    queue=LocalQueue(),
                    clock=FrozenClock(START_AT),
                )
                savers = open_savers(settings, cipher=cipher)
                return Place(app, await opened.enter_async_context(savers))

            yield open_


async def remember(place: Place, make: Any, thread_id: str = "t1") -> None:
    """A thread that waits, with a past: a run that was held, one card decided, one open, a fork."""
    await place.run(thread_id)
    head = (await place.tell(thread_id))[0][0][0]
    failed = {"status": RunStatus.FAILED, "created_at": make.at(-60), "ended_at": make.at(-50)}
    with engines.write(place.app.engine) as conn:
        threads.insert(conn, make.thread(thread_id, head_checkpoint_id=head, last_run_id="r2"))
        make.put_run(conn, "r1", thread_id=thread_id, **failed)
        held = {"status": RunStatus.WAITING, "previous_run_id": "r1", "kind": RunKind.REWIND}
        make.put_run(conn, "r2", thread_id=thread_id, context={"user": "ann"}, **held)
        decided = make.put_approval(conn, "a1", "i1", thread_id=thread_id, status="decided")
        decisions.insert(conn, make.decision(decided.approval_id))
        make.put_approval(conn, "a2", "i2", thread_id=thread_id, interrupt_id="i2")
        fork = Fork(
            fork_id="f1",
            thread_id=thread_id,
            run_id="r2",
            verb=RewindVerb.RERUN,
            target_id=head,
            left_id=None,
            actor="ben",
            reason="again",
            created_at=make.at(0),
        )
        forks.insert(conn, fork)


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
async def test_a_thread_is_the_same_on_another_database(open_place, make, source, target):
    here, there = await open_place(source, "here"), await open_place(target, "there")
    await remember(here, make)
    data = here.export("t1")
    there.app.clock.advance(seconds=300)

    status, told = await there.take_in(data, "t9")

    assert (status, told) == ("done", {"run_id": told["run_id"], "points": 3, "has_past": True})
    assert await there.tell("t9") == await here.tell("t1")
    thread = there.read(threads.fetch, "t9")
    assert (thread.origin, thread.from_thread_id, thread.last_run_id) == (
        *(Origin.IMPORT, "t1"),
        told["run_id"],
    )
    past = {run.run_id: run for run in there.read(runs.fetch_many, thread_id="t9", limit=9)}
    assert {r: past[r].status for r in ("r1", "r2")} == {"r1": "failed", "r2": "continued"}
    run = there.read(runs.fetch, told["run_id"])
    assert (run.kind, run.status, run.previous_run_id, run.context) == (
        *(RunKind.COPY, RunStatus.QUEUED),
        *("r2", None),
    )
    cards = there.read(approvals.fetch_summaries, statuses=(), thread_id="t9", limit=9)
    assert [card.approval_id for card in cards] == ["a1"]
    assert len(there.read(decisions.fetch_for_approval, "a1")) == 1
    begun = there.read(forks.fetch_for_thread, "t9", limit=9)
    assert {fork.verb for fork in begun} == {RewindVerb.RERUN, RewindVerb.COPY}
    (last,) = there.read(audit.fetch_many, limit=1)
    assert (last.action, last.object, last.actor) == ("import", "thread:t9", "ann")
    # It goes on there as it would have here, and what happened elsewhere counts nowhere.
    asked = (await there.graph.aget_state({"configurable": {"thread_id": "t9"}})).interrupts
    answer = Command(resume={asked[0].id: "yes"})
    ended = await there.graph.ainvoke(answer, {"configurable": {"thread_id": "t9"}})
    assert ended["text"] == "yes"
    before = await here.tell("t1")
    assert ended == await here.graph.ainvoke(answer, {"configurable": {"thread_id": "t1"}})
    with engines.write(there.app.engine) as conn:
        rollups.mark_due(conn, [make.at(-50)])
        assert raw_figures.find_first(conn, after=rollups.rolled_until(conn)) is None
    while figuring.roll(there.app):
        pass
    assert there.read(rollups.fetch, Tier.MINUTE, START_AT.replace(year=2020), START_AT).runs == {}
    # On the very same installation its past stays where it is.
    status, told = await there.take_in(data, "t10")
    assert (status, told["has_past"]) == ("done", False)
    assert await there.tell("t10") == before


@pytest.mark.parametrize(("source", "target"), [KINDS, KINDS[::-1]])
async def test_a_thread_goes_from_the_keys_of_one_place_to_those_of_another(
    open_place, make, source, target
):
    here = await open_place(source, "here", Cipher([make_key()]))
    there = await open_place(target, "there", Cipher([make_key()]))
    await remember(here, make)

    there.app.clock.advance(seconds=300)
    status, told = await there.take_in(here.export("t1"), "t9")

    assert status == "done", told
    assert await there.tell("t9") == await here.tell("t1")
    counted = rotating.status(there.app)
    inline = counted.tables.get(rotating.INLINE, {}).get("plain", 0) if target != "sqlite" else 0
    assert counted.totals["plain"] == inline  # what Postgres has in rows, until keys are rotated
    rotating.rotate(there.app, actor="ann")
    assert await there.tell("t9") == await here.tell("t1")
    left = rotating.status(there.app)
    assert {name: kept["plain"] for name, kept in left.tables.items() if kept["plain"]} == {}


class Killed(BaseException):
    pass


@pytest.mark.parametrize("kind", KINDS)
async def test_a_worker_killed_half_way_leaves_nothing_to_be_seen_and_doing_it_again_ends_it(
    open_place, make, kind
):
    here, there = await open_place(kind, "here"), await open_place(kind, "there")
    await remember(here, make)
    there.app.clock.advance(seconds=300)
    data = here.export("t1")

    class Mortal:
        entries = there.savers.entries

        async def put_rows(self, rows: Any) -> None:
            await there.savers.put_rows(rows[: len(rows) // 2])
            raise Killed

    with pytest.raises(Killed):
        await there.take_in(data, "t1", savers=Mortal())
    # Nobody sets anything off on what is there by halves.
    assert there.read(threads.fetch, "t1").trouble == transferring.BEING_TAKEN_IN
    request = Launch(workflow="refunds", input={}, thread_id="t1")
    with pytest.raises(Conflict, match="being taken in"):
        launch(there.app, request, actor="ann")
    assert there.read(runs.fetch, "r1") is None
    with engines.write(there.app.engine) as conn:  # as the next claim does
        for job in conn.exec_driver_sql("SELECT job_id FROM jobs").scalars():
            there.app.queue.finish(conn, job, failed=True)

    # Another file is not this one.
    status, told = await there.take_in(alter(data, be_another), "t1")
    assert (status, "already" in told) == ("failed", True)
    status, _ = await there.take_in(data, "t1")

    assert status == "done"
    assert there.read(threads.fetch, "t1").trouble is None
    assert await there.tell("t1") == await here.tell("t1")
    with engines.write(there.app.engine) as conn:
        conn.exec_driver_sql("DELETE FROM jobs")  # that of the run which stands there
    status, told = await there.take_in(data, "t1")
    assert (status, "already" in told) == ("failed", True)


PAST = {"runs", "approvals", "decisions", "forks"}


def be_another(lines: list[Any]) -> list[Any]:
    """The file of a thread of another id, without a past."""
    kept = {k: v for k, v in lines[-1]["end"].items() if k not in PAST}
    rows = [line for line in lines[1:-1] if line["table"] not in PAST]
    return [lines[0] | {"thread_id": "t0"}, *rows, {"end": kept}]


async def test_an_import_that_fails_leaves_nothing_where_nothing_was(open_place, make):
    here, there = await open_place("sqlite", "here"), await open_place("sqlite", "there")
    await remember(here, make)
    there.app.clock.advance(seconds=300)
    data = here.export("t1")

    class Full:
        entries, delete_thread = there.savers.entries, there.savers.delete_thread

        async def put_rows(self, rows: Any) -> None:
            await there.savers.put_rows(rows[: len(rows) // 2])
            raise OSError("disk full")

    assert (await there.take_in(data, "t1", savers=Full()))[0] == "failed"
    assert there.read(threads.fetch, "t1") is None
    assert await there.savers.entries("t1", None, 9) == []
    assert (await there.take_in(data, "t1"))[0] == "done"


def alter(data: bytes, change: Any) -> bytes:
    """A file with its lines changed."""
    lines = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    changed = change(lines) or lines
    return gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in changed))


def rename(data: bytes, name: str) -> bytes:
    """A file whose newest checkpoint has another id."""
    head = json.loads(gzip.decompress(data).splitlines()[0])["head_checkpoint_id"]
    return gzip.compress(gzip.decompress(data).replace(head.encode(), name.encode()))


def first(lines: list[Any], table: str) -> Any:
    return next(line["row"] for line in lines if line.get("table") == table)


def put(table: str, **values: Any) -> Any:
    return lambda lines: first(lines, table).update(values)


def cut(lines: list[Any]) -> None:
    row = first(lines, "checkpoints")
    row["checkpoint"] = b64encode(b64decode(row["checkpoint"])[:-3]).decode()


WRONG = {
    "no zip": lambda data: b"hello",
    "no file of ours": lambda data: gzip.compress(b'{"a": 1}\n'),
    "newer": lambda data: alter(data, lambda lines: lines[0].update(version=2)),
    "no head": lambda data: alter(data, lambda lines: lines[0].update(head_checkpoint_id="x")),
    "no layout": lambda data: alter(data, lambda lines: lines[0].update(layout="x")),
    "no moment": lambda data: alter(data, lambda lines: lines[0].update(exported_at="now")),
    "cut off": lambda data: data[: len(data) // 2],
    "end missing": lambda data: alter(data, lambda lines: lines[:-1]),
    "row missing": lambda data: alter(data, lambda lines: [*lines[:2], *lines[3:]]),
    "row twice": lambda data: alter(data, lambda lines: [lines[0], lines[1], *lines[1:]]),
    "no table": lambda data: alter(data, lambda lines: lines[1].update(table="jobs")),
    "a column more": lambda data: alter(data, put("checkpoints", more=1)),
    "pickle": lambda data: alter(data, put("writes", type="pickle")),
    "pickled": lambda data: alter(data, put("checkpoints", type="pickle")),
    "no base64": lambda data: alter(data, put("writes", blob="%")),
    "no metadata": lambda data: alter(data, put("checkpoints", metadata="[")),
    "no id": lambda data: alter(data, put("writes", task_id="")),
    "wrong type": lambda data: alter(data, put("writes", idx="1")),
    "a queued run": lambda data: alter(data, put("runs", status="queued")),
    "no run": lambda data: alter(
        data, lambda lines: first(lines, "runs").pop("created_at") and None
    ),
    "no status": lambda data: alter(data, put("runs", status="odd")),
    "no options": lambda data: alter(data, put("runs", options=3)),
    "an odd error": lambda data: alter(data, put("runs", error={"x": 1})),
    "another's run": lambda data: alter(data, put("runs", thread_id="t2")),
    "no time": lambda data: alter(data, put("runs", created_at="today")),
    "nobody": lambda data: alter(data, put("runs", created_by=None)),
    "no number": lambda data: alter(data, put("runs", cost="a")),
    "no verb": lambda data: alter(data, put("decisions", verb="odd")),
    "another question's key": lambda data: alter(data, put("approvals", question_key="i9")),
    "decided for a run of another": lambda data: alter(data, put("decisions", run_id="r9")),
    "no card": lambda data: alter(data, put("decisions", approval_id="a9")),
    "no fork": lambda data: alter(data, put("forks", edits=[{"x": 1}])),
    "no kind": lambda data: alter(data, put("approvals", kind="odd")),
    "cut checkpoint": lambda data: alter(data, cut),
    "another checkpoint": lambda data: alter(data, put("checkpoints", checkpoint="gKA=")),
    "a broken value": lambda data: alter(data, put("writes", type="msgpack", blob="wQ==")),
    "two values": lambda data: alter(data, put("writes", type="msgpack", blob="AQE=")),
}


async def test_a_file_that_is_not_as_it_must_be_changes_nothing(open_place, make):
    here, there = await open_place("sqlite", "here"), await open_place("sqlite", "there")
    await remember(here, make)
    there.app.clock.advance(seconds=300)
    data = here.export("t1")
    for name, break_ in WRONG.items():
        status, told = await there.take_in(break_(data), "t1")
        assert status == "failed", name
        assert "Error" not in str(told).partition(":")[0], (name, told)
        assert there.read(threads.fetch, "t1") is None
        assert await there.savers.entries("t1", None, 9) == [], name
    # One that an older version made, without a column of today, is taken in.
    older = alter(data, lambda lines: first(lines, "runs").pop("rating", None))
    assert (await there.take_in(older, "t1"))[0] == "done"


@pytest.mark.parametrize("error", [False, True], ids=["cut off", "failed"])
async def test_an_answer_that_would_be_given_again_here_is_not_taken_in(open_place, make, error):
    here, there = await open_place("sqlite", "here"), await open_place("sqlite", "there")
    await remember(here, make)
    there.app.clock.advance(seconds=300)

    def answer(lines: list[Any]) -> None:
        write = next(line for line in lines if line.get("table") == "writes")
        at = {"checkpoint_ns": "", "checkpoint_id": lines[0]["head_checkpoint_id"], "task_id": "x"}
        channels = ["__resume__", *(["__error__", "log"] if error else [])]
        for idx, channel in enumerate(channels):
            row = {**write["row"], **at, "channel": channel, "idx": idx}
            lines.insert(-1, {"table": "writes", "row": row})
        lines[-1]["end"]["writes"] += len(channels)

    status, told = await there.take_in(alter(here.export("t1"), answer), "t1")
    assert status == "failed"
    assert "answered and has not ended" in str(told)
    assert await there.savers.entries("t1", None, 9) == []


async def test_what_cannot_be_taken_in_or_out_says_why(open_place, make):
    here = await open_place("sqlite")
    await remember(here, make)
    data = here.export("t1")

    def import_(**given: Any) -> Any:
        return transferring.import_(here.app, data, actor="ann", **given)

    with pytest.raises(Conflict, match="--as-thread"):
        import_()
    with pytest.raises(InvalidInput, match="printable"):
        import_(as_thread=" x")
    with pytest.raises(NoWorker):
        import_(as_thread="t2")
    await here.run("t3")  # nobody of ours knows it
    with pytest.raises(NotFound):
        here.export("t3")
    status, told = await here.take_in(data, "t3")
    assert (status, told.startswith(transferring.OTHER)) == ("failed", True)
    settings = here.app.settings.model_copy(update={"attach": "other.db"})
    attached = Place(replace(here.app, settings=settings), here.savers)
    status, told = await attached.take_in(data, "t2")
    assert (status, told.startswith(transferring.ELSEWHERE)) == ("failed", True)
    with pytest.raises(InvalidInput, match="another application"):
        attached.export("t1")
    with engines.write(here.app.engine) as conn:
        threads.insert(conn, make.thread("lost", head_checkpoint_id="c1"))
    with pytest.raises(InvalidInput, match="not in this database"):
        here.export("lost")
    with engines.write(here.app.engine) as conn:
        workflows.replace_all(conn, [])
    with pytest.raises(NotFound, match="workflow"):
        import_(as_thread="t2")
    with engines.write(here.app.engine) as conn:
        make.put_run(conn, "r3", thread_id="t1", status=RunStatus.RUNNING)
        threads.insert(conn, make.thread("bare"))
        threads.insert(conn, make.thread("foreign", origin=Origin.ATTACHED))
    for thread_id, error in (("t1", Conflict), ("bare", InvalidInput), ("foreign", InvalidInput)):
        with pytest.raises(error):
            here.export(thread_id)


async def test_a_past_that_would_count_here_has_to_wait(open_place, make):
    here, there = await open_place("sqlite", "here"), await open_place("sqlite", "there")
    await remember(here, make)
    data = here.export("t1")

    status, told = await there.take_in(data, "t1")
    assert (status, "two minutes" in told) == ("failed", True)
    there.app.clock.advance(seconds=180)
    assert (await there.take_in(data, "t1"))[0] == "done"


async def test_what_a_file_says_was_decided_is_asked_anew_and_never_sent(open_place, make):
    """Law 1: nobody here approved it, whatever the run that takes it in came to."""
    here, there = await open_place("sqlite", "here"), await open_place("sqlite", "there")
    await remember(here, make)
    there.app.clock.advance(seconds=300)
    (asked,) = (await here.graph.aget_state({"configurable": {"thread_id": "t1"}})).interrupts
    named = {"interrupt_id": asked.id, "question_key": asked.id}
    data = alter(here.export("t1"), put("approvals", **named))
    status, told = await there.take_in(data, "t1")
    assert status == "done"
    live = LiveInterrupt(
        interrupt_id=asked.id,
        value="really?",
        schema=None,
        node="team",
        namespace="team:1",
        is_answered=False,
    )
    due = {"due": ("team",), "next": ("team",)}
    head = Head(checkpoint_id="c1", run_id=None, interrupts=(live,), **due)
    with engines.write(there.app.engine) as conn:
        runs.move(conn, told["run_id"], from_=OPEN, to=RunStatus.FAILED)
    assert claiming.claim_jobs(there.app, "w", limit=9).runs == ()  # its job ends with it
    with engines.write(there.app.engine) as conn:
        retry = make.run("r8", thread_id="t1", kind=RunKind.RETRY, previous_run_id=told["run_id"])
        runs.insert(conn, replace(retry, created_at=there.app.clock.now()))
        there.app.queue.enqueue(conn, job_for(retry), now=there.app.clock.now())
    claims = claiming.claim_jobs(there.app, "w", limit=9).runs
    (claimed,) = [claim for claim in claims if claim.run.run_id == "r8"]
    assert claimed.delivery.answers == {}
    with engines.write(there.app.engine) as conn:
        ended = {"status": RunStatus.FAILED, "refused": {}, "now": there.app.clock.now()}
        levelled = level_cards(conn, claimed.run, head=head, **ended)
        assert [card.status for card in levelled.asked] == ["pending"]
        # What somebody decides here goes through, as ever.
        decided = {"version": 2, "status": ApprovalStatus.DECIDED, "now": there.app.clock.now()}
        assert approvals.close(conn, "a1", **decided)
        decisions.insert(conn, make.decision("a1", answer="here", version=2, run_id="r8"))
        app = there.app
        app.queue.put_back(conn, worker_id="w")
    claims = claiming.claim_jobs(app, "w", limit=9).runs
    (claimed,) = [claim for claim in claims if claim.run.run_id == "r8"]
    assert claimed.delivery.answers == {asked.id: "here"}


async def test_a_thread_with_a_card_that_was_asked_again_is_taken_in(open_place, make):
    here, there = await open_place("sqlite", "here"), await open_place("sqlite", "there")
    await remember(here, make)
    there.app.clock.advance(seconds=300)
    with engines.write(here.app.engine) as conn:
        decisions.insert(conn, make.decision("a2", refused="no"))
    status, told = await there.take_in(here.export("t1"), "t1")
    assert (status, told["has_past"]) == ("done", True)
    assert there.read(approvals.fetch, "a2") is None
    assert there.read(decisions.fetch_for_approval, "a2") == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("2f7b4a3e-0000-6000-8000-000000000000", "of the future"),
        ("zz", "no such"),
        ("1efb4a3e-0000-4000-8000-000000000000", "no such"),
    ],
)
async def test_the_ids_of_checkpoints_are_of_langgraph_and_of_the_past(
    open_place, make, name, text
):
    here = await open_place("sqlite")
    await remember(here, make)
    with pytest.raises(InvalidInput, match=text):
        transfer_files.check(rename(here.export("t1"), name))


def test_no_more_of_a_line_is_unpacked_than_one_may_have(monkeypatch):
    monkeypatch.setattr(transfer_files, "MAX_LINE", 100)
    with pytest.raises(InvalidInput, match="A line of the file"):
        transfer_files.read_head(gzip.compress(b" " * 101))
