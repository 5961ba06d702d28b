from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Annotated, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.types import interrupt
from pydantic import BaseModel, field_validator

from interlock.core.testing import (
    AnswersLeft,
    FakeModel,
    Intent,
    InvalidInput,
    Kind,
    NeverEnds,
    NoAnswer,
    ScriptedHuman,
    Verb,
    aplay,
    call,
    play,
    record,
)


class State(TypedDict, total=False):
    said: Annotated[list, operator.add]
    count: int


def ask(question, **more):
    def node(_state: State) -> State:
        return {"said": [interrupt(question, **more)]}

    return node


def walk(_state: State) -> State:
    return {"said": ["walked"]}


def chain(*nodes, **compiled):
    """A graph of (name, function) one after the other."""
    builder = StateGraph(State)
    last = START
    for name, function in nodes:
        builder.add_node(name, function)
        builder.add_edge(last, name)
        last = name
    builder.add_edge(last, END)
    return builder.compile(**compiled)


def nested():
    inner = chain(("prepare", walk), ("review", ask("May I?")))
    builder = StateGraph(State)
    builder.add_node("team", inner)
    builder.add_node("beside", walk)
    builder.add_node("last", walk)
    builder.add_edge(START, "team")
    builder.add_edge(START, "beside")
    builder.add_edge(["team", "beside"], "last")
    return builder.compile()


def test_a_graph_that_asks_nothing_runs_to_its_end():
    played = play(chain(("one", walk), ("two", walk)), {"said": ["begun"]})
    assert played.values == {"said": ["begun", "walked", "walked"]}
    assert played.path == ("one", "two")
    assert played.questions == ()
    assert played.or_raise() is played


def test_a_question_gets_its_answer_and_the_node_ran_once():
    played = play(chain(("ask", ask("Go?")), ("two", walk)), {}, ScriptedHuman.approving())
    [asked] = played.questions
    assert (asked.title, asked.node, asked.answer) == ("Go?", "ask", True)
    assert (asked.intent.verb, asked.card.kind) == (Verb.APPROVE, Kind.VALUE)
    assert played.times == {"ask": 1, "two": 1}


def test_nodes_of_subgraphs_stand_behind_theirs_by_path():
    played = play(nested(), {}, ScriptedHuman.rejecting())
    assert played.path == ("beside", "team", "team/prepare", "team/review", "last")
    assert [asked.node for asked in played.questions] == ["team/review"]


def test_all_open_questions_are_answered_together():
    builder = StateGraph(State)
    for name in ("a", "b", "c"):
        builder.add_node(name, ask(f"{name}?"))
        builder.add_edge(START, name)
    played = play(builder.compile(), {}, ScriptedHuman([True, "no", 3]), max_rounds=2)
    assert played.values["said"] == [True, "no", 3]
    assert [asked.title for asked in played.questions] == ["a?", "b?", "c?"]


def test_two_questions_of_one_node_come_one_after_the_other():
    def twice(_state: State) -> State:
        return {"said": [interrupt("first?"), interrupt("second?")]}

    played = play(chain(("twice", twice)), {}, ScriptedHuman(["one", "two"]))
    assert played.values["said"] == ["one", "two"]
    assert played.times == {"twice": 1}


def test_the_graph_of_the_user_is_not_touched():
    graph = chain(("ask", ask("Go?")))
    before = dict(vars(graph))
    play(graph, {}, ScriptedHuman.approving())
    assert vars(graph) == before
    assert graph.checkpointer is None


def test_a_saver_of_its_own_is_used():
    graph = chain(("ask", ask("Go?")), checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "mine"}}
    play(graph, {}, ScriptedHuman.approving(), config=config)
    assert graph.get_state(config).values == {"said": [True]}
    play(graph, {}, ScriptedHuman.approving())  # on another thread
    assert graph.get_state(config).values == {"said": [True]}


