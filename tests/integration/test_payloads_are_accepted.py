"""What `build_answer` builds is what the real LangGraph and the real LangChain middleware accept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from interlock.core.errors import InvalidInput
from interlock.core.model import payloads
from interlock.core.model.approvals import Intent, Kind, Verb
from interlock.core.model.payloads import Question

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t", "__pregel_strict_resume": True}}


def read(found: Any) -> Question:
    """Read an interrupt after the way through JSON that every stored card has gone."""
    value, schema = json.loads(json.dumps([found.value, found.response_schema]))
    return payloads.read_interrupt(value, schema, node="node")


def resume(graph: Any, found: Any, intent: Intent) -> Any:
    """Answer one interrupt by its id."""
    answer = payloads.build_answer(read(found), intent)
    return graph.invoke(Command(resume={found.id: answer}), CONFIG)


# --- LangChain's middleware ---------------------------------------------------------------------


class Line(BaseModel):
    """A line of an order."""

    sku: str
    count: int


class ToolCallingModel(GenericFakeChatModel):
    """A fake model that may be given tools."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Say the same whatever the tools are."""
        return self


class Desk:
    """An agent with two guarded tools that record their calls with the types they came in."""

    def __init__(self, mode: Literal["batched", "per_call"], *calls: dict[str, Any]) -> None:
        self.done: list[tuple[str, Any]] = []
        turns: Iterator[AIMessage] = iter([AIMessage("", tool_calls=list(calls)), AIMessage("end")])
        self.agent = create_agent(
            ToolCallingModel(messages=turns),
            tools=self._tools(),
            middleware=[
                HumanInTheLoopMiddleware(
                    {"order": True, "erase": {"allowed_decisions": ["approve", "reject"]}},
                    interrupt_mode=mode,
                )
            ],
            checkpointer=InMemorySaver(),
        )
        self.agent.invoke({"messages": [("user", "go")]}, CONFIG)

    def _tools(self) -> list[BaseTool]:
        @tool
        def order(to: str, lines: list[Line], express: bool = False) -> str:
            """Order something."""
            self.done.append(("order", (to, [line.count for line in lines], express)))
            return "ordered"

        @tool
        def erase(path: str) -> str:
            """Erase a file."""
            self.done.append(("erase", path))
            return "erased"

        return [order, erase]

    @property
    def waiting(self) -> list[Any]:
        """The interrupts still to be answered, in task order."""
        return list(self.agent.get_state(CONFIG).interrupts)

    @property
    def tool_messages(self) -> list[ToolMessage]:
        """What the model was told."""
        messages = self.agent.get_state(CONFIG).values["messages"]
        return [message for message in messages if isinstance(message, ToolMessage)]


ORDER = {"name": "order", "args": {"to": "Ada", "lines": [{"sku": "x", "count": 1}]}, "id": "1"}
ERASE = {"name": "erase", "args": {"path": "/tmp/x"}, "id": "2"}
BOTH_MODES = pytest.mark.parametrize("mode", ["batched", "per_call"])


@BOTH_MODES
def test_approved_call_runs_as_the_model_wrote_it(mode: Any) -> None:
    desk = Desk(mode, ORDER)
    question = read(desk.waiting[0])
    assert question.title == "order: Ada"
    assert question.allowed == (Verb.APPROVE, Verb.REJECT, Verb.EDIT, Verb.RESPOND)
    resume(desk.agent, desk.waiting[0], Intent(verb=Verb.APPROVE))
    assert desk.done == [("order", ("Ada", [1], False))]
    assert desk.waiting == []


@BOTH_MODES
def test_edited_call_runs_with_the_edited_types(mode: Any) -> None:
    desk = Desk(mode, ORDER)
    edited = {"to": "Bo", "lines": [{"sku": "y", "count": 7}], "express": True}
    resume(desk.agent, desk.waiting[0], Intent(verb=Verb.EDIT, value=edited))
    assert desk.done == [("order", ("Bo", [7], True))]


