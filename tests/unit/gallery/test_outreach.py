from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from interlock.core.gallery import calls, mailbox, outreach
from interlock.core.gallery.models import LocalChatModel

INVITE = {"messages": "Invite our customers in Vienna to the open day."}
APPROVE = {"type": "approve"}


@pytest.fixture
def agent(converse):
    return converse(outreach.builder)


def edit(request, **args):
    action = {"name": request["name"], "args": {**request["args"], **args}}
    return {"type": "edit", "edited_action": action}


def mailed(events):
    return [data for kind, _, data in events if kind == "custom"]


async def decide(agent, *decisions):
    [card] = await agent.questions()
    return await agent.answer({card.id: {"decisions": list(decisions)}})


async def last_words(agent):
    return str((await agent.values())["messages"][-1].text)


async def test_a_brief_ends_in_one_card_with_a_mail_to_each_customer(agent):
    await agent.send(INVITE)

    [card] = await agent.questions()
    requests = card.value["action_requests"]
    assert [r["name"] for r in requests] == ["send_email"] * 3
    assert [r["args"]["to"].partition("@")[0] for r in requests] == ["ada", "bela", "cleo"]
    assert all(INVITE["messages"] in r["args"]["body"] for r in requests)
    verbs = ["approve", "edit", "reject", "respond"]
    assert [c["allowed_decisions"] for c in card.value["review_configs"]] == [verbs] * 3


@pytest.mark.parametrize(
    ("brief", "count"),
    [
        ("Write to linz", 1),
        ("Graz, linz and Graz", 2),
        ("Write to everyone", 5),
        ("Vienna, please", 3),
        ("", 5),
    ],
)
async def test_the_city_named_in_the_brief_decides_whom_it_writes_to(agent, brief, count):
    await agent.send({"messages": brief})

    [card] = await agent.questions()
    assert len(card.value["action_requests"]) == count


async def test_no_mail_goes_out_before_it_is_let_out(agent):
    assert mailed(await agent.send(INVITE)) == []

    sent = mailed(await decide(agent, APPROVE, APPROVE, APPROVE))
    assert {mail["to"].partition("@")[0] for mail in sent} == {"ada", "bela", "cleo"}
    assert await agent.is_finished()
    assert (await last_words(agent)).count("Sent M-") == 3


async def test_each_mail_is_decided_by_itself(agent):
    await agent.send(INVITE)
    [card] = await agent.questions()
    first = card.value["action_requests"][0]

    events = await decide(
        agent,
        edit(first, to="eva@sonne.example", follow_up_days=3, priority="high"),
        {"type": "reject", "message": "He is on holiday."},
        {"type": "respond", "message": "I called her."},
    )

    [sent] = mailed(events)
    assert sent["to"] == "eva@sonne.example"
    assert (await last_words(agent)).splitlines() == [
        f"Sent {sent['sent']} to eva@sonne.example.",
        "Not sent to bela@hornbach.example: He is on holiday.",
        "Not sent to cleo@winter.example. I was told: I called her.",
    ]


async def test_a_mail_rejected_without_a_word_is_just_not_sent(agent):
    await agent.send({"messages": "Write to Linz."})
    await decide(agent, {"type": "reject"})

    assert await last_words(agent) == "Not sent to emil@stark.example: it was not let out"


async def test_an_edit_that_the_tool_cannot_take_is_told_and_sends_nothing(agent):
    await agent.send({"messages": "Write to Linz."})
    [card] = await agent.questions()

    wrong = edit(card.value["action_requests"][0], priority="yesterday")
    assert mailed(await decide(agent, wrong)) == []
    assert (await last_words(agent)).startswith("Not sent to emil@stark.example")


async def test_a_finished_thread_takes_the_next_brief(agent):
    await agent.send({"messages": "Write to Linz."})
    await decide(agent, APPROVE)
    await agent.send({"messages": "Now to Graz."})

    [card] = await agent.questions()
    assert [r["args"]["to"] for r in card.value["action_requests"]] == ["dora@klein.example"]
    await decide(agent, APPROVE)
    assert (await last_words(agent)).count("Sent M-") == 1


async def test_two_runs_are_alike_to_the_number_of_the_mail(converse):
    said = []
    for _ in range(2):
        agent = converse(outreach.builder, "same thread")
        await agent.send({"messages": "Write to Linz."})
        await decide(agent, APPROVE)
        said.append(await last_words(agent))

    assert said[0] == said[1]


async def test_what_the_agent_says_streams_token_by_token(agent, tokens_by_node):
    events = await agent.send(INVITE)

    assert "".join(tokens_by_node(events)["model"]) == (
        "I look up whom to write to.I drafted 3 mails; none goes out before you let it."
    )


def test_an_empty_address_book_ends_the_talk(monkeypatch):
    monkeypatch.setattr(mailbox, "CONTACTS", ())

    said = outreach.graph.invoke(INVITE)["messages"][-1]

    assert said.tool_calls == []
    assert said.text == "There is nobody in the address book for that."


@pytest.mark.parametrize(
    "messages", [[SystemMessage("Tell me who you are."), HumanMessage("?")], [SystemMessage("")]]
)
def test_a_job_without_an_agent_is_answered_in_words(messages):
    reply = LocalChatModel().bind_tools([outreach.send_email]).invoke(messages)

    assert "local model" in str(reply.text)
    assert reply.tool_calls == []


def test_without_tools_it_calls_none():
    prompt = [SystemMessage(outreach.PROMPT), HumanMessage("Write to Linz.")]

    assert LocalChatModel().invoke(prompt).tool_calls == []
    assert len(LocalChatModel().bind_tools([outreach.send_email]).invoke(prompt).tool_calls) == 1


def test_ids_of_calls_differ_by_position_and_by_what_was_said():
    said = [HumanMessage("a"), AIMessage("b")]

    ids = {calls.call_id(said, 0), calls.call_id(said, 1), calls.call_id(said[:1], 0)}
    assert len(ids) == 3
    assert calls.call_id(said, 0) == calls.call_id(list(said), 0)
    assert calls.reply_with_tools([]).calls == ()