def test_a_store_is_there_and_the_context_reaches_the_nodes():
    @dataclass
    class Context:
        name: str

    def node(_state: State, runtime: Runtime[Context], store: BaseStore) -> State:
        store.put(("names",), "last", {"name": runtime.context.name})
        return {"said": [store.get(("names",), "last").value["name"]]}

    builder = StateGraph(State, context_schema=Context)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    assert play(builder.compile(), {}, context={"name": "Ada"}).values == {"said": ["Ada"]}


def test_what_the_graph_raises_is_told_with_how_far_it_came():
    def fail(_state: State) -> State:
        raise ValueError("no such order")

    played = play(chain(("one", walk), ("fail", fail), ("two", walk)), {}, ScriptedHuman([]))
    assert str(played.error) == "no such order"
    assert played.values == {"said": ["walked"]}
    assert played.path == ("one", "fail")
    with pytest.raises(ValueError, match="no such order"):
        played.or_raise()


def test_a_graph_that_asks_for_ever_is_stopped():
    builder = StateGraph(State)
    builder.add_node("again", ask("Again?"))
    builder.add_edge(START, "again")
    builder.add_edge("again", "again")
    with pytest.raises(NeverEnds, match=r'not ended after 3 rounds.*"Again\?" of again'):
        play(builder.compile(), {}, ScriptedHuman.approving(), max_rounds=3)


def test_a_graph_that_runs_in_a_circle_is_stopped():
    builder = StateGraph(State)
    builder.add_node("round", walk)
    builder.add_edge(START, "round")
    builder.add_edge("round", "round")
    with pytest.raises(NeverEnds, match="last at: round, round"):
        play(builder.compile(), {})


# --- breakpoints ---------------------------------------------------------------------------------


def held(**compiled):
    return chain(("one", walk), ("two", walk), ("three", walk), **compiled)


def test_a_breakpoint_is_a_card():
    graph = held(interrupt_before=["two"])
    played = play(graph, {}, ScriptedHuman.approving())
    [asked] = played.questions
    assert (asked.title, asked.node) == ("Paused before two", "two")
    assert asked.card.payload == {"next": ["two"]}
    assert played.path == ("one", "two", "three")


def test_a_breakpoint_may_be_stopped_at():
    played = play(held(interrupt_before=["two"]), {}, ScriptedHuman.rejecting("Enough."))
    assert played.path == ("one",)
    assert played.is_stopped
    assert played.error is None


def test_a_breakpoint_may_be_skipped_and_the_last_one_too():
    skip = ScriptedHuman(["skip"])
    assert play(held(interrupt_before=["two"]), {}, skip).path == ("one", "three")
    assert play(held(interrupt_before=["three"]), {}, skip).path == ("one", "two")


def test_the_state_may_be_edited_at_a_breakpoint():
    edit = Intent(verb=Verb.EDIT, value={"said": ["edited"], "count": "3"})
    played = play(held(interrupt_before=["two"]), {"said": ["begun"]}, ScriptedHuman([edit]))
    assert played.values == {"said": ["edited", "walked", "walked"], "count": 3}


def test_an_edit_names_fields_of_the_state():
    edit = Intent(verb=Verb.EDIT, value={"sayd": []})
    with pytest.raises(InvalidInput, match=r"Paused before two.*sayd"):
        play(held(interrupt_before=["two"]), {}, ScriptedHuman([edit]))


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("approve", ("team", "team/one", "team/two", "team/three", "last")),
        ("skip", ("team", "team/one", "team/three", "last")),
    ],
)
def test_a_breakpoint_inside_a_subgraph(word, path):
    graph = chain(("team", held(interrupt_before=["two"])), ("last", walk))
    played = play(graph, {}, ScriptedHuman([word]))
    assert [asked.node for asked in played.questions] == ["team/two"]
    assert played.path == path


# --- humans --------------------------------------------------------------------------------------

ORDER = {"question": "Refund?", "amount": 620.0}
FORM = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "amount": {"type": "number", "maximum": 620}},
    "required": ["approved"],
}


