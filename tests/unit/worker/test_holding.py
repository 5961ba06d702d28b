from __future__ import annotations

import asyncio

import pytest

from interlock.core.types import WorkerId
from interlock.core.worker.holding import Place


@pytest.fixture
def place(app):
    return Place(app, WorkerId("w1"))


def test_who_gave_a_sign_of_life_just_now_goes_on_at_once(place):
    with pytest.raises(StopIteration):  # it came to its end without waiting once
        place.be_sure().send(None)


async def test_who_stood_still_goes_on_with_the_next_beat_of_the_heart(place):
    place._beaten_at -= 100  # seconds

    going_on = asyncio.create_task(place.be_sure())
    done, _ = await asyncio.wait([going_on], timeout=0.1)
    assert not done
    await asyncio.to_thread(place.beat)
    await going_on


async def test_who_signed_off_is_held_up_no_more(place):
    place._beaten_at -= 100
    place.leave()
    await place.be_sure()
