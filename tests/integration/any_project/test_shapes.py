"""Every shape of node, state, nesting and hold that LangGraph has, through the whole product."""

from __future__ import annotations

import json

import pytest

PROJECT = "shapes"
pytestmark = pytest.mark.xdist_group("any project: shapes")

ORDER = {"customer": "anna", "address": {"street": "x", "number": 3}, "due": "2026-01-02"}
RED = "Colour.RED"


def test_all_load(desk):
    assert {n: w["error"] for n, w in desk.workflows().items() if w["error"]} == {}


# --- nodes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first"),
    [("sync nodes", "main thread: False"), ("async nodes", "loop: True")],
)
def test_sync_only_and_async_only_nodes_ask_and_finish(desk, name, first):
    ended = desk.decide(desk.hold(name, {}), "--approve")
    assert ended["values"] == {"log": [first, True]}


def test_nodes_of_all_kinds_run_in_turn(desk):
    launched = desk.launch("all kinds of nodes", {})
    assert desk.run(launched["run_id"])["values"]["log"] == [
        *("one", "one, a method", "lambda", "runnable", "everything", "goes", "two", "updates")
    ]
    assert desk.events(launched["run_id"], "custom") == ["by writer"]


# --- nesting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nested", "nested own saver"])
def test_an_interrupt_two_graphs_deep_is_asked_and_answered_there(desk, name):
    card = desk.hold(name, {"topic": "tides"})
    assert (card["node"], card["title"]) == ("team/writer/ask", "About tides?")
    assert card["payload"]["secret"] == "inside"
    ended = desk.decide(card, "--answer", '"yes"')
    assert ended["status"] == "done"
    assert ended["values"]["log"][-3:] == ["handed over", "team closed", "closed"]
    assert [n["node"] for n in ended["nodes"]] == [
        *("team", "team/writer", "team/writer/ask", "team/writer/hand over"),
        *("team/closing", "close"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "node", "log"),
    [
        ("called from a node", {"topic": "tides"}, "call simple/ask", ["called", "answered 7"]),
        ("functional calls a graph", "tides", "with_graph/ask", ["answered 7"]),
    ],
)
def test_a_graph_that_a_function_calls_asks_too(desk, name, value, node, log):
    card = desk.hold(name, value)
    assert card["node"] == node
    values = desk.decide(card, "--answer", "7")["values"]
    assert (values if isinstance(values, list) else values["log"]) == log


# --- Send and the functional API ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "node", "title", "done"),
    [
        ("fan out", "review", "Release {}?", [["a", "A"], ["b", "B"], ["c", "C"], 3]),
        ("fan out to a team", "team/check", "Check {}?", ["A", "B", "C"]),
    ],
)
def test_parts_that_were_sent_ask_each_for_itself(desk, name, node, title, done):
    launched = desk.launch(name, {"items": ["a", "b", "c"], "done": []})
    cards = {card["title"]: card for card in launched["approvals"]}
    assert {card["node"] for card in cards.values()} == {node}
    assert set(cards) == {title.format(item) for item in "abc"}
    for item in "cab":  # not in the order they were asked
        ended = desk.decide(cards[title.format(item)], "--answer", json.dumps(item.upper()))
    assert ended["status"] == "done"
    assert ended["values"]["done"] == done


def test_tasks_that_ask_are_asked_in_turn_and_the_finished_ones_do_not_run_again(desk):
    bills = [{"to": to, "amount": amount} for to, amount in (("a", 5), ("b", 50), ("c", 60))]
    card = desk.hold("functional", bills)
    assert (card["title"], card["node"]) == ("Pay b?", "pay_all/pay")
    waiting = desk.decide(card, "--answer", "45")
    [card] = desk.cards(
        waiting["thread_id"]
    )  # LangGraph shows one question of a function at a time
    assert (card["title"], card["payload"]["amount"]) == ("Pay c?", 60)
    ended = desk.decide(card, "--answer", "55")
    assert [r["paid"] for r in ended["values"]["receipts"]] == [5, 45, 55]
    assert all(a.endswith("looked up 1 times") for a in ended["values"]["accounts"])


def test_what_an_async_entrypoint_saves_is_apart_from_what_it_gives(desk):
    card = desk.hold("functional async", {"ann": 1, "ben": 2})
    waiting = desk.decide(card, "--answer", "9")
    ended = desk.decide(*desk.cards(waiting["thread_id"]), "--answer", "8")
    assert ended["values"] == [{"to": "ann", "paid": 9}, {"to": "ben", "paid": 8}]


