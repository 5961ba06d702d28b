"""P5: a supervisor gives the work to researcher, writer and reviewer, and knows when to end."""

from __future__ import annotations

import pytest

from interlock.core.gallery import newsroom, replies


@pytest.fixture
def desk(converse):
    return converse(newsroom.builder)


@pytest.fixture
def say(monkeypatch):
    """Let the local model say something else."""

    def say(**words):
        said = {word: (lambda _, text=text: text) for word, text in words.items()}
        monkeypatch.setattr(replies, "REPLIES", {**replies.REPLIES, **said})

    return say


def nodes_run(events):
    return [node for kind, path, data in events if kind == "updates" and not path for node in data]


async def test_p5_the_supervisor_gives_the_story_to_one_desk_after_the_other(desk):
    events = await desk.send({})

    values = await desk.values()
    assert await desk.is_finished()
    assert values["status"] == "published"
    assert values["way"] == [
        "researcher",
        "writer",
        "reviewer",
        "reviewer",
        "picture_desk",
        "publish",
    ]
    assert nodes_run(events).count("editor") == len(values["way"])
    assert all(finding["answer"] in values["article"] for finding in values["findings"])


async def test_p5_a_review_goes_straight_back_to_the_writer(desk):
    ran = nodes_run(await desk.send({}))

    first = ran.index("reviewer")
    assert ran[first : first + 4] == ["reviewer", "writer", "editor", "reviewer"]
    values = await desk.values()
    assert (values["drafts"], values["review"]) == (2, "accepted")
    assert "What follows rests on" in values["article"]


@pytest.mark.parametrize("allowed", [1, 2, 4])
async def test_p5_a_reviewer_who_is_never_content_ends_at_the_bound(desk, say, allowed):
    say(proofread="REVISE: shorter.")

    ran = nodes_run(await desk.send({"max_drafts": allowed}))

    values = await desk.values()
    assert ran.count("writer") == values["drafts"] == allowed
    assert values["status"] == "published"
    assert "Without the reviewer's consent: shorter." in values["ending"]


@pytest.mark.parametrize("named", ["the weather desk", "-", "Nobody."])
async def test_p5_an_unknown_route_ends(desk, say, named):
    say(assign=named)

    ran = nodes_run(await desk.send({}))

    assert ran == ["open_story", "editor"]
    values = await desk.values()
    assert await desk.is_finished()
    assert values["status"] == "stopped"
    assert values["ending"].startswith("There is no such desk:")


async def test_p5_a_supervisor_who_never_ends_is_stopped(desk, say):
    say(assign="writer")

    ran = nodes_run(await desk.send({}))

    assert ran.count("writer") == newsroom.MAX_TURNS
    values = await desk.values()
    assert (values["status"], await desk.is_finished()) == ("stopped", True)


async def test_p5_a_story_without_an_article_is_not_published(desk, say):
    say(assign="publish")

    events = await desk.send({})

    assert [data for kind, _, data in events if kind == "custom"] == []
    assert (await desk.values())["status"] == "stopped"


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ("writer", "writer"),
        ("I would ask the Reviewer, then the writer.", "reviewer"),
        ("**picture_desk**", "picture_desk"),
        ("done", None),
    ],
)
def test_p5_the_desk_named_first_is_meant(reply, read):
    assert newsroom.read_desk(reply) == read


async def test_p5_sub_tasks_go_to_workers_with_tools(desk):
    events = await desk.send({})

    tools = [
        data["tools"]["messages"][0].name
        for kind, path, data in events
        if kind == "updates" and "tools" in data and path[0].startswith("researcher:")
    ]
    assert tools.count("search_archive") == 3
    assert tools.count("look_up_figure") == 1


async def test_p5_a_finished_thread_takes_the_next_story(desk):
    await desk.send({})
    await desk.send({"subject": "The school market", "max_drafts": 1})

    values = await desk.values()
    assert (values["drafts"], len(values["findings"])) == (1, 3)
    assert values["article"].startswith("The school market\n\n")
    assert len(values["missing"]) == 1
