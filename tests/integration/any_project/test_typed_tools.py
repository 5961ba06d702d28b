"""Edits typed by the tools' own schemas: from the graph by the worker, store and card to the tool."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.core.model.approvals import Verb
from interlock.core.services import deciding, observing
from interlock.dashboard.views.answer_intents import Drafts, read_intent

PROJECT = "typed_tools"
pytestmark = pytest.mark.xdist_group("any project: typed tools")

GO = {"messages": [{"role": "user", "content": "go"}]}
VISIBLE = {"to", "parcels", "speed", "weight", "insured", "note"}
ARGS = {
    "to": {"street": "Ring", "number": 1},
    "parcels": [{"sku": "a", "count": 2}],
    "speed": "slow",
    "weight": 3,
}
FILLED_IN = {
    "to.number": 12,
    "speed": 1,  # the number of the choice
    "weight": 2.5,
    "parcels": {"edited_rows": {"0": {"count": 3}}},
}
SHIPPED = '["Ring", 12, [["a", 3]], "fast", 2.5, false, null, true, true]'


def results(run: Any) -> str:
    """What the tools said, whatever they were quoted in."""
    said = [m["content"] for m in run["values"]["messages"] if m["type"] == "tool"]
    return "\n".join(said).replace("\\", "")


def tools_of(desk, name: str) -> Any:
    (found,) = [w for w in observing.list_workflows(desk.app) if w.name == name]
    return found.tools


def press(desk, card: Any, verb: Verb | None, drafts: Drafts) -> Any:
    """Press a button of the card with this filled in, as the inbox does; the run that carried it."""
    intent = read_intent(desk.draw(card), verb, drafts)
    found = observing.get_card(desk.app, card["approval_id"]).approval
    decided = deciding.decide(
        desk.app, found.approval_id, intent, version=found.version, actor="ann"
    )
    observing.wait_for_run(desk.app, decided.run_id, timeout_s=60)
    return desk.run(decided.run_id)


def widgets(action: Any) -> dict[str, str]:
    return {field.name: field.widget for field in action.fields}


WIDGETS = {
    "to": "group",
    "parcels": "rows",
    "speed": "choice",
    "weight": "number",
    "insured": "choice",
    "note": "text",
}


# --- what the worker publishes --------------------------------------------------------------------


def test_published_is_what_the_tools_take_without_what_is_injected(desk):
    tools = tools_of(desk, "batched")
    assert {path: set(inner) for path, inner in tools.items()} == {"": {"ship"}}
    assert set(tools[""]["ship"]["properties"]) == VISIBLE
    assert tools[""]["ship"]["required"] == list(ARGS)


def test_tools_of_nested_and_of_called_agents_are_published_with_their_place(desk):
    assert {path: set(t) for path, t in tools_of(desk, "nested").items()} == {"team": {"ship"}}
    called = {path: set(t) for path, t in tools_of(desk, "called").items()}
    assert called == {"": {"delegate"}, "tools": {"ship"}}


# --- one card for several calls -------------------------------------------------------------------


@pytest.mark.parametrize("workflow", ["batched", "nested", "called"])
def test_a_batched_edit_in_the_form_reaches_the_tool_with_its_types(desk, workflow):
    card = desk.hold(workflow, GO)
    form = desk.draw(card)
    assert form.shape == "actions"
    assert [widgets(action) for action in form.actions] == [WIDGETS, WIDGETS]
    drafts = Drafts(
        fields={f"0.{path}": value for path, value in FILLED_IN.items()},
        verbs={0: Verb.EDIT, 1: Verb.REJECT},
        messages={1: "One is enough."},
    )
    ended = press(desk, card, None, drafts)
    assert ended["status"] == "done"
    assert SHIPPED in results(ended)
    assert "One is enough." in results(ended)


def test_a_batched_edit_of_the_wrong_type_is_refused_by_field_and_sends_nothing(desk):
    card = desk.hold("batched", GO)
    wrong = {**ARGS, "to": {"street": "Ring", "number": "12"}, "speed": "warp"}
    each = [{"decision": "edit", "args": wrong}, {"decision": "approve"}]
    code, refused = desk.ask("decide", card["approval_id"], "--each", json.dumps(each))
    assert code == 1
    assert [p["path"] for p in refused["problems"]] == ["0.to.number", "0.speed"]
    assert desk.decide(card, "--approve")["status"] == "done"


def test_each_of_the_calls_may_be_answered_instead(desk):
    card = desk.hold("batched", GO)
    drafts = Drafts(
        verbs={0: Verb.APPROVE, 1: Verb.RESPOND}, messages={1: "I took it there myself."}
    )
    ended = press(desk, card, None, drafts)
    assert '["Ring", 1, [["a", 2]], "slow", 3.0' in results(ended)
    assert "I took it there myself." in results(ended)


# --- a card for each call -------------------------------------------------------------------------


def test_calls_asked_one_by_one_are_typed_by_the_interrupt_itself(desk):
    first, second = desk.launch("per call", GO)["approvals"]
    [action] = desk.draw(first).actions
    assert widgets(action) == WIDGETS
    found = observing.get_card(desk.app, first["approval_id"]).approval
    assert (found.schema is not None, found.tools) == (True, None)
    waiting = press(desk, first, Verb.EDIT, Drafts(fields=FILLED_IN))
    assert waiting["status"] == "waiting"
    ended = press(desk, second, Verb.RESPOND, Drafts(response="Not today."))
    assert ended["status"] == "done"
    assert SHIPPED in results(ended)
    assert "Not today." in results(ended)


# --- agent-inbox, about a tool --------------------------------------------------------------------


def test_a_request_about_a_tool_of_the_graph_is_typed_by_it(desk):
    card = desk.hold("inbox", {"action": "book"})
    [action] = desk.draw(card).actions
    assert widgets(action) == {"room": "choice", "days": "integer"}
    ended = press(desk, card, Verb.EDIT, Drafts(fields={"room": 1, "days": 4}))
    assert ended["values"]["result"] == "large for 4 days"


def test_a_request_about_anything_else_is_typed_by_its_values(desk):
    card = desk.hold("inbox", {"action": "Book a room"})
    [action] = desk.draw(card).actions
    assert widgets(action) == {"room": "text", "days": "integer"}
    ended = press(desk, card, Verb.RESPOND, Drafts(response="No."))
    assert ended["values"]["result"] == {"type": "response", "args": "No."}


# --- the shipped agent ----------------------------------------------------------------------------


INVITE = {"messages": "Invite our customers in Vienna to the open day."}


def test_the_shipped_outreach_has_each_of_its_mails_decided(desk):
    card = desk.hold("outreach", INVITE)
    form = desk.draw(card)
    assert card["title"] == "send_email: ada@nordlicht.example and 2 more"
    assert [widgets(action) for action in form.actions] == [
        {
            "to": "text",
            "subject": "text",
            "body": "area",
            "priority": "choice",
            "follow_up_days": "integer",
            "signature": "group",
        }
    ] * 3
    drafts = Drafts(
        fields={"0.follow_up_days": 14, "0.priority": 2, "0.signature.name": "Paul"},
        verbs={0: Verb.EDIT, 1: Verb.REJECT, 2: Verb.RESPOND},
        messages={1: "He is on holiday.", 2: "I called her."},
    )
    ended = press(desk, card, None, drafts)
    assert ended["status"] == "done"
    assert "signed Paul, marked high, reminder in 14 days." in results(ended)
    last = ended["values"]["messages"][-1]["content"].splitlines()
    assert last[0].endswith("to ada@nordlicht.example.")
    assert last[1:] == [
        "Not sent to bela@hornbach.example: He is on holiday.",
        "Not sent to cleo@winter.example. I was told: I called her.",
    ]


def test_the_shipped_outreach_lets_all_mails_out_and_takes_the_next_brief(desk):
    card = desk.hold("outreach", INVITE)
    ended = desk.decide(card, "--approve")
    assert ended["values"]["messages"][-1]["content"].count("Sent M-") == 3
    brief = {"messages": "Now write to Graz."}
    launched = desk.launch("outreach", brief, "--thread", ended["thread_id"])
    [again] = launched["approvals"]
    assert again["title"] == "send_email: dora@klein.example"
    rejected = desk.decide(again, "--reject", "--reason", "Later.")
    assert rejected["values"]["messages"][-1]["content"] == (
        "Not sent to dora@klein.example: Later."
    )
