"""Which ids move the ones that are made next, and that LangGraph makes them from where we say."""

from __future__ import annotations

import time

import pytest
from langgraph.checkpoint.base import id as checkpoint_ids
from langgraph.pregel._checkpoint import create_checkpoint, empty_checkpoint

from interlock.core.graphs.ascending import go_on_above

A_DAY_NS = 86_400 * 1_000_000_000


@pytest.fixture
def made_tomorrow(monkeypatch) -> str:
    monkeypatch.setattr(checkpoint_ids, "_last_v6_timestamp", None)
    with monkeypatch.context() as patch:
        tomorrow = time.time_ns() + A_DAY_NS
        patch.setattr(time, "time_ns", lambda: tomorrow)
        made = str(checkpoint_ids.uuid6(clock_seq=5))
    monkeypatch.setattr(checkpoint_ids, "_last_v6_timestamp", None)
    return made


def test_what_is_made_next_sorts_above_what_was_read(made_tomorrow):
    assert create_checkpoint(empty_checkpoint(), None, 6)["id"] < made_tomorrow
    go_on_above(made_tomorrow)
    first, second = (create_checkpoint(empty_checkpoint(), None, -1)["id"] for _ in range(2))
    assert made_tomorrow < first < second


def test_what_was_read_earlier_does_not_set_it_back(made_tomorrow):
    go_on_above(made_tomorrow)
    before = checkpoint_ids._last_v6_timestamp
    go_on_above(str(checkpoint_ids.UUID("1efd18a5-0000-6000-8000-000000000000")))
    assert checkpoint_ids._last_v6_timestamp == before


@pytest.mark.parametrize(
    "odd",
    [
        "1",
        "",
        "not an id",
        "8c3d0f4e-6a3f-4b1e-9c55-0242ac120002",  # random, without a time
        "ffffffff-ffff-6fff-bfff-ffffffffffff",  # nothing could follow
    ],
)
def test_an_id_that_tells_no_time_moves_nothing(monkeypatch, odd):
    monkeypatch.setattr(checkpoint_ids, "_last_v6_timestamp", 7)
    go_on_above(odd)
    assert checkpoint_ids._last_v6_timestamp == 7