@BOTH_MODES
@pytest.mark.parametrize(("reason", "told"), [("Too much.", "Too much."), ("", "not executed")])
def test_rejected_call_does_not_run_and_the_model_is_told_why(
    mode: Any, reason: str, told: str
) -> None:
    desk = Desk(mode, ORDER)
    resume(desk.agent, desk.waiting[0], Intent(verb=Verb.REJECT, reason=reason))
    assert desk.done == []
    assert desk.tool_messages[0].status == "error"
    assert told in str(desk.tool_messages[0].content)


@BOTH_MODES
def test_response_stands_for_the_result_of_the_call(mode: Any) -> None:
    desk = Desk(mode, ORDER)
    resume(desk.agent, desk.waiting[0], Intent(verb=Verb.RESPOND, value="It is on its way."))
    assert desk.done == []
    assert [message.content for message in desk.tool_messages] == ["It is on its way."]


def test_batch_takes_one_decision_for_each_call_in_order() -> None:
    desk = Desk("batched", ORDER, ERASE)
    edited = {"to": "Cy", "lines": []}
    each = ({"decision": "edit", "args": edited}, {"decision": "reject", "reason": "Keep it."})
    resume(desk.agent, desk.waiting[0], Intent(verb=None, each=each))
    assert desk.done == [("order", ("Cy", [], False))]
    assert "Keep it." in str(desk.tool_messages)


def test_batch_takes_one_word_for_all_calls() -> None:
    desk = Desk("batched", ORDER, ERASE)
    assert read(desk.waiting[0]).allowed == (Verb.APPROVE, Verb.REJECT)
    resume(desk.agent, desk.waiting[0], Intent(verb=Verb.APPROVE))
    assert sorted(name for name, _ in desk.done) == ["erase", "order"]


def test_calls_asked_one_by_one_keep_their_own_verbs() -> None:
    desk = Desk("per_call", ORDER, ERASE)
    asked = {read(found).actions[0].name: found for found in desk.waiting}
    assert read(asked["erase"]).allowed == (Verb.APPROVE, Verb.REJECT)
    resume(desk.agent, asked["erase"], Intent(verb=Verb.REJECT))
    assert [read(found).actions[0].name for found in desk.waiting] == ["order"]
    resume(desk.agent, asked["order"], Intent(verb=Verb.APPROVE))
    assert desk.done == [("order", ("Ada", [1], False))]


def test_edit_of_the_wrong_type_is_refused_before_the_tool_sees_it() -> None:
    desk = Desk("per_call", ORDER)
    wrong = {"to": "Bo", "lines": [{"sku": "y", "count": "seven"}]}
    with pytest.raises(InvalidInput) as refused:
        resume(desk.agent, desk.waiting[0], Intent(verb=Verb.EDIT, value=wrong))
    assert [problem.path for problem in refused.value.problems] == ["lines.0.count"]
    assert len(desk.waiting) == 1


# --- interrupt() in a node ----------------------------------------------------------------------


class State(TypedDict, total=False):
    """What the node got as its answer."""

    answer: Any


def graph_asking(value: Any, schema: Any = None) -> Any:
    """A graph of one node that asks once and keeps the answer."""

    def ask(state: State) -> State:
        return {"answer": interrupt(value, response_schema=schema)}

    builder = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").add_edge("ask", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    graph.invoke({"answer": "none yet"}, CONFIG)
    return graph


def waiting_in(graph: Any) -> Any:
    """The one interrupt of a graph."""
    return graph.get_state(CONFIG).interrupts[0]


class Review(BaseModel):
    """A typed answer."""

    approved: bool
    amount: float = Field(gt=0)
    reason: str = ""


class Plain(TypedDict):
    """A typed answer without a class of its own."""

    decision: Literal["approve", "reject"]
    score: int


