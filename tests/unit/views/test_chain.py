from __future__ import annotations

from interlock.dashboard.views import chain


def test_a_story_goes_from_its_start_to_its_newest_run(make):
    first = make.run("a")
    second = make.run("b", previous_run_id="a", created_at=make.ago(minutes=3))
    third = make.run("c", previous_run_id="b", created_at=make.ago(minutes=2))
    other = make.run("x")
    for shown in (first, second, third):
        story = chain.follow(shown, [third, other, first, second])
        assert [r.run_id for r in story] == ["a", "b", "c"]


def test_of_two_that_went_on_the_newer_one_counts(make):
    first = make.run("a")
    old = make.run("b", previous_run_id="a", created_at=make.ago(minutes=3))
    new = make.run("c", previous_run_id="a", created_at=make.ago(minutes=2))
    assert [r.run_id for r in chain.follow(first, [old, new])] == ["a", "c"]


def test_a_circle_ends(make):
    one = make.run("a", previous_run_id="b")
    two = make.run("b", previous_run_id="a")
    assert len(chain.follow(one, [one, two])) == 2


def test_a_long_story_shows_its_end_but_never_without_the_run(make):
    story = [make.run(f"r{i}") for i in range(10)]
    assert [r.run_id for r in chain.near(story, story[9])] == [f"r{i}" for i in range(4, 10)]
    assert [r.run_id for r in chain.near(story, story[1])] == [f"r{i}" for i in range(1, 7)]
    assert chain.near(story[:2], story[0]) == tuple(story[:2])