# --- states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "log"),
    [
        ("pydantic", ORDER, ["Order", "Address", "Decimal", RED, "True", "Order"]),
        ("dataclass", {"to": "ben"}, ["Parcel", "True", "Parcel"]),
        ("typed dict", {"inner": {"name": "n"}}, ["dict", "True", "dict"]),
    ],
)
def test_a_state_comes_back_as_what_it_was_after_a_decision(desk, name, value, log):
    ended = desk.decide(desk.hold(name, value), "--approve")
    assert (ended["status"], ended["values"]["log"]) == ("done", log)


def test_objects_in_a_state_are_shown_as_what_they_hold(desk):
    card = desk.hold("typed dict", {"inner": {"name": "n"}})
    code, state = desk.ask("state", card["thread_id"])
    assert code == 0
    assert state["values"]["inner"]["parcel"]["colour"] == "blue"
    assert state["values"]["documents"][0]["page_content"] == "text"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({**ORDER, "customer": "a"}, "customer"),
        ({**ORDER, "address": {"street": "x", "number": 0}}, "address.number"),
        ({**ORDER, "kind": "car"}, "kind"),
        ({**ORDER, "color": "red"}, "color"),
        ({"address": ORDER["address"]}, "customer"),
    ],
)
def test_an_input_that_does_not_fit_is_refused_by_field(desk, value, path):
    code, refused = desk.ask("launch", "pydantic", "--input", json.dumps(value))
    assert code == 1
    assert [p["path"] for p in refused["problems"]] == [path]


def test_a_rule_that_only_the_code_knows_fails_the_run_and_says_so(desk):
    launched = desk.launch("pydantic", {**ORDER, "customer": "nobody"})
    assert launched["status"] == "failed"
    assert launched["error"]["type"] == "ValidationError"
    assert "nobody orders nothing" in launched["error"]["message"]


@pytest.mark.parametrize(
    "messages",
    [
        [["user", "hi"]],
        [{"role": "user", "content": "hi"}],
        [{"type": "human", "content": [{"type": "text", "text": "hi"}]}],
        "hi",
    ],
    ids=["pair", "role", "type", "text"],
)
def test_messages_are_taken_as_people_write_them_and_go_through_a_card(desk, messages):
    card = desk.hold("messages", {"messages": messages})
    assert [m["type"] for m in card["payload"]["messages"]] == ["human", "ai"]
    values = desk.decide(card, "--answer", '"sent"')["values"]
    assert [m["content"] for m in values["messages"]][1:] == ["You said hi", "sent"]
    assert values["messages"][2]["name"] == "operator"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("input and output", {"question": "abc"}, {"question": "abc", "answer": "cba"}),
        ("plain dict", {"a": 1}, {"a": 1, "seen": True}),
        ("managed", {}, {"left": 99}),
        ("untracked", {}, {"log": ["lock"]}),
    ],
)
def test_schemas_of_other_kinds(desk, name, value, expected):
    values = desk.finish(name, value)
    assert {k: v for k, v in values.items() if k != "messages"} == expected


# --- context and environment ----------------------------------------------------------------------


def test_a_context_is_made_what_its_schema_says_and_outlives_a_card(desk):
    card = desk.hold("context", {}, "--context", '{"tenant": "acme", "limit": 3}')
    ended = desk.decide(card, "--approve")
    assert ended["values"] == {"told": "Context acme 3", "answer": ["acme", True]}


@pytest.mark.parametrize(
    ("context", "path"),
    [('{"limit": 3}', "context.tenant"), ('{"tenant": "a", "limit": "x"}', "context.limit")],
)
def test_a_context_that_does_not_fit_is_refused_by_field(desk, context, path):
    code, refused = desk.ask("launch", "context", "--context", context)
    assert code == 1
    assert [p["path"] for p in refused["problems"]] == [path]


def test_a_context_may_be_left_out(desk):
    assert desk.finish("context optional", {}) == {"told": "no context"}
    given = desk.finish("context optional", {}, "--context", '{"tenant": "acme"}')
    assert given == {"told": "acme"}


