"""One delivery on a real graph: what it sends, how it ends, what it does when it is stopped."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated, Any

import pytest
from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Overwrite, Send, interrupt
from pydantic import BaseModel, field_validator
from typing_extensions import TypedDict

from interlock.core.graphs import proceeding, run_log
from interlock.core.graphs.running import Execution, Task, config_for, needs_head
from interlock.core.graphs.sqlite_savers import open_sqlite_savers
from interlock.core.graphs.tracking import Tracker
from interlock.core.model.delivery import Delivery
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.types import RunId, ThreadId

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


RUN = Run(
    run_id=RunId("r1"),
    thread_id=ThreadId("t"),
    workflow="w",
    kind=RunKind.START,
    status=RunStatus.RUNNING,
    input={"log": []},
    context=None,
    options=RunOptions(),
    priority=0,
    created_at=NOW,
    created_by="anna",
)


SECRET = {"api_key": "sk-5ecret", "tenant": "acme-1nc", "run_id": "n0t-0urs"}


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]
    due: date
    notes: Annotated[list[AnyMessage], add_messages]
    anything: Any


class Even(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


class Lab:
    """A graph on a real saver, run by run."""

    def __init__(self, savers, graph) -> None:
        self.savers = savers
        self.graph = graph.copy({"checkpointer": savers.for_run(JsonPlusSerializer())})
        self.put = self._keep
        self.records: list[Any] = []
        self.runs = 0

    async def _keep(self, records: list[Any]) -> None:
        self.records += records

    def execution(self, kind: RunKind, *, verb: Any = None, **given: Any) -> Execution:
        """A run of this kind; what else is known of its delivery as keywords."""
        self.runs += 1
        options = RunOptions(**given.pop("options", {}))
        context = given.pop("context", None)
        run = replace(
            RUN, run_id=RunId(f"r{self.runs}"), kind=kind, options=options, context=context
        )
        delivery = Delivery(
            **{
                "kind": kind,
                "is_first": True,
                "is_retry": False,
                "own_run_ids": frozenset({run.run_id}),
                "answers": {},
                "card_checkpoint_id": None,
                "head": None,
            }
            | given
        )
        return Execution(
            self.graph,
            Task(run=run, delivery=delivery, verb=verb, snapshot_bytes=100_000),
            tracker=Tracker(run, now=lambda: NOW, last_seq=0),
            put=self.put,
            count_answers=self.savers.pending_resumes,
        )

    async def run(self, kind: RunKind, **given: Any) -> Any:
        """Carry a run out."""
        execution = self.execution(kind, **given)
        return await execution.carry_out(await execution.read())


@pytest.fixture
def lab(tmp_path):
    """Make a lab for a builder."""

    @asynccontextmanager
    async def make(builder: Any, **options: Any) -> AsyncIterator[Lab]:
        async with open_sqlite_savers(tmp_path / "checkpoints.db") as savers:
            yield Lab(savers, builder.compile(**options))

    return make


def line(*names: str, **nodes: Any) -> StateGraph:
    builder = StateGraph(State)
    for name in names:
        builder.add_node(name, nodes.get(name) or (lambda _, name=name: {"log": [name]}))
    for one, other in zip((START, *names), (*names, END), strict=True):
        builder.add_edge(one, other)
    return builder


def ask(state: State) -> dict[str, Any]:
    return {"log": [interrupt("?")]}


async def test_a_start_runs_to_its_end_and_leaves_its_id_in_every_checkpoint(lab):
    async with lab(line("a", "b")) as of:
        outcome = await of.run(RunKind.START)
        entries = await of.savers.entries(ThreadId("t"), None, 99)

    assert (outcome.status, outcome.failure, outcome.refused) == (RunStatus.DONE, None, {})
    assert outcome.snapshot.values["log"] == ["a", "b"]
    assert {e.run_id for e in entries} == {"r1"}


async def test_a_context_can_be_read_but_none_of_it_is_stored_with_checkpoints(lab, tmp_path):
    told = []

    def tell(state: State, config: RunnableConfig) -> dict[str, Any]:
        told.append({key: config["configurable"].get(key) for key in SECRET})
        return {"log": ["told"]}

    async with lab(
        line("a", "team", "ask", a=tell, team=line("b", b=tell).compile(), ask=ask)
    ) as of:
        waiting = await of.run(RunKind.START, context=SECRET)
        (asked,) = waiting.head.open_ids
        done = await of.run(RunKind.RESUME, answers={asked: "yes"}, context=SECRET)
        entries = await of.savers.entries(ThreadId("t"), None, 99)
        stored = [path.read_bytes() for path in tmp_path.glob("checkpoints.db*")]

    assert done.status is RunStatus.DONE
    assert told == [SECRET, SECRET]
    assert {e.run_id for e in entries} == {"r1", "r2"}
    assert any(b"told" in content for content in stored)
    for value in SECRET.values():
        assert not any(value.encode() in content for content in stored)


async def test_a_subgraph_that_wants_no_checkpoints_runs(lab):
    inner = line("inner").compile(checkpointer=False)
    async with lab(line("a", "team", team=inner)) as of:
        done = await of.run(RunKind.START)

    assert done.status is RunStatus.DONE
    assert done.snapshot.values["log"][-1] == "inner"


async def test_a_question_ends_the_run_as_waiting_and_its_answer_finishes_it(lab):
    async with lab(line("ask", ask=ask)) as of:
        waiting = await of.run(RunKind.START)
        (asked,) = waiting.head.open_ids
        done = await of.run(RunKind.RESUME, answers={asked: "yes"})

    assert (waiting.status, done.status) == (RunStatus.WAITING, RunStatus.DONE)
    assert done.snapshot.values["log"] == ["yes"]
    assert [i["value"] for i in waiting.snapshot.interrupts] == ["?"]


async def test_an_answer_for_another_question_is_never_sent(lab):
    async with lab(line("ask", ask=ask)) as of:
        await of.run(RunKind.START)
        outcome = await of.run(RunKind.RESUME, answers={"0" * 32: "yes"})

    assert outcome.status is RunStatus.WAITING
    assert outcome.snapshot.values["log"] == []


async def test_refused_answers_are_named_each_with_its_reason_and_the_others_hold(lab):
    def check(name: str) -> dict[str, Any]:
        return {"log": [interrupt(name, response_schema=Even).number]}

    builder = StateGraph(State).add_node("check", check)
    builder.add_conditional_edges(START, lambda _: [Send("check", n) for n in "abc"], ["check"])
    async with lab(builder) as of:
        waiting = await of.run(RunKind.START)
        ids = {i.value: i.interrupt_id for i in waiting.head.interrupts}
        answers = {ids["a"]: {"number": 1}, ids["b"]: {"number": 2}, ids["c"]: {"number": "x"}}
        outcome = await of.run(RunKind.RESUME, answers=answers)

    assert outcome.status is RunStatus.WAITING
    assert outcome.failure is None
    assert outcome.refused.keys() == {ids["a"], ids["c"]}
    assert "must be even" in outcome.refused[ids["a"]]
    assert "valid integer" in outcome.refused[ids["c"]]
    assert outcome.snapshot.values["log"] == [2]


async def test_a_run_that_is_refused_says_why_and_touches_nothing(lab):
    async with lab(line("a")) as of:
        outcome = await of.run(RunKind.PROCEED, card_checkpoint_id="gone", verb={"verb": "skip"})

    assert (outcome.status, outcome.failure.type) == (RunStatus.FAILED, "Refused")
    assert outcome.head is None


async def test_a_drain_hands_over_at_the_end_of_the_step_and_the_next_delivery_goes_on(lab):
    begun = []

    def a(state: State) -> dict[str, Any]:
        begun.pop().drain()
        return {"log": ["a"]}

    async with lab(line("a", "b", "c", a=a)) as of:
        first = of.execution(RunKind.START)
        begun.append(first)
        handed_over = await first.carry_out(None)
        again = of.execution(RunKind.START, is_first=False, own_run_ids=frozenset({RunId("r1")}))
        done = await again.carry_out(await again.read())

    assert (handed_over.status, done.status) == (RunStatus.RUNNING, RunStatus.DONE)
    assert done.snapshot.values["log"] == ["a", "b", "c"]


async def test_a_run_that_is_cancelled_while_its_records_wait_leaves_no_graph_behind(lab):
    begun, waiting = [], asyncio.Event()

    async def full(records: list[Any]) -> None:
        if len(records) >= run_log.FULL:
            waiting.set()
            await asyncio.Event().wait()

    def floods(_: State) -> dict[str, Any]:
        write = get_stream_writer()
        for number in range(run_log.FULL):
            write(number)
        return {}

    def comes_next(_: State) -> dict[str, Any]:
        begun.append("comes_next")
        return {}

    builder = StateGraph(State).add_node("floods", floods).add_node("comes_next", comes_next)
    builder.add_edge(START, "floods").add_edge("floods", "comes_next")
    async with lab(builder) as of:
        of.put = full
        running = asyncio.create_task(of.run(RunKind.START))
        await waiting.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    assert begun == []
    assert left == []


async def test_a_breakpoint_that_meets_the_next_one_after_a_skip_holds_again(lab):
    async with lab(line("a", "b", "c"), interrupt_before=["b", "c"]) as of:
        paused = await of.run(RunKind.START)
        again = await of.run(
            RunKind.PROCEED,
            verb={"verb": "skip"},
            card_checkpoint_id=paused.head.checkpoint_id,
        )
        done = await of.run(
            RunKind.PROCEED,
            verb={"verb": "approve"},
            card_checkpoint_id=again.head.checkpoint_id,
        )

    assert [o.status for o in (paused, again, done)] == [
        RunStatus.PAUSED,
        RunStatus.PAUSED,
        RunStatus.DONE,
    ]
    assert again.head.next == ("c",)
    assert done.snapshot.values["log"] == ["a", "c"]


def nested(**options: Any) -> StateGraph:
    """a, then the subgraph x-y-z, then b."""
    return line("a", "team", "b", team=line("x", "y", "z").compile(**options))


async def proceed(of: Lab, verb: str, paused: Any, **given: Any) -> Any:
    return await of.run(
        RunKind.PROCEED,
        verb={"verb": verb, "values": None},
        card_checkpoint_id=paused.head.checkpoint_id,
        **given,
    )


@pytest.mark.parametrize("options", [{"interrupt_before": ["y"]}, {"interrupt_after": ["x"]}])
@pytest.mark.parametrize(
    ("verb", "log"),
    [("approve", ["a", "a", "x", "y", "z", "b"]), ("skip", ["a", "a", "x", "z", "b"])],
)
async def test_a_breakpoint_inside_a_subgraph_names_and_skips_the_inner_node_alone(
    lab, options, verb, log
):
    async with lab(nested(**options)) as of:
        paused = await of.run(RunKind.START)
        done = await proceed(of, verb, paused)

    assert (paused.status, paused.head.next) == (RunStatus.PAUSED, ("team/y",))
    assert paused.snapshot.next == ("team",)
    assert (done.status, done.snapshot.values["log"]) == (RunStatus.DONE, log)


async def test_a_breakpoint_two_subgraphs_deep_is_skipped_where_it_is(lab):
    inner = line("x", "y").compile(interrupt_before=["y"])
    async with lab(line("top", top=line("team", team=inner).compile())) as of:
        paused = await of.run(RunKind.START)
        done = await proceed(of, "skip", paused)

    assert paused.head.next == ("top/team/y",)
    assert (done.status, done.snapshot.values["log"]) == (RunStatus.DONE, ["x"])


async def test_each_inner_breakpoint_holds_once_and_the_last_one_leads_out(lab):
    async with lab(nested(interrupt_before="*")) as of:
        held = [await of.run(RunKind.START)]
        while held[-1].status is RunStatus.PAUSED:
            held.append(await proceed(of, "skip", held[-1]))

    assert [o.head.next for o in held] == [("team/x",), ("team/y",), ("team/z",), ()]
    assert held[-1].snapshot.values["log"] == ["a", "a", "b"]


async def test_a_stop_at_an_inner_breakpoint_ends_the_thread(lab):
    async with lab(nested(interrupt_before=["y"])) as of:
        paused = await of.run(RunKind.START)
        stopped = await proceed(of, "stop", paused)

    assert (stopped.status, stopped.head.due) == (RunStatus.CANCELLED, ())


async def test_a_start_delivered_again_at_an_inner_breakpoint_only_records(lab):
    async with lab(nested(interrupt_before=["y"])) as of:
        await of.run(RunKind.START)
        again = await of.run(RunKind.START, is_first=False, own_run_ids=frozenset({RunId("r1")}))

    assert (again.status, again.head.next) == (RunStatus.PAUSED, ("team/y",))


async def test_a_proceed_delivered_again_does_not_pass_the_next_inner_breakpoint(lab):
    async with lab(nested(interrupt_before=["y", "z"])) as of:
        paused = await of.run(RunKind.START)
        went_on = await proceed(of, "approve", paused)
        again = await proceed(
            of, "approve", paused, is_first=False, own_run_ids=frozenset({RunId("r2")})
        )

    assert went_on.head.next == ("team/z",)
    assert (again.status, again.head) == (went_on.status, went_on.head)


async def test_an_inner_breakpoint_is_passed_although_a_sibling_is_done(lab):
    builder = nested(interrupt_before=["y"]).add_node("beside", lambda _: {"log": ["beside"]})
    async with lab(builder.add_edge("a", "beside")) as of:
        paused = await of.run(RunKind.START)
        done = await proceed(of, "skip", paused)

    assert (paused.status, paused.head.next) == (RunStatus.PAUSED, ("team/y",))
    assert done.status is RunStatus.DONE
    assert sorted(done.snapshot.values["log"]) == ["a", "a", "b", "beside", "x", "z"]


async def test_breakpoints_of_a_launch_hold_before_nodes_of_the_graph_itself(lab):
    async with lab(nested()) as of:
        at_team = await of.run(RunKind.START, options={"break_before": ("team",)})
        ran_by = await of.run(RunKind.START, options={"break_before": ("y", "team/y")})

    assert (at_team.status, at_team.head.next) == (RunStatus.PAUSED, ("team",))
    assert ran_by.status is RunStatus.DONE


async def test_a_slash_in_a_nodes_own_name_is_not_taken_for_a_subgraph(lab):
    async with lab(line("a", "b/c")) as of:
        paused = await of.run(RunKind.START, options={"break_before": ("b/c",)})

    assert paused.head.next == ('"b/c"',)


@pytest.mark.parametrize(
    ("channel", "value", "expected"),
    [
        ("log", ["x"], Overwrite(["x"])),
        ("due", "2026-02-03", date(2026, 2, 3)),
        ("due", "someday", "someday"),
        ("anything", {"a": 1}, {"a": 1}),
        ("unknown", 5, 5),
    ],
)
def test_an_edit_replaces_and_takes_the_fields_type(channel, value, expected):
    channels = line("a").compile().channels

    assert proceeding.replacing(channels.get(channel), value) == expected


@pytest.mark.parametrize(
    "value",
    [[{"type": "human", "content": "hi"}], [["user", "hi"]], [{"role": "user", "content": "hi"}]],
)
def test_an_edit_takes_messages_in_long_and_in_short(value):
    channels = line("a").compile().channels

    (message,) = proceeding.replacing(channels["notes"], value).value

    assert isinstance(message, HumanMessage)
    assert message.content == "hi"


def test_a_run_is_configured_strictly_and_by_its_own_id():
    of = replace(RUN, options=RunOptions(recursion_limit=7))

    assert config_for(of) == {
        "configurable": {"thread_id": "t", "__pregel_strict_resume": True},
        "metadata": {"run_id": "r1", "workflow": "w"},
        "recursion_limit": 7,
    }


def test_a_graph_is_told_its_variant_whatever_the_context_says():
    of = replace(RUN, variant="b", context={"variant": "a"})
    config = config_for(of)
    assert config["configurable"]["variant"] == "b"
    assert config["metadata"]["variant"] == "b"


def test_a_context_is_read_from_the_config_too_but_cannot_set_what_is_ours():
    of = replace(RUN, context={"tenant": "a", "thread_id": "other", "__pregel_x": 1})

    assert config_for(of)["configurable"] == {
        "tenant": "a",
        "thread_id": "t",
        "__pregel_strict_resume": True,
    }


@pytest.mark.parametrize(
    ("kind", "is_first", "needed"),
    [
        (RunKind.START, True, False),
        (RunKind.START, False, True),
        (RunKind.RESUME, True, True),
        (RunKind.PROCEED, True, True),
    ],
)
def test_only_a_first_start_need_not_look_where_its_thread_stands(kind, is_first, needed):
    delivery = Delivery(
        kind=kind,
        is_first=is_first,
        is_retry=False,
        own_run_ids=frozenset(),
        answers={},
        card_checkpoint_id=None,
        head=None,
    )

    assert needs_head(delivery) is needed
