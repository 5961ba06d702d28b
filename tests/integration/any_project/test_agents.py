"""LangChain's and LangGraph's prebuilt agents, whose tools a human reviews."""

from __future__ import annotations

import json

import pytest

PROJECT = "agents"
pytestmark = pytest.mark.xdist_group("any project: agents")

GO = {"messages": [{"role": "user", "content": "go"}]}
LOOKED_UP = "order 7 is paid"
REFUNDED = "refunded 90.5 for order 7"
SENT = "sent to ann@example.com: Your refund"


def said(run) -> list[str]:
    return [m["content"] for m in run["values"]["messages"] if m["type"] == "tool"]


def test_all_are_listed_with_their_nodes(desk):
    found = desk.workflows()
    assert {n: w["error"] for n, w in found.items() if w["error"]} == {}
    assert set(found["tools node"]["nodes"]) == {"chatbot", "tools"}
    assert found["batched"]["description"] == (
        "LangChain agents whose tools are reviewed by a human."
    )


# --- one card for all calls of a turn -------------------------------------------------------------


def test_batched_calls_are_one_card_and_each_is_decided(desk):
    card = desk.hold("batched", GO)
    assert (card["kind"], card["title"]) == ("langchain", "refund: 7 and 1 more")
    assert [a["name"] for a in card["payload"]["action_requests"]] == ["refund", "send_email"]
    each = [
        {"decision": "edit", "args": {"order": 7, "amount": 80}},
        {"decision": "respond", "message": "I called her."},
    ]
    ended = desk.decide(card, "--each", json.dumps(each))
    assert ended["status"] == "done"
    results = said(ended)
    assert LOOKED_UP in results
    assert any("refunded 80" in text for text in results)
    assert any("I called her." in text for text in results)
    assert ended["values"]["messages"][-1]["content"].startswith("Done: ")


def test_batched_calls_are_approved_or_rejected_together(desk):
    approved = desk.decide(desk.hold("batched", GO), "--approve")
    assert {LOOKED_UP, REFUNDED, SENT} <= set(said(approved))
    rejected = desk.decide(desk.hold("batched", GO), "--reject", "--reason", "not today")
    assert sum("not today" in text for text in said(rejected)) == 2


@pytest.mark.parametrize(
    ("options", "said_so"),
    [
        (("--respond", "no"), "respond"),
        (("--each", '[{"decision": "approve"}]'), "2 action"),
        (
            ("--each", '[{"decision": "respond", "message": "x"}, {"decision": "approve"}]'),
            "respond",
        ),
    ],
)
def test_a_decision_that_an_action_does_not_allow_is_refused_before_it_is_sent(
    desk, options, said_so
):
    card = desk.hold("batched", GO)
    code, refused = desk.ask("decide", card["approval_id"], *options)
    assert code == 1
    assert said_so in json.dumps(refused)
    assert desk.decide(card, "--approve")["status"] == "done"


# --- a card for each call -------------------------------------------------------------------------


def test_calls_asked_one_by_one_are_cards_of_their_own(desk):
    launched = desk.launch("per call", GO)
    cards = {card["title"].partition(":")[0]: card for card in launched["approvals"]}
    assert set(cards) == {"refund", "send_email"}
    assert {card["kind"] for card in cards.values()} == {"langchain_call"}
    waiting = desk.decide(
        cards["send_email"], "--edit", '{"to": "ben@example.com", "subject": "x"}'
    )
    assert waiting["status"] == "waiting"
    ended = desk.decide(cards["refund"], "--approve")
    assert ended["status"] == "done"
    results = said(ended)
    assert REFUNDED in results
    assert any("sent to ben@example.com: x" in text for text in results)


def test_an_edit_that_does_not_fit_the_tool_is_refused_by_field(desk):
    launched = desk.launch("per call", GO)
    card = next(c for c in launched["approvals"] if c["title"].startswith("refund"))
    code, refused = desk.ask("decide", card["approval_id"], "--edit", '{"order": "seven"}')
    assert code == 1
    assert any("order" in p["path"] for p in refused["problems"])


# --- tools that ask by themselves -----------------------------------------------------------------


def test_parallel_calls_of_a_tool_that_asks_are_answered_each(desk):
    launched = desk.launch("tool asks", GO)
    cards = {card["title"].split("'")[1]: card for card in launched["approvals"]}
    assert set(cards) == {"Ritz", "Adlon"}
    assert {card["kind"] for card in cards.values()} == {"choice"}
    desk.decide(cards["Adlon"], "--answer", '"no"')
    ended = desk.decide(cards["Ritz"], "--answer", '"book"')
    assert said(ended) == ["booked Ritz", "not booked"]


def test_a_tool_node_runs_tools_that_fail_inject_or_ask(desk):
    card = desk.hold("tools node", GO)
    assert (card["node"], card["payload"]) == ("tools", {"query": "How?"})
    results = said(desk.decide(card, "--answer", '{"data": "like this"}'))
    assert "ZeroDivisionError" in results[0]
    assert results[1:] == ["2", "human: like this"]


def test_the_prebuilt_agent_holds_before_its_tools(desk):
    card = desk.hold("prebuilt", GO)
    assert (card["kind"], card["node"].split(",")[0]) == ("breakpoint", "tools")
    waiting = desk.decide(card, "--approve")
    [question] = desk.cards(waiting["thread_id"])
    ended = desk.decide(question, "--answer", '{"data": "by hand"}')
    assert "human: by hand" in said(ended)


@pytest.mark.parametrize(
    ("options", "type_", "args"),
    [
        (("--approve",), "accept", None),
        (("--reject",), "ignore", None),
        (("--respond", "later"), "response", "later"),
        (
            ("--edit", '{"to": "ben", "days": 2}'),
            "edit",
            {"action": "book", "args": {"to": "ben", "days": 2}},
        ),
    ],
    ids=["accept", "ignore", "response", "edit"],
)
def test_a_request_of_the_agent_inbox_gets_its_answer(desk, options, type_, args):
    card = desk.hold("inbox", {"action": "book"})
    assert card["kind"] == "agent_inbox"
    response = desk.decide(card, *options)["values"]["response"]
    assert response["type"] == type_
    if args is not None:
        assert response["args"] == args


def test_what_a_model_says_is_streamed(desk):
    launched = desk.launch("batched", GO)
    [message] = [e for e in desk.events(launched["run_id"], "message") if e["done"]]
    assert message["text"].strip() == "I look it up, pay and write."
