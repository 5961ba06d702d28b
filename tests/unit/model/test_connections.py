from __future__ import annotations

from dataclasses import replace

from interlock.core.model.connections import (
    Need,
    Room,
    find_refusal,
    find_thread_warning,
    find_warning,
)

WEB = Need(tables=10, overflow=20)
WORKER = Need(tables=10, overflow=20, checkpoints=22, memory=4)
ROOM = Room(server=100, reserved=3, database=None, role=None, workers=1, webs=1)


def test_a_need_is_told_by_its_parts():
    assert str(WEB) == "31 (tables 10 + 20, listening 1)"
    assert str(WORKER) == "57 (tables 10 + 20, checkpoints 22, long-term store 4, listening 1)"


def test_the_narrowest_bound_counts():
    assert (ROOM.free, str(ROOM)) == (97, "97 (max_connections 100, of which 3 are reserved)")
    bounded = replace(ROOM, database=50, role=40)
    assert bounded.free == 40
    assert str(bounded).endswith("the database's limit 50, the role's limit 40)")


def test_a_process_that_can_never_have_its_connections_is_refused_with_the_figures():
    assert find_refusal(WORKER, replace(ROOM, role=57)) is None
    told = find_refusal(WORKER, replace(ROOM, role=56))
    assert told is not None
    for part in ("57 (tables", "the role's limit 56", "INTERLOCK_CHECKPOINT_POOL"):
        assert part in told


def test_several_that_would_not_fit_together_are_warned_of():
    assert find_warning(worker=WORKER, web=WEB, room=ROOM) is None
    told = find_warning(worker=WORKER, web=WEB, room=replace(ROOM, workers=2, webs=2))
    assert told is not None
    assert told.startswith(
        "2 workers of 57 and 2 web processes of 31 may ask for 176 connections, and the server has 97"
    )
    single = find_warning(worker=WORKER, web=WEB, room=replace(ROOM, server=60))
    assert single is not None
    assert single.startswith("1 worker of 57 and 1 web process of 31 may ask for 88")


def test_threads_that_runs_would_wait_for_are_warned_of():
    assert find_thread_warning(threads=36, runs=20, spare=16) is None
    told = find_thread_warning(threads=35, runs=20, spare=16)
    assert told is not None
    assert "fewer than 36" in told
