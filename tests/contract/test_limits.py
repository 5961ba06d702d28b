"""Limits that all processes share, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.errors import Conflict, InvalidInput, RateLimited, StoreUnavailable
from interlock.core.graphs.guarding import Call, Place
from interlock.core.graphs.notes import Notes
from interlock.core.model.failure_kinds import FailureKind, find_retry_after_s, kind_of
from interlock.core.model.policies import NodePolicy, RateRules
from interlock.core.model.rates import limits_of_call
from interlock.core.model.runs import RunKind
from interlock.core.queue.local import LocalQueue
from interlock.core.services import batch_launching, launching, limiting, observing, presence
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings
from interlock.core.store.engine import open_engine, read, write
from interlock.core.store.schema_limits import rate_takes
from interlock.core.worker import limiting as guarding
from interlock.core.worker.limiting import Rates
from tests.published import published

RATE = {"per_user_hour": 4, "per_minute": 3}


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    app = App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)
    workflow = published(
        "essay",
        nodes=("draft",),
        input_schema={"type": "object", "properties": {"topic": {"type": "string"}}},
        at=frozen.now(),
        policy={"rate": RATE},
    )
    free = replace(workflow, name="free", policy=None)
    presence.publish(app, [workflow, free])
    return app


@pytest.fixture
def rates(app) -> Iterator[Rates]:
    found = Rates(app)
    yield found
    found.stop()


def launch(app, actor="ann", **request):
    return launching.launch(
        app, Launch(workflow="essay", input={"topic": "bees"}, **request), actor=actor
    )


def refuse(app, actor="ann", **request) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        launch(app, actor, **request)
    return caught.value


def count_takes(app) -> int:
    with read(app.engine) as conn:
        return len(conn.execute(rate_takes.select()).all())


def test_a_launch_too_many_is_refused_with_the_time_to_try_again(app, frozen):
    launch(app)
    frozen.advance(seconds=10)
    launch(app, "bob")
    launch(app)
    refused = refuse(app)
    assert refused.retry_at == frozen.now() + timedelta(seconds=50, milliseconds=1)
    assert "'essay' is limited to 3 starts a minute" in str(refused)
    assert len(observing.list_runs(app)) == 3
    frozen.advance(seconds=50.002)  # the first is in the window no more
    launch(app)
    refuse(app)
    frozen.advance(seconds=60)
    launch(app)
    assert "'ann' has had them" in str(refuse(app))  # her four of this hour
    launch(app, "bob")
    frozen.advance(seconds=3600)
    launch(app)


def test_what_is_not_launched_for_another_reason_counts_for_nothing(app):
    run = launch(app)
    for _ in range(5):
        with pytest.raises(Conflict):
            launch(app, thread_id=run.thread_id)
    launch(app)
    launch(app)
    refuse(app)


def test_a_refused_start_leaves_no_trace_in_the_limits_that_let_it_through(app, frozen):
    for _ in range(3):
        launch(app)
    before = count_takes(app)
    for _ in range(3):
        refuse(app, "bob")
    frozen.advance(seconds=61)
    launch(app)
    assert count_takes(app) == before + 2 - 3  # three of the minute before are forgotten
    assert "an hour" in str(refuse(app))
    assert count_takes(app) == before + 2 - 3


def test_a_file_is_launched_whole_or_not_at_all(app, frozen):
    def launch_file(rows: int, batch_id: str):
        data = "\n".join('{"topic": "bees"}' for _ in range(rows)).encode()
        file = batch_launching.check(app, "essay", data, source="rows.jsonl")
        request = Launch(workflow="essay", input=None)
        return batch_launching.launch(app, file, request, batch_id=batch_id, actor="ann")

    with pytest.raises(InvalidInput, match=r"3 starts a minute, and these are 9 at once"):
        launch_file(9, "b0")
    launch(app)
    with pytest.raises(RateLimited):
        launch_file(3, "b1")
    assert len(observing.list_runs(app)) == 1
    launch_file(2, "b2")
    launch_file(2, "b2")  # the same again starts nothing, and counts for nothing
    assert len(observing.list_runs(app)) == 3
    frozen.advance(seconds=61)
    launch_file(1, "b3")
    assert "an hour" in str(refuse(app))


def test_a_workflow_without_a_rate_counts_nothing(app):
    for _ in range(6):
        launching.launch(app, Launch(workflow="free", input={}), actor="ann")
    assert count_takes(app) == 0


def test_of_many_at_once_from_several_processes_no_more_than_the_limit_get_through(
    app, database_url, frozen
):
    other = replace(app, engine=open_engine(database_url))
    wanted = limits_of_call(RateRules(per_minute=7), workflow="w", path="call", tool="", user="ann")

    def start(number: int) -> bool:
        try:
            limiting.take(other if number % 2 else app, wanted)
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(start, range(40))) == 7
    other.engine.dispose()


def test_what_counts_no_more_is_cleared(app, frozen):
    launch(app)
    frozen.advance(seconds=3000)
    launch(app, "bob")
    frozen.advance(seconds=601)
    presence.clear_finished_jobs(app)
    assert count_takes(app) == 2


def call_of(make, *, tool="", rate=None) -> Call:
    place = Place(
        workflow="essay", path="draft", tool=tool, policy=NodePolicy(rate=rate or RateRules())
    )
    return Call(run=make.run(created_by="ann"), place=place, task_id="t", notes=Notes())


async def test_a_node_too_many_is_an_error_that_passes_by_waiting(rates, make, frozen):
    call = call_of(make, rate=RateRules(per_minute=1))
    async with rates.around_async(call):
        pass
    async with rates.around_async(replace(call, place=replace(call.place, tool="search"))):
        pass  # a tool counts by itself
    frozen.advance(seconds=20)
    with pytest.raises(RateLimited) as caught:
        async with rates.around_async(call):
            raise AssertionError("it ran")
    assert kind_of(caught.value) is FailureKind.RATE_LIMIT
    assert find_retry_after_s(caught.value, frozen.now()) == pytest.approx(40, abs=0.01)
    frozen.advance(seconds=caught.value.retry_after)
    async with rates.around_async(call):
        pass


async def test_a_start_behind_a_card_counts_for_who_launched_not_for_who_decided(app, rates, make):
    call = call_of(make, rate=RateRules(per_user_hour=1))
    resumed = []
    with write(app.engine) as conn:
        for number, launcher in enumerate(("ann", "eve")):
            of = {"thread_id": f"t{number}", "workflow": "essay"}
            launched = make.put_run(conn, f"r{number}", created_by=launcher, **of)
            given = {"kind": RunKind.RESUME, "previous_run_id": launched.run_id, **of}
            resumed.append(make.put_run(conn, f"d{number}", created_by="dan", **given))
    for run in resumed:  # dan decided both
        async with rates.around_async(replace(call, run=run)):
            pass
    with pytest.raises(RateLimited, match="by one user"):
        async with rates.around_async(replace(call, run=resumed[0])):
            raise AssertionError("it ran")
    async with rates.around_async(replace(call, run=replace(call.run, created_by="dan"))):
        pass


def test_only_where_a_policy_has_a_rate_is_anything_asked(rates, make):
    assert rates.covers(call_of(make, rate=RateRules(per_user_hour=1)).place)
    assert not rates.covers(call_of(make).place)
    assert not rates.covers(Place(workflow="w", path="p"))


async def test_while_the_database_does_not_answer_a_start_waits(rates, make, monkeypatch):
    real, failed = limiting.take, []

    def fail_first(app, wanted):
        if not failed:
            failed.append(wanted)
            raise StoreUnavailable("The database does not answer.")
        real(app, wanted)

    monkeypatch.setattr(limiting, "take", fail_first)
    monkeypatch.setattr(guarding, "AGAIN_S", 0)
    async with asyncio.timeout(20), rates.around_async(call_of(make, rate=RateRules(per_minute=1))):
        assert failed
