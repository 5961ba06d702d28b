"""P1, P13 and P15 at the release train: in line, held for a person, and given up after three."""

from __future__ import annotations

import json

import pytest
from langgraph.errors import UnknownInterruptError

from interlock.core.gallery import faults, release_train


@pytest.fixture
def train(converse):
    return converse(release_train.builder)


def nodes_run(events):
    return [node for kind, ns, data in events if kind == "updates" and not ns for node in data]


def attempts(events):
    return [node for kind, ns, data in events if kind == "updates" and ns for node in data].count(
        "attempt"
    )


async def held(train, **release):
    """Launch, and return the one card."""
    await train.send(release)
    [card] = await train.questions()
    return card


async def test_p1_every_step_runs_once_and_in_order(train):
    events = await train.send({})
    [card] = await train.questions()
    events += await train.answer({card.id: {"approved": True}})

    ran = [node for node in nodes_run(events) if node != "__interrupt__"]
    assert ran == [
        *("write_notes", "build", "hold", "migrate", "deploy", "verify", "announce"),
    ]
    values = await train.values()
    assert (values["status"], values["done"]) == ("live", ["build", "migrate", "deploy"])


async def test_p1_each_step_reads_what_the_one_before_wrote(train):
    card = await held(train, changes=["Pay by invoice"])

    assert "Pay by invoice." in card.value["release_notes"]
    events = await train.answer({card.id: {"approved": True}})
    [announced] = [data for kind, _, data in events if kind == "custom" and "announced" in data]
    assert announced["notes"] == card.value["release_notes"]


async def test_p13_nothing_reaches_production_before_a_person_has_let_it(train):
    card = await held(train)

    assert card.value["question"] == "Deploy shop 4.2.0 to production?"
    assert (await train.values())["done"] == ["build"]


async def test_p13_a_deployment_is_rolled_out_as_the_person_says(train):
    card = await held(train)

    events = await train.answer({card.id: {"approved": True, "rollout": "5 % first"}})

    [deployed] = [data for kind, _, data in events if kind == "custom" and "deployed" in data]
    assert deployed["rollout"] == "5 % first"


async def test_p13_a_deployment_that_is_held_back_never_happens(train):
    card = await held(train)

    events = await train.answer({card.id: {"approved": False}})

    assert await train.is_finished()
    assert "deploy" not in nodes_run(events)
    assert (await train.values())["status"] == "rolled back"


async def test_p13_a_deployment_is_let_go_once(train):
    card = await held(train)
    await train.answer({card.id: {"approved": True}})

    with pytest.raises(UnknownInterruptError):
        await train.answer({card.id: {"approved": True}})


async def test_p15_a_deployment_recovers_after_two_failures(train):
    card = await held(train, rehearse="a deployment that fails twice")

    events = await train.answer({card.id: {"approved": True}})

    assert attempts(events) == 3
    values = await train.values()
    assert (values["status"], len(values["failures"])) == ("live", 2)
    assert values["advice"].startswith("Give the instances longer")


async def test_p15_it_gives_up_after_three_with_the_reason(train):
    card = await held(train, rehearse="a deployment that never works", when_stuck="roll back")

    events = await train.answer({card.id: {"approved": True}})

    assert attempts(events) == 3
    assert await train.is_finished()
    values = await train.values()
    assert values["status"] == "rolled back"
    assert values["reason"].startswith("It failed 3 times, at last because the load balancer")


async def test_p15_or_a_person_is_asked_who_sees_every_failure(train):
    card = await held(train, rehearse="a deployment that never works")

    await train.answer({card.id: {"approved": True}})

    [stuck] = await train.questions()
    assert stuck.value["question"] == "shop 4.2.0 does not come up. What now?"
    assert stuck.value["choices"] == ["try again", "roll back"]
    assert [line[:2] for line in stuck.value["failures"].splitlines()] == ["1.", "2.", "3."]


async def test_p15_the_person_may_have_it_tried_three_times_more_and_then_ends_it(train):
    card = await held(train, rehearse="a deployment that never works")
    await train.answer({card.id: {"approved": True}})
    [first] = await train.questions()

    events = await train.answer({first.id: "try again"})

    [second] = await train.questions()
    assert (attempts(events), second.id != first.id) == (3, True)
    await train.answer({second.id: "roll back"})
    assert (await train.values())["undone"] == ["migrate", "build"]


async def test_a_platform_that_is_down_is_no_failed_deployment(train, monkeypatch, tmp_path):
    card = await held(train)
    file = tmp_path / "faults.json"
    file.write_text(json.dumps({"deployment": True}))
    monkeypatch.setenv(faults.VARIABLE, str(file))

    with pytest.raises(faults.ServiceDown):
        await train.answer({card.id: {"approved": True}})

    monkeypatch.delenv(faults.VARIABLE)
    await train.send(None)
    assert (await train.values())["failures"] == []
    assert (await train.values())["status"] == "live"


async def test_a_thread_takes_the_next_release_afresh(train):
    card = await held(train)
    await train.answer({card.id: {"approved": False}})

    card = await held(train, version="4.2.1")
    await train.answer({card.id: {"approved": True}})

    values = await train.values()
    assert (values["status"], values["undone"], values["reason"]) == ("live", [], "")
