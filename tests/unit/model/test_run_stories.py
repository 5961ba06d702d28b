"""Which runs tell one story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from interlock.core.model.runs import RunKind, RunStatus, RunSummary, follow, near
from interlock.core.types import RunId, ThreadId


def make_run(run_id: str, *, previous: str | None = None, after_min: int = 0) -> RunSummary:
    return RunSummary(
        run_id=RunId(run_id),
        thread_id=ThreadId("t"),
        workflow="w",
        kind=RunKind.START,
        status=RunStatus.DONE,
        priority=0,
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=after_min),
        created_by="Ada",
        previous_run_id=RunId(previous) if previous else None,
    )


def test_a_story_goes_from_its_start_to_its_newest_run() -> None:
    first = make_run("a")
    second = make_run("b", previous="a", after_min=1)
    third = make_run("c", previous="b", after_min=2)
    other = make_run("x")
    for shown in (first, second, third):
        story = follow(shown, [third, other, first, second])
        assert [r.run_id for r in story] == ["a", "b", "c"]


def test_of_two_that_went_on_the_newer_one_counts() -> None:
    first = make_run("a")
    old = make_run("b", previous="a", after_min=1)
    new = make_run("c", previous="a", after_min=2)
    assert [r.run_id for r in follow(first, [old, new])] == ["a", "c"]


def test_a_circle_ends() -> None:
    one = make_run("a", previous="b")
    two = make_run("b", previous="a")
    assert len(follow(one, [one, two])) == 2


def test_a_long_story_shows_its_end_but_never_without_the_run() -> None:
    story = [make_run(f"r{i}") for i in range(10)]
    assert [r.run_id for r in near(story, story[9])] == [f"r{i}" for i in range(4, 10)]
    assert [r.run_id for r in near(story, story[1])] == [f"r{i}" for i in range(1, 7)]
    assert near(story[:2], story[0]) == tuple(story[:2])