REVIEWS: list[tuple[Any, Intent, Any]] = [
    (
        Review,
        Intent(verb=Verb.APPROVE, value={"amount": 3}, reason="fine"),
        Review(approved=True, amount=3.0, reason="fine"),
    ),
    (
        Review,
        Intent(verb=Verb.REJECT, value={"amount": 0.5}),
        Review(approved=False, amount=0.5),
    ),
    (
        Review,
        Intent(verb=Verb.EDIT, value={"approved": True, "amount": 2}),
        Review(approved=True, amount=2.0),
    ),
    (
        Plain,
        Intent(verb=Verb.REJECT, value={"score": 2}),
        {"decision": "reject", "score": 2},
    ),
    (bool, Intent(verb=Verb.REJECT), False),
    (Literal["accept", "decline"], Intent(verb=Verb.APPROVE), "accept"),
    (int | None, Intent(verb=Verb.ANSWER, value=None), None),
    ({"type": "integer"}, Intent(verb=Verb.ANSWER, value=4), 4),
]


@pytest.mark.parametrize(("schema", "intent", "expected"), REVIEWS)
def test_typed_answer_reaches_the_node_as_its_type(
    schema: Any, intent: Intent, expected: Any
) -> None:
    graph = graph_asking({"question": "Refund?"}, schema)
    assert read(waiting_in(graph)).kind is Kind.SCHEMA
    assert resume(graph, waiting_in(graph), intent)["answer"] == expected


def test_what_the_schema_refuses_here_the_graph_would_refuse_too() -> None:
    graph = graph_asking("Refund?", Review)
    found = waiting_in(graph)
    wrong = {"approved": True, "amount": 0}
    with pytest.raises(InvalidInput, match="amount: must be more than 0"):
        payloads.build_answer(read(found), Intent(verb=Verb.ANSWER, value=wrong))
    with pytest.raises(ValueError, match="greater than 0"):
        graph.invoke(Command(resume={found.id: wrong}), CONFIG)


INBOX = {
    "action_request": {"action": "send", "args": {"to": "Ada"}},
    "config": {
        "allow_ignore": True,
        "allow_respond": True,
        "allow_edit": True,
        "allow_accept": True,
    },
}
RAW: list[tuple[Any, Intent, Any]] = [
    ("Go on?", Intent(verb=Verb.APPROVE), True),
    ("Go on?", Intent(verb=Verb.REJECT), False),
    ("Go on?", Intent(verb=Verb.ANSWER, value=None), None),
    ("Go on?", Intent(verb=Verb.ANSWER, value={}), {}),
    (None, Intent(verb=Verb.ANSWER, value=[]), []),
    (["a", "b"], Intent(verb=Verb.ANSWER, value="b"), "b"),
    ({"type": "approval_needed"}, Intent(verb=Verb.APPROVE), {"approved": True}),
    (INBOX, Intent(verb=Verb.REJECT), [{"type": "ignore", "args": None}]),
    (
        json.dumps([INBOX]),
        Intent(verb=Verb.EDIT, value={"to": "Bo"}),
        [{"type": "edit", "args": {"action": "send", "args": {"to": "Bo"}}}],
    ),
]


@pytest.mark.parametrize(("value", "intent", "expected"), RAW)
def test_raw_answer_reaches_the_node_as_it_is(value: Any, intent: Intent, expected: Any) -> None:
    graph = graph_asking(value)
    assert resume(graph, waiting_in(graph), intent)["answer"] == expected


def test_several_answers_of_one_thread_are_accepted_together() -> None:
    values: list[Callable[[State], State]] = []
    builder = StateGraph(State)
    for name, value in (("one", "First?"), ("two", {"type": "approval"})):

        def ask(state: State, value: Any = value) -> dict[str, Any]:
            values.append(interrupt(value))
            return {}

        builder.add_node(name, ask).add_edge(START, name)
    graph = builder.compile(checkpointer=InMemorySaver())
    graph.invoke({"answer": ""}, CONFIG)
    answers = {
        found.id: payloads.build_answer(read(found), Intent(verb=Verb.APPROVE))
        for found in graph.get_state(CONFIG).interrupts
    }
    graph.invoke(Command(resume=answers), CONFIG)
    assert graph.get_state(CONFIG).next == ()
    assert sorted(map(str, values)) == ["True", "{'approved': True}"]
