"""P7: colleagues go round a shared workspace until all agree, two rounds each at most."""

from __future__ import annotations

import pytest

from interlock.core.gallery import design_contest, design_workshop, replies

ORDER = ["accessibility", "sales", "engineering"]
DESIGN = "One big button."


@pytest.fixture
def workshop():
    async def work(screen_cm=26):
        return await design_workshop.graph.ainvoke({"design": DESIGN, "screen_cm": screen_cm})

    return work


@pytest.fixture
def say(monkeypatch):
    """Let the colleagues say what a function of the parts gives."""

    def say(write):
        monkeypatch.setattr(replies, "REPLIES", {**replies.REPLIES, "contribute": write})

    return say


async def test_p7_they_take_turns_until_all_agree(workshop):
    done = await workshop()

    assert [entry["by"] for entry in done["workspace"]] == ORDER * 2
    assert [entry["agrees"] for entry in done["workspace"]] == [
        False,
        False,
        True,
        True,
        True,
        True,
    ]
    assert (done["agreed"], done["rounds"], done["open_points"]) == (True, 2, [])


async def test_p7_who_agrees_at_once_needs_one_round(workshop, say):
    say(lambda _: "AGREE: fine.")

    done = await workshop()

    assert (done["agreed"], done["rounds"], len(done["workspace"])) == (True, 1, 3)


async def test_p7_each_sees_what_stands_on_the_workspace_already(workshop, say):
    seen = []

    def keep(parts):
        seen.append(parts["workspace"])
        return f"CHANGE: {len(seen)}"

    say(keep)
    await workshop()

    assert seen[0] == ""
    assert seen[2] == "accessibility: 1\nsales: 2"
    assert seen[5].splitlines()[-1] == "sales: 5"


async def test_p7_it_ends_without_consensus_when_it_must(workshop):
    done = await workshop(screen_cm=14)

    assert [entry["by"] for entry in done["workspace"]] == ORDER * design_workshop.MAX_ROUNDS
    assert (done["agreed"], done["rounds"]) == (False, 2)
    assert [point.partition(":")[0] for point in done["open_points"]] == [
        "accessibility",
        "engineering",
    ]


async def test_p7_nobody_speaks_more_than_twice_however_much_they_want(workshop, say):
    say(lambda _: "CHANGE: once more")

    done = await workshop()

    assert len(done["workspace"]) == 6
    assert (done["agreed"], len(done["open_points"])) == (False, 3)


@pytest.mark.parametrize(
    ("said", "agrees", "text"),
    [
        ("agree: yes", True, "yes"),
        ("**AGREE**: yes", True, "yes"),
        ("AGREE", True, "AGREE"),
        ("I disagree: no", False, "no"),
        ("Larger.", False, "Larger."),
    ],
)
async def test_p7_only_a_plain_agreement_counts_as_one(say, said, agrees, text):
    say(lambda _: said)

    added = await design_workshop.sales({"design": DESIGN, "screen_cm": 26, "workspace": []})

    assert added["workspace"] == [{"by": "sales", "agrees": agrees, "text": text}]


@pytest.mark.parametrize(
    ("brief", "ending"),
    [
        ({}, "Agreed after round 2."),
        ({"screen_cm": 14}, "No agreement after 2 rounds: accessibility: letters as large"),
    ],
)
async def test_p7_the_contest_says_how_the_rounds_ended(converse, brief, ending):
    contest = converse(design_contest.builder)
    await contest.send(brief)

    values = await contest.values()
    assert values["result"].splitlines()[-1].startswith(ending)
    assert len(values["workspace"]) == 3 * values["rounds"]