def test_a_rule_sees_the_card():
    seen = []

    def rule(card):
        seen.append(card)
        return {"approved": True, "amount": 500}

    played = play(
        chain(("review", ask(ORDER, response_schema=FORM))), {}, ScriptedHuman.by_rule(rule)
    )
    [card] = seen
    assert (card.title, card.kind, card.node) == ("Refund?", Kind.SCHEMA, "review")
    assert card.schema == FORM
    assert (card.payload, card.actions) == (ORDER, ())
    assert Verb.APPROVE in card.allowed
    assert played.values["said"] == [{"approved": True, "amount": 500}]


@pytest.mark.parametrize(
    "said",
    [
        Verb.APPROVE,
        "approve",
        Intent(verb=Verb.APPROVE),
        Intent(verb="approve"),
        {"approved": True},
    ],
)
def test_a_decision_may_be_said_in_several_ways(said):
    graph = chain(("review", ask(ORDER, response_schema=FORM)))
    assert play(graph, {}, ScriptedHuman([said])).values["said"] == [{"approved": True}]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"approved": True, "amount": 700}, "amount"),
        ({"amount": 5}, "approved"),
        ("respond", "does not take respond"),
        (Intent(verb="perhaps"), "'perhaps' is no verb"),
        (object(), "not JSON"),
    ],
)
def test_a_wrong_answer_names_card_and_place_and_nothing_is_sent(said, wrong):
    sent = []

    def node(_state: State) -> State:
        sent.append(interrupt(ORDER, response_schema=FORM))
        return {}

    with pytest.raises(InvalidInput, match=wrong) as failed:
        play(chain(("review", node)), {}, ScriptedHuman([said]))
    assert '"Refund?" of review' in str(failed.value)
    assert sent == []


def test_an_answer_that_only_the_graph_can_refuse_is_told_as_wrong():
    class Odd(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def is_odd(cls, value):
            assert value % 2, "must be odd"
            return value

    graph = chain(("pick", ask("Which?", response_schema=Odd)))
    with pytest.raises(InvalidInput, match=r'(?s)"Which\?" of pick.*must be odd'):
        play(graph, {}, ScriptedHuman([{"number": 2}]))


def test_a_list_that_runs_out_fails():
    with pytest.raises(NoAnswer, match='"b\\?" of b, and all 1 answers'):
        play(chain(("a", ask("a?")), ("b", ask("b?"))), {}, ScriptedHuman(["approve"]))


def test_answers_that_are_left_over_fail():
    with pytest.raises(AnswersLeft, match="1 answers are left: 'reject'"):
        play(chain(("a", ask("a?"))), {}, ScriptedHuman(["approve", "reject"]))


def test_nobody_is_there_unless_somebody_is_given():
    with pytest.raises(NoAnswer, match="all 0 answers"):
        play(chain(("a", ask("a?"))), {})


def test_a_human_may_serve_several_tests():
    human = ScriptedHuman(["approve"])
    for _ in range(2):
        assert play(chain(("a", ask("a?"))), {}, human).values["said"] == [True]


def test_a_rule_that_says_nothing_fails():
    with pytest.raises(NoAnswer, match="says nothing"):
        play(chain(("a", ask("a?"))), {}, ScriptedHuman.by_rule(lambda _card: None))
    null = ScriptedHuman([Intent(verb=Verb.ANSWER, value=None)])
    assert play(chain(("a", ask("a?"))), {}, null).values["said"] == [None]


def test_no_plain_yes_where_the_card_wants_more():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    with pytest.raises(NoAnswer, match=r"takes no plain yes\. It takes edit"):
        play(chain(("a", ask("How many?", response_schema=schema))), {}, ScriptedHuman.approving())


def test_a_human_has_a_list_or_a_rule():
    with pytest.raises(InvalidInput, match="not both"):
        ScriptedHuman(["approve"], rule=lambda _card: "approve")


# --- agents, entrypoints, loops --------------------------------------------------------------------


def send_email(to: str, copies: int = 1) -> str:
    """Send an e-mail."""
    return f"sent {copies} to {to}"


def agent(*replies):
    middleware = HumanInTheLoopMiddleware(interrupt_on={"send_email": True})
    return create_agent(FakeModel(replies), [send_email], middleware=[middleware])


MAIL = call("send_email", to="ada@example.com")
HELLO = {"messages": [HumanMessage("Write to Ada.")]}


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ("approve", "sent 1 to ada@example.com"),
        (Intent(verb=Verb.EDIT, value={"to": "bob@example.com"}), "sent 1 to bob@example.com"),
        (Intent(verb=Verb.REJECT, reason="Not today."), "Not today."),
        ({"decisions": [{"type": "respond", "message": "Sent already."}]}, "Sent already."),
        ([{"decision": "approve"}], "sent 1 to ada@example.com"),
    ],
)
def test_an_agent_asks_before_it_calls_a_tool(said, result):
    played = play(agent(MAIL, "Done."), HELLO, ScriptedHuman([said]))
    [asked] = played.questions
    assert asked.card.actions[0].name == "send_email"
    [told] = [m.text for m in played.values["messages"] if m.type == "tool"]
    assert result in told


