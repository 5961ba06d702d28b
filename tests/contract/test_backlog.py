"""A launch beyond what may wait is refused with the time to try again, on both databases; a decision never is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.errors import InvalidInput, QueueFull
from interlock.core.model.approvals import Intent, Kind, Verb
from interlock.core.model.backlog import UNKNOWN_S
from interlock.core.model.people import Person, Role
from interlock.core.model.runs import RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import (
    batch_launching,
    deciding,
    holding,
    launching,
    observing,
    permitting,
    presence,
)
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings
from interlock.core.store import audit, runs
from interlock.core.store import engine as engines
from tests.published import published

MOST = 3


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    settings = Settings(data_dir=tmp_path, max_queue=MOST)
    app = App(settings, engine, LocalQueue(), frozen)
    names = ("essay", "refunds")
    presence.publish(app, [published(n, at=frozen.now(), policy={"tenant": n}) for n in names])
    return app


def launch(app, workflow="essay", count=1):
    request = Launch(workflow=workflow, input={})
    return [launching.launch(app, request, actor="ann") for _ in range(count)]


def refuse(app, workflow="essay"):
    with pytest.raises(QueueFull) as caught:
        launch(app, workflow)
    return caught.value


def test_a_launch_beyond_the_bound_is_refused_with_the_time_to_try_again(app, frozen):
    launch(app, count=MOST)
    frozen.advance(seconds=60)
    refused = refuse(app)
    assert refused.most == MOST
    assert 20 < refused.retry_after < 40  # one of three, and a little; then up to a quarter more
    assert (refused.retry_at - frozen.now()).total_seconds() == pytest.approx(refused.retry_after)
    assert len(observing.list_runs(app)) == MOST
    with engines.read(app.engine) as conn:
        assert len(audit.fetch_many(conn, limit=10)) == MOST


def test_there_is_room_again_as_soon_as_a_worker_has_taken_one(app):
    first, *_ = launch(app, count=MOST)
    refuse(app)
    assert observing.overview(app).is_queue_full
    with engines.write(app.engine) as conn:
        runs.move(conn, first.run_id, from_=[RunStatus.QUEUED], to=RunStatus.RUNNING)
    assert not observing.overview(app).is_queue_full
    launch(app)


def test_a_decision_is_taken_however_long_the_queue_is(app, make):
    with engines.write(app.engine) as conn:
        make.put_run(conn, "r1", status=RunStatus.WAITING)
        make.put_approval(conn, run_id="r1", kind=Kind.CONFIRM, schema=None, risk="")
    launch(app, count=MOST)
    refuse(app)
    decided = deciding.decide(app, "a1", Intent(verb=Verb.APPROVE), version=1, actor="ann")
    assert observing.get_run(app, decided.run_id).status is RunStatus.QUEUED


def test_what_is_held_keeps_no_other_workflow_out(app):
    holding.hold(app, "essay", actor="ann")
    launch(app, count=MOST)
    assert refuse(app).retry_after >= UNKNOWN_S
    launch(app, "refunds", count=MOST)
    refuse(app, "refunds")


def test_however_much_waits_behind_a_hold_keeps_no_other_workflow_out(app):
    free = replace(app, settings=app.settings.model_copy(update={"max_queue": 0}))
    launch(free, count=2 * MOST + 1)  # as answers may: a decision is never refused
    holding.hold(app, "essay", actor="ann")
    launch(app, "refunds", count=MOST)
    refuse(app, "refunds")


def test_runs_of_other_tenants_count_although_they_are_not_seen(app):
    launch(app, count=MOST)
    eve = Person(name="eve", role=Role.OPERATOR, tenants=frozenset({"refunds"}))
    hers = permitting.see(app, eve)
    assert observing.list_runs(hers) == []
    refuse(hers, "refunds")
    assert observing.overview(hers).is_queue_full


def test_zero_is_any_number(app):
    free = replace(app, settings=app.settings.model_copy(update={"max_queue": 0}))
    launch(free, count=MOST + 1)
    assert not observing.overview(free).is_queue_full


def test_of_a_file_all_rows_are_taken_or_none(app):
    launch(app, count=2)
    request = Launch(workflow="essay", input=None)

    def start(rows, batch_id):
        data = b"\n".join([b"{}"] * rows)
        file = batch_launching.check(app, "essay", data, source="rows.jsonl")
        return batch_launching.launch(app, file, request, batch_id=batch_id, actor="ann")

    with pytest.raises(QueueFull):
        start(2, "b1")
    assert batch_launching.list_batches(app) == []
    with pytest.raises(InvalidInput, match="in several parts"):
        start(MOST + 1, "b2")
    start(1, "b3")
    start(1, "b3")  # was accepted: sent again it is the same batch, full queue or not
    assert len(observing.list_runs(app)) == MOST
