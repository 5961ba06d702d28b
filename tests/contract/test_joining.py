"""A decision joins the queued run of its thread, or comes too late for it and has a run of its own."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text

from interlock.core.model.approvals import Intent, Kind, Verb
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import claiming, deciding
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import batches, runs
from interlock.core.store.engine import read, write
from interlock.core.types import WorkerId

WAITS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
ASKED = {"kind": Kind.VALUE, "payload": "Go?", "schema": None, "risk": ""}


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


@pytest.fixture
def cards(app, make) -> list[str]:
    """Two cards of one thread."""
    with write(app.engine) as conn:
        make.put_run(conn, "r1", status=RunStatus.WAITING)
        given = ({"interrupt_id": "i1"}, {"interrupt_id": "i2"})
        return [
            make.put_approval(conn, f"a{n}", **ASKED, **each).approval_id
            for n, each in enumerate(given, 1)
        ]


def decide(app, card_id):
    return deciding.decide(app, card_id, Intent(verb=Verb.APPROVE), version=1, actor="ann")


def waits(app):
    """Whether somebody waits for a lock."""
    with read(app.engine) as conn:
        return conn.execute(text(WAITS)).scalar_one()


def test_decisions_before_a_run_is_taken_are_sent_together(app, cards):
    first, second = (decide(app, card_id) for card_id in cards)
    assert first.run_id == second.run_id
    [claimed] = claiming.claim_jobs(app, WorkerId("w1"), limit=5).runs
    assert claimed.delivery.answers == {"i1": True, "i2": True}


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_decision_in_the_moment_in_which_the_run_is_taken_is_carried_by_the_next(
    app, cards, frozen
):
    """Joining it would lose the answer: the worker has read by then what it sends."""
    first = decide(app, cards[0])
    told = []
    late = threading.Thread(target=lambda: told.append(decide(app, cards[1])))
    with write(app.engine) as conn:
        run = runs.fetch(conn, first.run_id)
        batches.start_runs(conn, [claiming._started(run, frozen.now())])
        late.start()
        while not told and not waits(app):
            time.sleep(0.01)
    late.join()

    [second] = told
    assert second.run_id != first.run_id
    with read(app.engine) as conn:
        assert runs.fetch(conn, second.run_id).status is RunStatus.QUEUED
        assert runs.fetch(conn, second.run_id).kind is RunKind.RESUME


def test_a_run_that_a_host_with_a_slow_clock_takes_did_not_begin_before_it_was_there(
    app, cards, frozen
):
    decided = decide(app, cards[0])
    frozen.advance(seconds=-3)
    [claimed] = claiming.claim_jobs(app, WorkerId("w1"), limit=5).runs
    assert claimed.run.run_id == decided.run_id
    assert claimed.run.started_at == claimed.run.created_at
