"""An act asked for twice by two fast clicks is carried out once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from interlock.core.types import new_id
from interlock.dashboard import state


def test_two_clicks_at_the_same_time_are_one_act():
    drawn = new_id()
    done: list[int] = []
    both = threading.Barrier(2)

    def act() -> int:
        done.append(len(done))
        return len(done)

    def click(_: int) -> int:
        both.wait()
        return state.once(drawn, act)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(click, range(2))) == [1, 1]
    assert state.once(drawn, act) == 1
    assert state.once(new_id(), act) == 2


def test_an_act_that_failed_may_be_tried_again():
    drawn = new_id()

    def fail() -> str:
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        state.once(drawn, fail)
    assert state.once(drawn, lambda: "done") == "done"


def test_only_so_many_acts_are_remembered(monkeypatch):
    monkeypatch.setattr(state, "_ACTS_COUNT", 2)
    drawn = [new_id() for _ in range(3)]
    for each in drawn:
        state.once(each, lambda: 1)
    assert [state.once(each, lambda: 2) for each in drawn[1:]] == [1, 1]
    assert state.once(drawn[0], lambda: 2) == 2
