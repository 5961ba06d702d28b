"""P20: undo what was done, the last step first, and safe to repeat."""

from __future__ import annotations

import pytest

from interlock.core.gallery import faults, release_platform, release_train


@pytest.fixture
def train(converse):
    return converse(release_train.builder)


@pytest.fixture
def undone(monkeypatch):
    """Each call of the platform's undo: the step and its key."""
    calls, undo = [], release_platform.undo

    def record(step, *, key):
        calls.append((step, key))
        return undo(step, key=key)

    monkeypatch.setattr(release_platform, "undo", record)
    return calls


async def let_go(train, **release):
    await train.send(release)
    [card] = await train.questions()
    return await train.answer({card.id: {"approved": True}})


async def test_p20_everything_is_undone_in_reverse_order(train, undone):
    await let_go(train, rehearse="a failing check")

    assert await train.is_finished()
    assert [step for step, _ in undone] == ["deploy", "migrate", "build"]
    values = await train.values()
    assert values["done"] == ["build", "migrate", "deploy"]
    assert (values["status"], values["reason"]) == ("rolled back", "7.4 % of requests fail.")


async def test_p20_only_what_was_done_is_undone(train, undone):
    await let_go(train, rehearse="a deployment that never works", when_stuck="roll back")

    assert [step for step, _ in undone] == ["migrate", "build"]


async def test_p20_what_stands_when_a_person_says_no_is_withdrawn(train, undone):
    await train.send({})
    [card] = await train.questions()

    await train.answer({card.id: {"approved": False, "note": "Not on a Friday."}})

    assert [step for step, _ in undone] == ["build"]
    assert (await train.values())["reason"] == "Not on a Friday."


async def test_p20_an_undo_that_breaks_off_goes_on_where_it_stood(train, undone, monkeypatch):
    undo = release_platform.undo

    def refuse_migrate(step, *, key):
        if step == "migrate":
            raise faults.ServiceDown("The service 'deployment' does not answer.")
        return undo(step, key=key)

    with monkeypatch.context() as broken:
        broken.setattr(release_platform, "undo", refuse_migrate)
        with pytest.raises(faults.ServiceDown):
            await let_go(train, rehearse="a failing check")
    assert (await train.values())["undone"] == ["deploy"]

    await train.send(None)

    assert await train.is_finished()
    assert [step for step, _ in undone] == ["deploy", "migrate", "build"]


async def test_p20_an_undo_that_was_done_but_not_noted_is_repeated_without_harm(
    train, undone, monkeypatch
):
    undo, receipts = release_platform.undo, []

    def die_once(step, *, key):
        receipts.append(undo(step, key=key))
        if len(receipts) == 2:
            raise ConnectionResetError("the worker was gone before it could note this")
        return receipts[-1]

    monkeypatch.setattr(release_platform, "undo", die_once)
    with pytest.raises(ConnectionResetError):
        await let_go(train, rehearse="a failing check")

    await train.send(None)

    assert [step for step, _ in undone] == ["deploy", "migrate", "migrate", "build"]
    assert receipts[1] == receipts[2]
    assert (await train.values())["undone"] == ["deploy", "migrate", "build"]


def test_p20_the_platform_takes_a_step_back_once():
    assert release_platform.undo("build", key="t:1") == release_platform.undo("build", key="t:1")
    assert release_platform.undo("build", key="t:1") != release_platform.undo("build", key="t:2")
    assert release_platform.do("build", key="t:1") != release_platform.undo("build", key="t:1")
