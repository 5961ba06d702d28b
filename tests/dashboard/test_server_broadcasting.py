"""One watcher serves every screen, keeps no queue for a slow one, and says when it cannot see."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Collection

import pytest

from interlock.core.errors import StoreUnavailable
from interlock.dashboard.http.broadcasting import Broadcaster, Subscription

TIMEOUT_S = 5.0


class FakeSource:
    """A database whose heads a test sets."""

    def __init__(self) -> None:
        self.heads: dict[str, int] = {"inbox": 1, "runs": 1}
        self.is_broken = False
        self.asked_runs: Collection[str] = ()
        self.opened_count = 0
        self.closed = threading.Event()

    def open(self) -> FakeSource:
        self.opened_count += 1
        self.closed.clear()
        return self

    def may_have_changed(self) -> bool:
        return True

    def read(self, runs: Collection[str]) -> dict[str, int]:
        if self.is_broken:
            raise StoreUnavailable("gone")
        self.asked_runs = runs
        return dict(self.heads) | {f"run:{run_id}": 7 for run_id in runs}

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
async def broadcaster(source: FakeSource) -> AsyncIterator[Broadcaster]:
    watching = Broadcaster(source.open, poll_s=0.005)
    watching.start()
    yield watching
    await watching.stop()


async def take(subscription: Subscription) -> dict[str, int]:
    heads = await subscription.take(TIMEOUT_S)
    assert heads, "nothing came"
    return heads


async def take_until(subscription: Subscription, wanted: dict[str, int]) -> None:
    """Take until all that is wanted was said."""
    heard: dict[str, int] = {}
    while heard != wanted:
        heard |= await take(subscription)


async def test_a_screen_is_told_what_is_known_and_then_what_moves(
    broadcaster: Broadcaster, source: FakeSource
) -> None:
    with broadcaster.subscribe() as subscription:
        broadcaster.follow(subscription, {"inbox"})
        first = await take(subscription)
        source.heads["inbox"] = 2
        second = await take(subscription)

    assert first == {"inbox": 1}
    assert second == {"inbox": 2}


async def test_a_screen_that_does_not_keep_up_gets_the_newest_head_only(
    broadcaster: Broadcaster, source: FakeSource
) -> None:
    with broadcaster.subscribe() as slow, broadcaster.subscribe() as quick:
        broadcaster.follow(slow, {"inbox", "runs"})
        broadcaster.follow(quick, {"inbox", "runs"})
        await take_until(quick, {"inbox": 1, "runs": 1})
        for number in range(2, 20):
            source.heads = {"inbox": number, "runs": number}
            await take_until(quick, {"inbox": number, "runs": number})

        heads = await take(slow)

    assert heads == {"inbox": 19, "runs": 19}


async def test_nothing_new_is_said_twice(broadcaster: Broadcaster) -> None:
    with broadcaster.subscribe() as subscription:
        broadcaster.follow(subscription, {"inbox"})
        await take(subscription)

        assert await subscription.take(0.1) == {}
        assert subscription.again() == {"inbox": 1}


async def test_only_runs_that_somebody_looks_at_are_asked_for(
    broadcaster: Broadcaster, source: FakeSource
) -> None:
    with broadcaster.subscribe() as one, broadcaster.subscribe() as other:
        broadcaster.follow(one, {"run:a"})
        broadcaster.follow(other, {"run:b", "inbox"})
        await take_until(one, {"run:a": 7})
        await take_until(other, {"run:b": 7, "inbox": 1})
        assert set(source.asked_runs) == {"a", "b"}
        broadcaster.follow(one, {"inbox"})
        source.heads["inbox"] = 5
        await take_until(one, {"inbox": 5})

    assert set(source.asked_runs) == {"b"}


async def test_screens_are_told_when_nobody_can_look_and_it_looks_again_later(
    broadcaster: Broadcaster, source: FakeSource
) -> None:
    with broadcaster.subscribe() as subscription:
        broadcaster.follow(subscription, {"inbox"})
        await take(subscription)
        source.is_broken = True

        await subscription.take(TIMEOUT_S)

        assert subscription.is_lost
        assert not broadcaster.is_watching
        assert source.closed.is_set()
    source.is_broken = False
    source.heads["inbox"] = 9
    with broadcaster.subscribe() as later:
        broadcaster.follow(later, {"inbox"})
        await take_until(later, {"inbox": 9})
    assert broadcaster.is_watching


async def test_the_watching_thread_ends_with_the_process(source: FakeSource) -> None:
    watching = Broadcaster(source.open, poll_s=60)
    watching.start()
    with watching.subscribe() as subscription:
        watching.follow(subscription, {"inbox"})
        await take(subscription)

    await asyncio.wait_for(watching.stop(), TIMEOUT_S)

    assert source.closed.is_set()
    assert watching.count == 0


async def test_heads_are_known_to_whoever_draws(broadcaster: Broadcaster) -> None:
    with broadcaster.subscribe() as subscription:
        broadcaster.follow(subscription, {"inbox"})
        await take(subscription)

    assert broadcaster.heads(["inbox", "nothing"]) == {"inbox": 1}