def test_an_env_file_is_read_as_people_write_it(desk):
    assert desk.finish("reads its env", {})["log"] == [
        *("hello there", "", "single # not a comment", "hello there!")
    ]


# --- breakpoints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["holds before", "holds after"])
@pytest.mark.parametrize(
    ("options", "status", "log"),
    [
        (("--approve",), "done", ["one t", "two t", "three t"]),
        (("--edit", '{"text": "u"}'), "done", ["one t", "two u", "three u"]),
        (("--skip",), "done", ["one t", "three t"]),
        (("--stop",), "cancelled", ["one t"]),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_breakpoint_compiled_in_is_a_card(desk, name, options, status, log):
    card = desk.hold(name, {"text": "t"})
    assert (card["kind"], card["node"], card["title"]) == ("breakpoint", "two", "Paused before two")
    ended = desk.decide(card, *options)
    assert (ended["status"], ended["values"]["log"]) == (status, log)


def test_messages_edited_at_a_breakpoint_are_messages_again(desk):
    card = desk.hold("held messages", {"messages": [["user", "hi"]]})
    [first] = desk.ask("state", card["thread_id"])[1]["values"]["messages"]
    messages = [{**first, "content": "hello"}, {"role": "assistant", "content": "yes?"}]
    ended = desk.decide(card, "--edit", json.dumps({"messages": messages}))
    assert ended["values"]["log"] == ["HumanMessage hello", "AIMessage yes?"]
    assert ended["values"]["messages"][0]["id"] == first["id"]


def test_a_graph_that_holds_before_every_node_asks_for_each(desk):
    card = desk.hold("holds everywhere", {})
    for node in ("one", "two", "three"):
        assert card["title"] == f"Paused before {node}"
        ended = desk.decide(card, "--approve")
        [card] = desk.cards(ended["thread_id"]) or [None]
    assert (ended["status"], ended["values"]["log"]) == ("done", ["one", "two", "three"])


def test_a_breakpoint_inside_a_subgraph_holds_it_and_goes_on_there(desk):
    card = desk.hold("holds inside", {})
    ended = desk.decide(card, "--approve")
    assert ended["values"]["log"] == ["one", "two", "three", "last"]
    assert [n["node"] for n in ended["nodes"]] == ["team", "team/two", "team/three", "last"]


# --- what else LangGraph has ----------------------------------------------------------------------


def test_what_a_node_streams_is_kept_in_order(desk):
    launched = desk.launch("writes", {})
    *rest, thing = desk.events(launched["run_id"], "custom")
    assert rest == [{"progress": 0}, {"progress": 50}, {"progress": 100}, "text"]
    assert "object" in json.dumps(thing)


def test_a_cached_node_is_served_without_running(desk):
    for status in ("ok", "cached"):
        launched = desk.launch("cached", {"question": "why"})
        run = desk.run(launched["run_id"])
        assert run["values"]["log"] == ["looked up 1 times"]
        assert [n["status"] for n in run["nodes"]] == [status]


def test_attempts_of_a_retried_node_are_told_apart(desk):
    run = desk.run(desk.launch("retried", {"question": "r"})["run_id"])
    assert run["values"]["log"] == ["third time"]
    assert [(n["attempt"], n["status"]) for n in run["nodes"]] == [
        *((1, "error"), (2, "error"), (3, "ok"))
    ]


def test_error_handlers_and_deferred_nodes_work(desk):
    assert desk.finish("handled", {})["log"] == ["mended node: broken"]
    assert desk.finish("deferred", {})["log"] == ["branch", "branch", "branch", "last of 3"]


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("timed", "NodeTimeoutError", "exceeded its run timeout"),
        ("raises a group", "ExceptionGroup", "2 sub-exceptions"),
    ],
)
def test_other_failures_are_kept_with_their_reason(desk, name, kind, message):
    launched = desk.launch(name, {})
    assert launched["status"] == "failed"
    assert launched["error"]["type"] == kind
    assert message in launched["error"]["message"]


def test_the_old_interrupt_which_takes_no_answer_is_asked_again(desk):
    card = desk.hold("old interrupt", {"question": "too long"})
    assert card["title"] == "'too long' is longer than 5 characters"
    again = desk.decide(card, "--approve")
    assert again["status"] == "waiting"
    [same] = desk.cards(card["thread_id"])
    cancelled = desk.ask("cancel", same["run_id"])[1]
    assert cancelled["status"] == "cancelled"
