"""Reading a thread's head from the real LangGraph and the real saver: what is open, due and done."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from typing_extensions import TypedDict

from interlock.core.graphs import heads
from interlock.core.graphs.heads import read_head
from interlock.core.graphs.sqlite_savers import open_sqlite_savers
from interlock.core.model.runs import RunOptions

CONFIG: Any = {
    "configurable": {"thread_id": "t", "__pregel_strict_resume": True},
    "metadata": {"run_id": "r1"},
}


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


class Lab:
    """A graph on a saver, and what is read of it."""

    def __init__(self, savers, graph, options) -> None:
        self.savers = savers
        self.graph = graph.copy({"checkpointer": savers.for_run(JsonPlusSerializer())})
        self.options = options

    async def run(self, value: Any) -> None:
        """Let the graph run as far as it comes."""
        before, after = self.options.break_before, self.options.break_after
        breaks: dict[str, Any] = {
            "interrupt_before": "*" if "*" in before else list(before) or None,
            "interrupt_after": "*" if "*" in after else list(after) or None,
        }
        try:
            await self.graph.ainvoke(value, CONFIG, durability="sync", **breaks)
        except ZeroDivisionError:
            return

    async def read(self, *askers: str) -> heads.Reading | None:
        """Read the head."""
        return await read_head(
            self.graph, CONFIG, self.options, self.savers.pending_resumes, askers=askers
        )

    async def head(self, *askers: str) -> Any:
        """Read the head of a thread that has one."""
        reading = await self.read(*askers)
        assert reading is not None
        return reading.head


@pytest.fixture
def lab(tmp_path):
    """Make a lab for a builder or a graph."""

    @asynccontextmanager
    async def make(built: Any, **options: Any) -> AsyncIterator[Lab]:
        graph = built.compile() if isinstance(built, StateGraph) else built
        async with open_sqlite_savers(tmp_path / "checkpoints.db") as savers:
            yield Lab(savers, graph, RunOptions(**options))

    return make


def line(*names: str, **nodes: Any) -> StateGraph:
    builder = StateGraph(State)
    for name in names:
        builder.add_node(name, nodes.get(name) or (lambda _, name=name: {"log": [name]}))
    for one, other in zip((START, *names), (*names, END), strict=True):
        builder.add_edge(one, other)
    return builder


def ask_twice(state: State) -> dict[str, Any]:
    return {"log": [interrupt("first"), interrupt("second")]}


def ask_and_fail(state: State) -> dict[str, Any]:
    interrupt("sure?")
    raise ZeroDivisionError


async def test_a_thread_without_a_checkpoint_has_no_head(lab):
    async with lab(line("a")) as of:
        assert await of.read() is None


async def test_a_finished_thread_has_nothing_due(lab):
    async with lab(line("a", "b")) as of:
        await of.run({"log": []})
        head = await of.head()

    assert (head.due, head.next, head.interrupts, head.run_id) == ((), (), (), "r1")
    assert not head.has_failed
    assert not head.has_unfinished
    assert not head.is_at_breakpoint


async def test_the_open_question_of_a_node_is_its_next_unanswered_one(lab):
    async with lab(line("ask", ask=ask_twice)) as of:
        await of.run({"log": []})
        first = await of.head()
        (asked,) = first.interrupts
        await of.run(Command(resume={asked.interrupt_id: "yes"}))
        second = await of.head()

    (asked_next,) = second.interrupts
    assert first.open_ids == {asked.interrupt_id}
    assert second.open_ids == {asked_next.interrupt_id}
    assert first.checkpoint_id == second.checkpoint_id
    assert (asked.value, asked_next.value, asked.node) == ("first", "second", "ask")
    namespace = asked.namespace
    assert heads.nth_interrupt_id(namespace, 0) == asked.interrupt_id
    assert heads.nth_interrupt_id(namespace, 1) == asked_next.interrupt_id


async def test_the_question_of_a_node_that_failed_after_its_answer_is_not_open(lab):
    async with lab(line("ask", ask=ask_and_fail)) as of:
        await of.run({"log": []})
        before = await of.head()
        await of.run(Command(resume=dict.fromkeys(before.open_ids, "yes")))
        after = await of.head()

    assert (before.has_failed, before.has_unfinished) == (False, False)
    assert after.open_ids == frozenset()
    assert [i.is_answered for i in after.interrupts] == [True]
    assert after.has_failed
    assert not after.has_unfinished


async def test_a_nested_question_belongs_to_the_innermost_node(lab):
    inner = line("ask", ask=ask_twice).compile()
    outer = line("team", team=inner)
    async with lab(outer) as of:
        await of.run({"log": []})
        (asked,) = (await of.head()).interrupts
        await of.run(Command(resume={asked.interrupt_id: "yes"}))
        (asked_next,) = (await of.head()).interrupts

    assert (asked.node, asked.value) == ("team/ask", "first")
    assert (asked_next.node, asked_next.value, asked_next.is_answered) == (
        "team/ask",
        "second",
        False,
    )


async def test_a_called_function_is_found_by_who_saw_it_ask(lab):
    failing = [True]

    @task
    def both() -> list[Any]:
        first = interrupt("first")
        if failing[0]:
            raise ZeroDivisionError
        return [first, interrupt("second")]

    @entrypoint()
    def flow(_: str) -> list[Any]:
        return both().result()

    async with lab(flow) as of:
        await of.run("go")
        (asked,) = (await of.head()).interrupts
        namespace = asked.namespace
        call = await find_call(of)
        await of.run(Command(resume={asked.interrupt_id: "yes"}))
        unseen = await of.head()
        seen = await of.head(f"{namespace}|both:{call}", "flow:other|both:0")

    assert unseen.open_ids == {asked.interrupt_id}  # nobody told who asked
    assert seen.open_ids == frozenset()
    assert [i.node for i in seen.interrupts] == ["flow/both"]
    assert seen.has_failed


async def find_call(of: Lab) -> str:
    """The id of the one task that is in no state."""
    state = await of.graph.aget_state(CONFIG)
    saved = await of.graph.checkpointer.aget_tuple(state.config)
    (found,) = {task_id for task_id, *_ in saved.pending_writes} - {t.id for t in state.tasks}
    return found


async def test_a_step_whose_tasks_all_ended_is_due_until_it_is_taken_in(lab):
    async with lab(line("a", "b"), break_before=("b",)) as of:
        await of.run({"log": []})
        state = await of.graph.aget_state(CONFIG)
        (due,) = state.tasks
        await of.graph.checkpointer.aput_writes(state.config, [("log", ["b"])], due.id)
        head = await of.head()
        finished = await heads.read_finished(of.graph, await of.read())

    assert (head.due, head.next) == (("b",), ())
    assert not head.is_untouched
    assert not head.is_at_breakpoint
    assert finished == {due.id}


async def test_an_error_of_an_attempt_before_does_not_make_a_finished_task_failed(lab):
    failing = [True]

    def sometimes(state: State) -> dict[str, Any]:
        if failing.pop():
            raise ZeroDivisionError
        return {"log": ["a"]}

    builder = StateGraph(State).add_node("a", sometimes).add_node("ask", ask_twice)
    builder.add_edge(START, "ask").add_edge(START, "a")
    async with lab(builder) as of:
        await of.run({"log": []})
        failed = await of.head()
        failing.append(False)
        await of.run(None)
        again = await of.head()

    assert failed.has_failed
    assert not again.has_failed
    assert (again.due, again.next) == (("a", "ask"), ("ask",))
    assert len(again.open_ids) == 1


async def test_a_task_that_was_cancelled_from_outside_did_not_fail(lab):
    async with lab(line("a", "b"), break_before=("b",)) as of:
        await of.run({"log": []})
        state = await of.graph.aget_state(CONFIG)
        (due,) = state.tasks
        error = [("__error__", asyncio.CancelledError("stop"))]
        await of.graph.checkpointer.aput_writes(state.config, error, due.id)
        head = await of.head()

    assert not head.has_failed
    assert head.has_unfinished
    assert head.is_untouched


async def test_of_siblings_each_is_told_for_itself(lab):
    def review(item: str) -> dict[str, Any]:
        answer = interrupt(item)
        if answer == "fail":
            raise ZeroDivisionError
        return {"log": [item]}

    builder = StateGraph(State).add_node("review", review)
    builder.add_conditional_edges(START, lambda _: [Send("review", i) for i in "abc"], ["review"])
    async with lab(builder) as of:
        await of.run({"log": []})
        asked = {i.value: i.interrupt_id for i in (await of.head()).interrupts}
        await of.run(Command(resume={asked["a"]: "ok"}))
        await of.run(Command(resume={asked["b"]: "fail"}))
        head = await of.head()

    assert head.open_ids == {asked["c"]}
    assert head.has_failed
    assert not head.has_unfinished
    assert (len(head.due), len(head.next)) == (3, 2)


@pytest.mark.parametrize(
    ("options", "stops_at"),
    [
        ({"break_before": ("b",)}, "b"),
        ({"break_after": ("a",)}, "b"),
        ({"break_before": ("*",)}, "a"),
        ({"break_after": ("*",)}, "b"),
    ],
)
async def test_a_breakpoint_is_known_by_what_is_due_or_what_ran(lab, options, stops_at):
    async with lab(line("a", "b", "c"), **options) as of:
        await of.run({"log": []})
        head = await of.head()

    assert head.next == (stops_at,)
    assert head.is_at_breakpoint
    assert head.is_untouched


async def test_a_breakpoint_of_the_graph_itself_counts_too(lab):
    async with lab(line("a", "b").compile(interrupt_before=["b"])) as of:
        await of.run({"log": []})

        assert (await of.head()).is_at_breakpoint


async def test_a_step_that_was_begun_is_no_breakpoint_any_more(lab):
    async with lab(line("a", "ask", ask=ask_twice), break_before=("ask",)) as of:
        await of.run({"log": []})
        await of.run(None)
        head = await of.head()

    assert head.open_ids
    assert not head.is_at_breakpoint


async def test_an_edit_that_waits_for_its_step_is_seen(lab):
    async with lab(line("a", "ask", ask=ask_twice), break_before=("ask",)) as of:
        await of.run({"log": []})
        before = await heads.has_own_update(of.graph, await of.read())
        await of.run(Command(update={"log": ["edited"]}))
        reading = await of.read()
        after = await heads.has_own_update(of.graph, reading)

    assert (before, after) == (False, True)
    assert reading.state.values["log"] == ["a", "edited"]
