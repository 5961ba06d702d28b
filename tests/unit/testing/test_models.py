from __future__ import annotations

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import RetryPolicy
from pydantic import BaseModel

from interlock.core.testing import FakeModel, OutOfReplies, call, play


class Weather(BaseModel):
    """The weather somewhere."""

    city: str
    degrees: float


def look_up(city: str) -> str:
    """Look up the weather."""
    return f"21 degrees in {city}"


def test_replies_are_given_in_order_and_no_more():
    model = FakeModel(["One.", AIMessage("Two.")])
    assert [model.invoke("a").text, model.invoke("b").text] == ["One.", "Two."]
    assert model.left_count == 0
    with pytest.raises(OutOfReplies, match="has 2 replies and is asked once more: 'c'"):
        model.invoke("c")


def test_a_function_of_the_messages_may_reply():
    model = FakeModel(lambda messages: f"{len(messages)}: {messages[-1].text}")
    assert model.invoke([HumanMessage("a"), HumanMessage("b")]).text == "2: b"
    assert model.left_count == 0


async def test_what_it_was_asked_is_kept():
    model = FakeModel(["Yes.", "No.", "Never asked for."])
    model.bind_tools([look_up], tool_choice="auto").invoke("Is it warm?", temperature=0)
    await model.ainvoke([])
    first, second = model.asked
    assert (first.text, first.tools) == ("Is it warm?", ("look_up",))
    assert dict(first.options) == {"tool_choice": "auto", "temperature": 0}
    assert (second.text, second.messages) == ("", ())
    assert model.left_count == 1


async def test_texts_are_streamed_word_by_word_with_usage_at_the_end():
    model = FakeModel(["Good morning, Ada. \n"] * 2)
    parts = list(model.stream("Greet Ada"))
    assert [part.text for part in parts] == ["Good", " morning,", " Ada.", " \n"]
    whole = parts[0] + parts[1] + parts[2] + parts[3]
    assert whole.usage_metadata == {"input_tokens": 2, "output_tokens": 4, "total_tokens": 6}
    assert whole.response_metadata["model_name"] == "interlock-fake"
    assert [part.text async for part in model.astream("Greet Ada")] == [p.text for p in parts]


def test_the_tokens_of_a_node_are_streamed_by_the_graph():
    builder = StateGraph(MessagesState)
    model = FakeModel(["A b c"])
    builder.add_node("talk", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_edge(START, "talk")
    parts = builder.compile().stream({"messages": ["hi"]}, stream_mode="messages")
    assert [part.text for part, _ in parts if part.text] == ["A", " b", " c"]


def test_a_message_keeps_what_it_was_given():
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    blocks = [{"type": "text", "text": "Hi"}]
    given = AIMessage(blocks, id="m-1", usage_metadata=usage, response_metadata={"x": 1})
    told = FakeModel([given]).invoke("?")
    assert (told.content, told.id, told.usage_metadata) == (blocks, "m-1", usage)
    assert told.response_metadata["x"] == 1


def test_an_agent_calls_tools_one_or_several_at_once():
    model = FakeModel(
        [
            call("look_up", city="Vienna"),
            [call("look_up", city=c) for c in ("Graz", "Linz")],
            "Warm.",
        ]
    )
    played = play(create_agent(model, [look_up]), {"messages": ["Is it warm?"]}).or_raise()
    messages = played.values["messages"]
    told = [message.text for message in messages if message.type == "tool"]
    assert told == ["21 degrees in Vienna", "21 degrees in Graz", "21 degrees in Linz"]
    calls = [each["id"] for message in messages[1:] for each in getattr(message, "tool_calls", [])]
    assert calls == ["call-1", "call-2", "call-3"]
    assert messages[-1].text == "Warm."
    assert played.times == {"model": 3, "tools": 3}


def test_a_call_keeps_the_id_it_has():
    own = {**call("look_up", city="Vienna"), "id": "mine"}
    told = FakeModel([own]).bind_tools([look_up]).invoke("?")
    assert [(c["id"], c["args"]) for c in told.tool_calls] == [("mine", {"city": "Vienna"})]


@pytest.mark.parametrize("by_tool", [False, True])
def test_a_call_of_what_was_not_offered_fails(by_tool):
    model = FakeModel([call("delete_all")])
    asked = model.bind_tools([look_up]) if by_tool else model
    offered = "look_up" if by_tool else "none"
    with pytest.raises(OutOfReplies, match=f"calls 'delete_all'.*are: {offered}"):
        asked.invoke("?")


def test_an_answer_by_schema_is_an_object():
    model = FakeModel([Weather(city="Vienna", degrees=21)] * 2)
    told = model.with_structured_output(Weather).invoke("?")
    assert told == Weather(city="Vienna", degrees=21)
    raw = model.with_structured_output(Weather.model_json_schema()).invoke("?")
    assert raw == {"city": "Vienna", "degrees": 21}


def test_an_agent_answers_by_schema():
    model = FakeModel([call("look_up", city="Vienna"), Weather(city="Vienna", degrees=21)])
    agent = create_agent(model, [look_up], response_format=ToolStrategy(Weather))
    played = play(agent, {"messages": ["?"]}).or_raise()
    assert played.values["structured_response"] == Weather(city="Vienna", degrees=21)


def test_what_is_no_reply_is_refused():
    with pytest.raises(OutOfReplies, match="cannot reply 3"):
        FakeModel([3]).invoke("?")


def talking(model, **policy):
    builder = StateGraph(MessagesState)
    builder.add_node("talk", lambda s: {"messages": [model.invoke(s["messages"])]}, **policy)
    builder.add_edge(START, "talk")
    return builder.compile()


AT_ONCE = RetryPolicy(initial_interval=0.001, max_interval=0.001, jitter=False)


def test_it_fails_on_demand_so_that_a_retry_can_be_tested():
    model = FakeModel([ConnectionError("gone"), ConnectionError, "Back."])
    played = play(talking(model, retry_policy=AT_ONCE), {"messages": ["?"]}).or_raise()
    assert played.values["messages"][-1].text == "Back."
    assert len(model.asked) == 3
    assert played.times == {"talk": 1}


def test_an_error_that_stays_is_the_one_of_the_play():
    played = play(talking(FakeModel([ValueError("too long")])), {"messages": ["?"]})
    assert str(played.error) == "too long"


def test_running_out_of_replies_fails_the_test_and_is_not_retried():
    model = FakeModel([])
    with pytest.raises(OutOfReplies):
        play(talking(model, retry_policy=AT_ONCE), {"messages": ["?"]})
    assert len(model.asked) == 1
