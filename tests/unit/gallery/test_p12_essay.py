"""P12: plan, research, draft, critique, and revise up to a bound."""

from __future__ import annotations

import pytest

from interlock.core.gallery import essay_writer, replies

STEPS = ["plan", "research", "research", "research", "draft", "critique"]


@pytest.fixture
def writer(converse):
    return converse(essay_writer.builder)


def nodes_run(events):
    return [node for kind, _, data in events if kind == "updates" for node in data]


async def test_p12_the_steps_come_in_their_order(writer):
    ran = nodes_run(await writer.send({}))

    assert ran == [*STEPS, "revise", "critique", "revise", "critique", "__interrupt__"]


@pytest.mark.parametrize("bound", [0, 1, 5])
async def test_p12_it_revises_up_to_max_revisions_and_then_ends(writer, monkeypatch, bound):
    never_content = {**replies.REPLIES, "critique": lambda _: "REVISE: once more."}
    monkeypatch.setattr(replies, "REPLIES", never_content)

    ran = nodes_run(await writer.send({"max_revisions": bound}))

    assert ran == [*STEPS, *["revise", "critique"] * bound, "__interrupt__"]
    assert (await writer.values())["revisions"] == bound


async def test_p12_each_step_works_on_what_the_one_before_it_made(writer):
    await writer.send({"topic": "Tea", "max_revisions": 1})

    values = await writer.values()
    assert set(values["notes"]) == set(values["questions"])
    assert all(note in values["essay"] for note in values["notes"].values())
    assert "For example" in values["essay"]
    assert values["remark"] == "REVISE: say what speaks against it."


async def test_p12_a_critic_who_is_content_ends_it_early(writer, monkeypatch):
    content = {**replies.REPLIES, "critique": lambda _: "ACCEPT: good."}
    monkeypatch.setattr(replies, "REPLIES", content)

    assert "revise" not in nodes_run(await writer.send({"max_revisions": 5}))
