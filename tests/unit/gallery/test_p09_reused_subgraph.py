"""P9: one subgraph, the research team, does its part in several workflows."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from interlock.core.gallery import archive, calls, newsroom, replies, research_team
from interlock.core.gallery.speech import Call, Reply

SUBJECT = "Night trams at weekends"


async def test_p9_the_team_is_a_workflow_by_itself():
    found = (await research_team.graph.ainvoke({"subject": SUBJECT}))["findings"]

    assert [finding["question"] for finding in found] == [
        f"{SUBJECT}: who is concerned?",
        f"{SUBJECT}: what does it cost?",
        f"{SUBJECT}: what speaks against it?",
    ]
    assert found[1]["answer"] == "It costs 2.4 million EUR a year (City Statistics)."


async def test_p9_what_its_members_say_stays_within_the_team():
    assert set(await research_team.graph.ainvoke({"subject": SUBJECT})) == {"findings"}


async def test_p9_the_same_graph_finds_the_same_in_every_workflow(converse):
    alone = (await research_team.graph.ainvoke({"subject": SUBJECT}))["findings"]

    room = converse(newsroom.builder)
    await room.send({"subject": SUBJECT})

    assert newsroom.builder.nodes["researcher"].runnable is research_team.graph
    assert (await room.values())["findings"] == alone


async def test_p9_an_archivist_who_searches_for_ever_is_stopped(monkeypatch):
    asked = []

    def again(_):
        asked.append(1)
        return Reply("Once more.", [Call("search_archive", {"words": str(len(asked))})])

    monkeypatch.setattr(calls, "AGENTS", {**calls.AGENTS, "dig": again})
    monkeypatch.setattr(replies, "REPLIES", {**replies.REPLIES, "scope": lambda _: "One?"})

    found = (await research_team.graph.ainvoke({"subject": SUBJECT}))["findings"]

    assert len(asked) == research_team.MAX_SEARCHES
    assert found == [{"question": "One?", "answer": "Nothing was found in the time there was."}]


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ("- a\n\n* b\n  a", ["a", "b"]),
        ("\n".join("abcdefgh"), ["a", "b", "c", "d"]),
        ("- ", [SUBJECT]),
    ],
)
async def test_p9_a_list_is_read_leniently_and_bounded(monkeypatch, listed, asked):
    monkeypatch.setattr(replies, "REPLIES", {**replies.REPLIES, "scope": lambda _: listed})

    scoped = await research_team.scope({"subject": SUBJECT})

    assert scoped["questions"] == asked


def test_p9_a_question_nobody_answered_is_said_to_be_open():
    messages = [HumanMessage("a"), AIMessage("Yes. "), HumanMessage("b"), AIMessage("")]

    found = research_team.gather({"questions": ["a", "b", "c"], "messages": messages})["findings"]

    assert [finding["answer"] for finding in found] == [
        "Yes.",
        "Nothing was found.",
        "Nothing was found.",
    ]


@pytest.mark.parametrize(
    ("words", "sources"),
    [
        ("trams: who is concerned?", ["Evening Post", "The Almanac"]),
        ("what speaks against bikes", ["Wheel & Road", "The Almanac"]),
        ("nothing of the kind", []),
    ],
)
def test_the_archive_gives_what_fits_best_first(words, sources):
    assert [clipping["source"] for clipping in archive.search(words)] == sources


def test_the_statistics_know_some_figures_only():
    assert archive.figure("Night TRAMS")["unit"] == "million EUR a year"
    assert archive.figure("the budget") is None
