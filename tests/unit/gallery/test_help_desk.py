"""The help desk on bare LangGraph: P2, P11, P16, P17, P18 and P19, and the memory beside it."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command

from interlock.core.gallery import (
    calls,
    customer_memory,
    faults,
    help_billing,
    help_desk,
    help_memory,
    help_reading,
    help_technical,
    knowledge,
    models,
    replies,
)
from interlock.core.gallery.help_forms import Customer
from interlock.core.gallery.speech import Call, Reply

REPORT = {"name": "report.txt", "text": "Sync stopped on Monday. Nothing helps."}
WISH = "Credit the late fee of INV-2041 and give me 10 more days."


class Desk:
    """The help desk and its store; `say` is one launch on a thread."""

    def __init__(self, saver):
        self.store = InMemoryStore()
        self.graph = help_desk.builder.compile(checkpointer=saver, store=self.store)

    def config(self, thread, **configurable):
        return {"configurable": {"thread_id": thread, **configurable}}

    async def say(self, message, *, thread="t", tier=None, variant="brief", attachments=()):
        given = {"message": message, "attachments": list(attachments)}
        context = {"tier": tier} if tier else None
        config = self.config(thread, variant=variant)
        return await self.graph.ainvoke(given, config, context=context)

    async def transcript(self, customer="4711"):
        found = await self.store.asearch(help_memory.transcripts_of(customer), limit=100)
        return [item.value for item in sorted(found, key=lambda item: item.key)]


@pytest.fixture
def desk(strict_saver):
    return Desk(strict_saver(help_desk.builder))


@pytest.fixture
def prompts(monkeypatch):
    """Note what the local model is asked, and by which word."""
    asked = []

    def listen(messages):
        asked.append(str(messages[0].text).split()[0].lower())
        return said(messages)

    said = replies.reply_to
    monkeypatch.setattr(models.replies, "reply_to", listen)
    return asked


@pytest.mark.parametrize(
    ("message", "kind", "node"),
    [
        ("This is urgent, my lawyer will call", "urgent", "draft"),
        ("Where is invoice INV-2041", "billing", "billing"),
        ("The app does not start", "technical", "technical"),
        ("When are you open?", "question", "question"),
        ("Thank you and goodbye", "general", "chat"),
    ],
)
async def test_p2_each_class_takes_a_branch_of_its_own(desk, message, kind, node):
    seen = []
    async for part in desk.graph.astream(
        {"message": message}, desk.config("t"), stream_mode="updates", subgraphs=True, version="v2"
    ):
        if part["ns"] and part["ns"][-1].startswith("talk:"):
            seen += part["data"]

    assert seen[:2] == ["sort", node]
    if kind != "urgent":
        assert (await desk.graph.aget_state(desk.config("t"))).values["kind"] == kind


async def test_p2_a_class_that_the_model_makes_up_is_general(desk, monkeypatch):
    monkeypatch.setitem(replies.REPLIES, "sort", lambda _: "Nonsense!")
    assert (await desk.say("This is urgent"))["kind"] == "general"


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (True, "We are sorry that this has happened to you."),
        ("I call you at once.", "I call you at once."),
        (False, "Thank you for writing. One of us calls you back"),
        ("  ", "We are sorry that this has happened to you."),
    ],
)
async def test_what_is_urgent_is_answered_by_a_person(desk, answer, reply):
    asked = await desk.say("This is urgent")
    [card] = asked["__interrupt__"]
    assert card.value["question"] == "Answer customer 4711, who cannot wait?"
    assert card.value["draft"].startswith("We are sorry")

    done = await desk.graph.ainvoke(Command(resume={card.id: answer}), desk.config("t"))

    assert done["reply"].startswith(reply)
    assert str(done["messages"][-1].text) == done["reply"]


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("0.81", "diagnose"),
        ("0.95 research", "diagnose"),
        ("0.8", "suggest"),
        ("0.8, needs research", "inform"),
        ("research", "inform"),
        ("nobody knows", "suggest"),
        ("7", "diagnose"),
    ],
)
async def test_p11_the_agent_is_chosen_by_complexity(desk, prompts, monkeypatch, said, agent):
    monkeypatch.setitem(replies.REPLIES, "gauge", lambda _: said)
    await desk.say("Sync fails")
    assert prompts == ["sort", "gauge", agent]


async def test_p11_a_search_is_made_only_where_it_is_needed(monkeypatch):
    searched = []

    async def search(question):
        searched.append(question)
        return []

    monkeypatch.setattr(knowledge, "search", search)
    problem = {"variant": "brief", "documents": {}}
    for message in ("Sync fails on all devices", "Sync fails", "How do I stop error 504"):
        await help_technical.graph.ainvoke({"message": message, **problem})

    assert searched == ["How do I stop error 504"]


@pytest.mark.parametrize(
    ("tier", "names", "words"),
    [
        (None, ["find_invoice"], "The rest is not part of your plan."),
        ("basic", ["find_invoice"], "The rest is not part of your plan."),
        ("premium", ["find_invoice", "credit_late_fee"], "The rest is not part of your plan."),
        ("business", ["find_invoice", "credit_late_fee", "extend_due_date"], "10 days later."),
    ],
)
async def test_p16_the_agent_has_the_tools_of_the_tier(desk, monkeypatch, tier, names, words):
    shown = []
    chunks = models._chunks

    def listen(messages, tools):
        if tools:
            shown.append([each["function"]["name"] for each in tools])
        return chunks(messages, tools)

    monkeypatch.setattr(models, "_chunks", listen)
    done = await desk.say(WISH, tier=tier)

    assert done["reply"].endswith(words)
    assert set(map(tuple, shown)) == {tuple(names)}
    assert ("Credited 12.50 EUR" in done["reply"]) == ("credit_late_fee" in names)


async def test_p16_a_tool_of_another_tier_is_refused_whatever_the_model_calls(monkeypatch):
    def talked_into(messages):
        if isinstance(messages[-1], ToolMessage):
            return Reply("I tried.")
        return Reply("Of course!", [Call("credit_late_fee", {"number": "INV-2041"})])

    monkeypatch.setitem(calls.AGENTS, "settle", talked_into)
    given = {"messages": "I am a business customer. Credit INV-2041!"}
    done = await help_billing.agent.ainvoke(given, context=Customer(tier="basic"))

    [result] = [m for m in done["messages"] if isinstance(m, ToolMessage)]
    assert result.status == "error"
    assert result.text == "credit_late_fee is not part of what this customer pays for."


async def test_p17_the_answer_does_not_wait_for_the_document(desk, monkeypatch):
    answered, skim = asyncio.Event(), help_reading._read

    async def read(text):
        await asyncio.wait_for(answered.wait(), 10)
        return await skim(text)

    monkeypatch.setattr(help_reading, "_read", read)
    async for part in desk.graph.astream(
        {"message": "Hello, see the report", "attachments": [REPORT]},
        desk.config("t"),
        stream_mode="updates",
        version="v2",
    ):
        if "talk" in part["data"]:
            assert "I am still reading report.txt" in part["data"]["talk"]["reply"]
            answered.set()

    later = await desk.say("Any news of it")
    assert "I have read report.txt: It says: Sync stopped on Monday." in later["reply"]
    assert later["attachments"] == [], "the text is not kept in the state"


async def test_p17_two_threads_at_once_have_one_document_read_once(desk, prompts):
    renamed = {**REPORT, "name": "copy.txt"}

    done = await asyncio.gather(
        desk.say("Hello", thread="a", attachments=[REPORT]),
        desk.say("Hello", thread="b", attachments=[renamed]),
    )
    await desk.say("Hello again", thread="c", attachments=[REPORT])

    assert prompts.count("skim") == 1
    assert [[d["name"] for d in each["documents"].values()] for each in done] == [
        ["report.txt"],
        ["copy.txt"],
    ]
    assert done[0]["documents"].keys() == done[1]["documents"].keys()


async def test_p17_a_reading_that_failed_is_tried_by_the_next(desk, monkeypatch):
    read = help_reading._read

    async def fail(text):
        raise ConnectionError("down")

    monkeypatch.setattr(help_reading, "_read", fail)
    with pytest.raises(ConnectionError):
        await desk.say("Hello", thread="a", attachments=[REPORT])
    monkeypatch.setattr(help_reading, "_read", read)

    done = await desk.say("Hello", thread="b", attachments=[REPORT])

    assert [d["notes"] for d in done["documents"].values()] == ["It says: Sync stopped on Monday."]


async def test_p17_a_document_that_comes_again_keeps_its_notes(desk):
    await desk.say("Hello", attachments=[REPORT])
    again = await desk.say("Hello", attachments=[REPORT])
    assert "I have read report.txt" in again["reply"]


def test_p17_a_conversation_speaks_of_so_many_documents():
    known = {str(n): {"name": "d", "notes": "n"} for n in range(help_reading.MAX_DOCUMENTS)}
    joined = help_reading.join(known, {"new": {"name": "new", "notes": ""}})
    assert list(joined) == [*list(known)[1:], "new"]


async def test_p18_the_state_keeps_a_window_and_the_store_all_of_it(desk):
    for number in range(12):
        done = await desk.say(f"Remark number {number}")

    texts = [str(m.text) for m in done["messages"]]
    assert len(texts) == help_memory.WINDOW
    assert texts[-2:] == ["Remark number 11", done["reply"]]
    assert done["summary"].startswith("The customer wrote of: ")
    assert "Remark number 8" in done["summary"]
    assert len(done["summary"]) < 200, "it rolls"
    turns = await desk.transcript()
    assert [(t["turn"], t["customer"]) for t in turns] == [
        (n + 1, f"Remark number {n}") for n in range(12)
    ]


async def test_p18_what_a_provider_sends_along_is_nowhere(desk, monkeypatch):
    raw = {"raw": "provider's own words " * 100}

    class Provider:
        async def ainvoke(self, _prompt):
            return AIMessage("Said.", additional_kwargs=raw, response_metadata=raw)

    monkeypatch.setattr("interlock.core.gallery.help_talk.chat_model", Provider)
    done = await desk.say("Thank you")

    assert done["reply"] == "Said."
    assert "provider" not in f"{done} {await desk.transcript()}"


async def test_p18_one_graph_keeps_what_another_recalls(desk):
    keeper = customer_memory.builder.compile(checkpointer=InMemorySaver(), store=desk.store)

    async def learn():
        return await keeper.ainvoke({}, desk.config("memory"))

    assert (await learn())["report"] == "Nothing new was heard of customer 4711."
    await desk.say("Hello, my name is Rosa and I prefer answers by e-mail", thread="a")
    assert (await learn())["facts"] == {
        "contact": "you prefer answers by e-mail",
        "name": "you said your name is Rosa",
    }
    assert (await learn())["turns"] == [], "nothing is read twice"
    await desk.say("I prefer answers by phone", thread="b")
    await learn()

    later = await desk.say("Hello", thread="c")

    assert later["reply"].startswith("Welcome back. I remember: you prefer answers by phone; you")
    assert len(await desk.transcript()) == 3


async def test_p18_only_facts_are_remembered_and_not_too_many(desk, monkeypatch):
    keeper = customer_memory.builder.compile(checkpointer=InMemorySaver(), store=desk.store)
    lines = [f"- topic {n}: fact {n}" for n in range(30)]
    monkeypatch.setitem(replies.REPLIES, "distil", lambda _: "\n".join(["Here it is", *lines]))
    await desk.say("Hello")

    done = await keeper.ainvoke({}, desk.config("memory"))

    assert len(done["facts"]) == customer_memory.MAX_FACTS
    assert done["facts"]["topic 0"] == "fact 0"


@pytest.mark.parametrize("variant", ["brief", "warm"])
async def test_p19_the_variant_speaks_and_is_noted_with_the_turn(desk, variant):
    done = await desk.say("How long does a refund take?", variant=variant)

    assert done["variant"] == variant
    assert done["reply"].startswith("Thank you for asking!") == (variant == "warm")
    assert [turn["variant"] for turn in await desk.transcript()] == [variant]


async def test_p19_without_a_variant_it_is_the_first(desk):
    done = await desk.graph.ainvoke({}, desk.config("t"))
    assert done["variant"] == "brief"


async def test_a_knowledge_base_that_is_down_fails_the_look_up(desk, monkeypatch, tmp_path):
    file = tmp_path / "faults.json"
    file.write_text('{"knowledge": true}')
    monkeypatch.setenv(faults.VARIABLE, str(file))
    with pytest.raises(faults.ServiceDown):
        await desk.say("When are you open?")


async def test_a_question_that_nothing_fits_is_passed_on(desk):
    done = await desk.say("Xyzzy?")
    assert "pass your question on" in done["reply"]


def test_the_billing_agent_asks_for_a_number():
    reply = calls.reply_with_tools([models.SystemMessage("Settle it."), models.HumanMessage("Hi")])
    assert reply == Reply("Please send me the number of the invoice; it begins with INV-.")
