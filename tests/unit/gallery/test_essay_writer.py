from __future__ import annotations

import pytest

from interlock.core.gallery import essay_writer, replies


@pytest.fixture
def writer(converse):
    return converse(essay_writer.builder)


def nodes_run(events):
    return [node for kind, _, data in events if kind == "updates" for node in data]


async def test_launching_with_the_defaults_ends_in_a_card_with_the_essay(writer):
    await writer.send({})

    [card] = await writer.questions()
    assert next(iter(card.value)) == "question"
    assert card.value["question"] == "Publish “Why a good control room is quiet”?"
    assert card.value["essay"].startswith("Why a good control room is quiet\n\n")
    assert card.response_schema is None


async def test_every_question_is_researched_in_one_step(writer):
    events = await writer.send({})

    values = await writer.values()
    assert len(values["questions"]) == 3
    assert set(values["notes"]) == set(values["questions"])
    assert nodes_run(events)[:5] == ["plan", "research", "research", "research", "draft"]
    assert all(note in values["essay"] for note in values["notes"].values())


async def test_the_draft_streams_token_by_token(writer, tokens_by_node):
    events = await writer.send({"max_revisions": 0})

    draft = tokens_by_node(events)["draft"]
    assert len(draft) > 50
    assert "".join(draft) == (await writer.values())["essay"]


@pytest.mark.parametrize(("allowed", "made"), [(0, 0), (1, 1), (2, 2), (5, 2)])
async def test_it_revises_at_most_as_often_as_allowed(writer, allowed, made):
    events = await writer.send({"max_revisions": allowed})

    assert nodes_run(events).count("revise") == made
    assert nodes_run(events).count("critique") == made + 1
    [card] = await writer.questions()
    assert card.value["revisions"] == made


async def test_a_model_that_is_never_content_is_stopped(writer, monkeypatch):
    never_content = {**replies.REPLIES, "critique": lambda _: "REVISE: once more."}
    monkeypatch.setattr(replies, "REPLIES", never_content)

    events = await writer.send({"max_revisions": 3})

    assert nodes_run(events).count("revise") == 3
    assert len(await writer.questions()) == 1


async def test_each_revision_answers_the_remark_and_keeps_the_ending(writer):
    await writer.send({"max_revisions": 2})

    paragraphs = (await writer.values())["essay"].split("\n\n")
    assert any(p.startswith("For example") for p in paragraphs)
    assert any(p.startswith("However") for p in paragraphs)
    assert paragraphs[-1].startswith("Whoever wants to start")


@pytest.mark.parametrize("answer", [True, "publish", " Publish ", "yes"])
async def test_a_released_essay_is_published(writer, answer):
    await writer.send({})
    [card] = await writer.questions()

    events = await writer.answer({card.id: answer})

    assert await writer.is_finished()
    assert (await writer.values())["status"] == "published"
    assert [data["published"] for kind, _, data in events if kind == "custom"]


@pytest.mark.parametrize("answer", [False, "discard", "No"])
async def test_a_discarded_essay_is_not_published(writer, answer):
    await writer.send({})
    [card] = await writer.questions()

    events = await writer.answer({card.id: answer})

    assert await writer.is_finished()
    assert (await writer.values())["status"] == "discarded"
    assert "publish" not in nodes_run(events)


@pytest.mark.parametrize("answer", ["Mention the night shift.", {"tone": "lighter"}, 3, [], None])
async def test_anything_else_is_a_wish_and_brings_the_essay_back(writer, answer):
    await writer.send({})
    [card] = await writer.questions()

    events = await writer.answer({card.id: answer})

    [again] = await writer.questions()
    assert again.id != card.id
    assert "revise" in nodes_run(events)
    assert again.value["revisions"] == 3
    assert again.value["essay"] != card.value["essay"]


async def test_two_runs_are_alike_to_the_last_word(converse):
    essays = []
    for thread_id in ("a", "b"):
        writer = converse(essay_writer.builder, thread_id)
        await writer.send({"topic": "Tea", "audience": "students"})
        essays.append((await writer.values())["essay"])

    assert essays[0] == essays[1]
    assert "students" in essays[0]


async def test_a_finished_thread_takes_the_next_topic(writer):
    await writer.send({"topic": "Tea"})
    [card] = await writer.questions()
    await writer.answer({card.id: "publish"})

    await writer.send({"topic": "Coffee", "max_revisions": 0})

    [card] = await writer.questions()
    assert card.value["question"] == "Publish “Coffee”?"
    assert card.value["revisions"] == 0
    assert (await writer.values())["status"] == "writing"
