"""What counts as the same question to a cache, and whose ids a kept answer has when it is served."""

from __future__ import annotations

from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.types import Send

from interlock.core.graphs.cache_ids import Ids, renew
from interlock.core.graphs.cache_keys import Key, make_key
from interlock.core.graphs.serde import serializer_for

ENCODE = serializer_for(None, None).dumps_typed


def key_of(value) -> Key:
    return make_key(value, (), ENCODE)


def asked(first: str, second: str, *, sun: str, rain: str) -> dict:
    """An agent's state: two calls, one of which said sun and the other rain."""
    calls = [
        {"name": "look", "args": {"city": "Paris"}, "id": first},
        {"name": "look", "args": {"city": "Rome"}, "id": second},
    ]
    return {
        "messages": [
            HumanMessage("How is it?", id=f"h-{first}"),
            AIMessage("", tool_calls=calls, id=f"a-{first}"),
            ToolMessage("sun", tool_call_id=sun, id=f"s-{first}"),
            ToolMessage("rain", tool_call_id=rain, id=f"r-{first}"),
        ]
    }


def test_ids_that_are_made_anew_do_not_count():
    once, again = asked("1", "2", sun="1", rain="2"), asked("x", "y", sun="x", rain="y")
    assert key_of(once).exact == key_of(again).exact
    assert key_of(once).ids == Ids(("h-1", "a-1", "s-1", "r-1"), ("1", "2"))


def test_which_call_a_tool_answered_counts():
    straight, crossed = asked("1", "2", sun="1", rain="2"), asked("1", "2", sun="2", rain="1")
    assert key_of(straight).exact != key_of(crossed).exact


def test_ids_in_the_content_and_extras_of_a_provider_are_the_same_ids():
    def said(call_id: str, answered: str) -> dict:
        call = {"name": "look", "args": {"id": "1"}, "id": call_id}
        used = {"type": "tool_use", "id": call_id, "name": "look", "input": {"id": "1"}}
        extra = {"tool_calls": [{"id": call_id, "type": "function"}]}
        message = AIMessage([used, "text"], tool_calls=[call], additional_kwargs=extra)
        result = {"type": "tool_result", "tool_use_id": answered, "content": "sun"}
        return {"messages": [message, HumanMessage([result])]}

    assert key_of(said("1", "1")).exact == key_of(said("2", "2")).exact
    assert key_of(said("1", "1")).exact != key_of(said("1", "other")).exact


def test_arguments_that_look_like_ids_count():
    def called(argument: str, call_id: str) -> AIMessage:
        call = {"name": "look", "args": {"id": argument}, "id": call_id}
        return AIMessage("", tool_calls=[call])

    assert key_of(called("1", "1")).exact != key_of(called("2", "2")).exact


def test_the_order_of_a_mapping_does_not_count():
    a, b = AIMessage("a", id="1"), AIMessage("b", id="2")
    assert key_of({"n": {"a": a, "b": b}}) == key_of({"n": {"b": b, "a": a}})


def test_a_tuple_is_no_list():
    assert key_of({"n": (1, 2)}).exact != key_of({"n": [1, 2]}).exact
    assert key_of({"n": [1, 2]}).exact == key_of({"n": [1, 2]}).exact


def test_an_answer_has_new_ids_each_time_it_is_served():
    kept = AIMessage("It is fine.", id="one")
    writes = renew([("messages", [kept]), ("last", {"it": kept})], Ids(), Ids())
    ((_, (message,)), (_, last)) = writes
    assert message.id not in ("one", None)
    assert last["it"].id == message.id
    assert message.content == "It is fine."


def test_an_answer_names_what_it_was_asked_with():
    writes = [
        ("messages", [RemoveMessage("h-1"), RemoveMessage("__remove_all__")]),
        ("messages", (AIMessage("shorter", id="a-1"), ToolMessage("sun", tool_call_id="1"))),
        ("__pregel_tasks", Send("next", {"m": AIMessage("", id="a-1")})),
    ]
    then, now = Ids(("h-1", "a-1", None), ("1",)), Ids(("h-2", "a-2", "new"), ("2",))
    removed, changed, sent = (w[1] for w in renew(writes, then, now))
    assert [m.id for m in removed] == ["h-2", "__remove_all__"]
    assert (changed[0].id, changed[1].tool_call_id) == ("a-2", "2")
    assert changed[1].id is None
    assert sent.arg["m"].id == "a-2"


def test_calls_that_are_asked_with_again_have_the_ids_of_now():
    call = {"name": "look", "args": {}, "id": "1"}
    message = AIMessage("", id="a-1", tool_calls=[call])
    ((_, served),) = renew([("m", message)], Ids(("a-1",), ("1",)), Ids(("a-2",), ("2",)))
    assert served.tool_calls[0]["id"] == "2"
