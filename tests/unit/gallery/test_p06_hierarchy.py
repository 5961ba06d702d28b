"""P6: an orchestrator briefs team leads, they brief workers, and what they did comes back up."""

from __future__ import annotations

import pytest

from interlock.core.gallery import launch_team, product_launch, replies, research_team

BUILDER = product_launch.builder


@pytest.fixture
def office(converse):
    return converse(BUILDER)


@pytest.fixture
def say(monkeypatch):
    """Let the local model say something else."""

    def say(**words):
        said = {word: (lambda _, text=text: text) for word, text in words.items()}
        monkeypatch.setattr(replies, "REPLIES", {**replies.REPLIES, **said})

    return say


async def answer(office, with_what):
    [card] = await office.questions()
    return await office.answer({card.id: with_what})


async def test_p6_work_goes_down_from_the_orchestrator_over_the_leads_to_the_workers(office):
    events = await office.send({})

    ran = [(path, node) for kind, path, data in events if kind == "updates" for node in data]
    names = [*(node for path, node in ran if not path)]
    assert names[0] == "orchestrator"
    assert set(names[1:4]) == {"market_research", "marketing", "operations"}
    assert names[4:] == ["plan", "__interrupt__"]
    for team, workers in (("marketing", 3), ("operations", 2)):
        inside = [node for path, node in ran if path and path[0].startswith(f"{team}:")]
        assert inside == ["lead", *["worker"] * workers, "report"]


async def test_p6_the_teams_work_in_the_same_step(office):
    events = await office.send({})

    first_report = next(i for i, e in enumerate(events) if e[0] == "updates" and "report" in e[2])
    begun = {
        path[0].partition(":")[0]
        for kind, path, _ in events[:first_report]
        if kind == "updates" and path
    }
    assert begun == {"market_research", "marketing", "operations"}


async def test_p6_each_report_holds_the_work_of_its_own_workers_and_adds_it_up(office):
    await office.send({})

    values = await office.values()
    tasks = {team: [d["task"] for d in r["done"]] for team, r in values["reports"].items()}
    assert tasks["operations"] == ["Fill the warehouse", "Train the repair shops"]
    assert not set(tasks["marketing"]) & set(tasks["operations"])
    costs = {team: report["cost_eur"] for team, report in values["reports"].items()}
    assert costs == {"marketing": 13_000, "operations": 39_000}
    assert values["cost_eur"] == 52_000
    assert all(report["summary"] in values["plan"] for report in values["reports"].values())


async def test_p6_a_lead_and_a_worker_know_their_own_order_only(office, monkeypatch):
    heard = {}

    def keep(word):
        write = replies.REPLIES[word]

        def kept(parts):
            heard.setdefault(word, []).append(dict(parts))
            return write(parts)

        return kept

    monkeypatch.setattr(
        replies, "REPLIES", {**replies.REPLIES, **{w: keep(w) for w in ("delegate", "perform")}}
    )
    await office.send({"product": "A quiet coffee mill"})

    briefs = {parts["team"]: parts["brief"] for parts in heard["delegate"]}
    assert briefs["marketing"].startswith("make a quiet coffee mill known")
    assert briefs["operations"].startswith("see to it that a quiet coffee mill can be had")
    assert all(set(parts) == {"team", "product", "task"} for parts in heard["perform"])


async def test_p6_a_model_that_says_nothing_useful_still_has_every_team_work(office, say):
    say(orchestrate="No idea.", delegate="- ", perform="I did it.", consolidate="Done.")

    await office.send({"product": "A kite"})

    values = await office.values()
    assert {team: r["done"][0]["task"] for team, r in values["reports"].items()} == {
        "marketing": "Prepare the launch: A kite",
        "operations": "Prepare the launch: A kite",
    }
    assert values["cost_eur"] == 0


async def test_p6_a_lead_may_not_split_for_ever(office, say):
    say(delegate="\n".join("abcdefgh"))

    await office.send({})

    reports = (await office.values())["reports"]
    assert [len(r["done"]) for r in reports.values()] == [launch_team.MAX_TASKS] * 2


def test_p6_briefs_are_read_leniently():
    said = "Here you go:\n- **Operations**: fill the shelves \n1. marketing : sing"

    assert product_launch.read_briefs(said, "x") == {
        "marketing": "sing",
        "operations": "fill the shelves",
    }


async def test_p6_nothing_is_launched_before_a_person_said_so(office):
    events = await office.send({"budget_eur": 50_000})

    [card] = await office.questions()
    assert [data for kind, _, data in events if kind == "custom"] == []
    assert card.value["question"] == "Launch “A folding cargo bike” for 52000 EUR?"
    assert card.value["left_eur"] == -2_000
    assert card.value["options"] == ["launch", "postpone", "drop"]


@pytest.mark.parametrize(
    ("decision", "status", "count"),
    [
        ("launch", "launched", 1),
        ("postpone", "postponed", 0),
        ("drop", "dropped", 0),
        (None, "postponed", 0),
    ],
)
async def test_p6_the_decision_is_carried_out(office, decision, status, count):
    await office.send({})

    events = await answer(office, decision)

    assert await office.is_finished()
    assert (await office.values())["status"] == status
    assert len([data for kind, _, data in events if kind == "custom"]) == count


async def test_p6_a_finished_thread_takes_the_next_product(office):
    await office.send({})
    await answer(office, "drop")

    await office.send({"product": "A kite"})

    [card] = await office.questions()
    assert card.value["question"].startswith("Launch “A kite”")
    assert (await office.values())["status"] == "planning"


async def test_p9_the_research_team_of_the_newsroom_does_the_market_research(office):
    alone = (await research_team.graph.ainvoke({"subject": "A folding cargo bike"}))["findings"]

    await office.send({})

    assert BUILDER.nodes["market_research"].runnable is research_team.graph
    assert (await office.values())["findings"] == alone


async def test_p9_two_teams_are_one_graph_and_keep_apart(office):
    await office.send({})

    assert BUILDER.nodes["marketing"].runnable is BUILDER.nodes["operations"].runnable
    assert set((await office.values())["reports"]) == {"marketing", "operations"}