def test_edited_arguments_are_held_against_those_of_the_tool():
    edit = Intent(verb=Verb.EDIT, value={"to": "bob@example.com", "copies": "many"})
    with pytest.raises(InvalidInput, match="copies"):
        play(agent(MAIL, "Done."), HELLO, ScriptedHuman([edit]))


def test_what_is_no_decision_on_actions_is_refused():
    with pytest.raises(InvalidInput, match="does not take answer"):
        play(agent(MAIL, "Done."), HELLO, ScriptedHuman([3]))


def test_of_two_tools_of_one_name_the_arguments_are_not_known():
    def other(to: str) -> str:
        """Send something else."""
        return to

    other.__name__ = "send_email"
    edit = Intent(verb=Verb.EDIT, value={"to": "bob", "copies": "many"})
    builder = StateGraph(MessagesState)
    builder.add_node("one", agent(MAIL, "Done."))
    builder.add_node("two", create_agent(FakeModel([]), [other]))
    builder.add_edge(START, "one")
    played = play(builder.compile(), HELLO, ScriptedHuman([edit]))
    assert played.questions[0].card.actions[0].schema is None


@pytest.mark.parametrize("what", [StateGraph(State), walk])
def test_what_is_no_compiled_graph_is_refused(what, tmp_path):
    with pytest.raises(InvalidInput, match="no compiled graph but a"):
        play(what, {})
    with pytest.raises(InvalidInput, match="no compiled graph but a"):
        record(what, {}, None, tmp_path / "run.json")


def test_an_entrypoint_ends_with_what_it_returned():
    @task
    def double(n: int) -> int:
        return 2 * n

    @entrypoint()
    def flow(n: int) -> dict:
        doubled = double(n).result()
        return {"doubled": doubled, "said": interrupt(f"Is {doubled} right?")}

    played = play(flow, 4, ScriptedHuman(["yes"]))
    assert played.values == {"doubled": 8, "said": "yes"}
    assert played.path == ("flow", "double")


async def later(_state: State) -> State:
    return {"said": [interrupt("Later?")]}


def test_async_nodes_are_played_without_a_loop_too():
    graph = chain(("team", chain(("later", later))))
    assert play(graph, {}, ScriptedHuman.approving()).values["said"] == [True]


async def test_on_a_loop_async_nodes_are_awaited():
    graph = chain(("later", later), ("two", walk), interrupt_before=["two"])
    played = await aplay(graph, {}, ScriptedHuman(["approve", "skip"]))
    assert played.path == ("later",)
    with pytest.raises(InvalidInput, match="await aplay"):
        play(graph, {}, ScriptedHuman.approving())


async def test_on_a_loop_an_error_is_told_as_well():
    async def fail(_state: State) -> State:
        raise ValueError("no")

    played = await aplay(chain(("fail", fail)), {})
    assert isinstance(played.error, ValueError)
