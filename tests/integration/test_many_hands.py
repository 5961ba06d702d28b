"""Several workers on one Postgres: none is refused, who dies is taken over from, who was away ends."""

from __future__ import annotations

import pytest

from interlock.core.services import observing


@pytest.fixture
def desk(postgres_url, make_desk):
    """A desk on a Postgres database of its own."""
    return make_desk(postgres_url)


def test_two_workers_share_what_is_due_and_who_dies_is_taken_over_from(desk, wait_until):
    book = desk.open_book()
    book.close("slow")
    first, second = desk.spawn(concurrency=1), desk.spawn(concurrency=1)
    wait_until(lambda: ready(desk) == 2, "both are ready")
    runs = [desk.launch("working", book) for _ in range(2)]
    book.wait_for("at slow", times=2)  # one each, as neither has room for two

    first.kill()
    book.open("slow")

    assert [desk.wait(run).status for run in runs] == ["done", "done"]
    assert [book.count(n) for n in ("a", "slow", "z")] == [2, 3, 2]  # the dead one's step again
    assert second.exit_code is None
    assert ready(desk) == 1


def ready(desk) -> int:
    """How many workers take runs."""
    return sum(worker.status == "ready" for worker in observing.list_workers(desk.app))
