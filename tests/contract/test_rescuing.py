"""Taking over from a worker on Postgres: each step of it, in the order that makes it a fence."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from interlock.core.bootstrap import build_app
from interlock.core.errors import StoreUnavailable
from interlock.core.model.serving import Version
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.model.workflows import Workflow
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.services import claiming, leveling, presence, publishing
from interlock.core.services.publishing import Publication
from interlock.core.settings import Settings
from interlock.core.store import (
    dialect,
    fencing,
    publications,
    runs,
    threads,
    workers,
    workflows,
)
from interlock.core.store import engine as engines
from interlock.core.types import JobId

WAIT_S = 60.0


@pytest.fixture
def app(postgres_url, tmp_path):
    """The parts, where a worker is dead after a second."""
    url = postgres_url.replace("+psycopg", "")
    settings = Settings(data_dir=tmp_path, database=url, worker_dead_after_s=1.0, heartbeat_s=0.1)
    built = build_app(settings)
    yield built
    built.engine.dispose()


@pytest.fixture
def enter(app):
    """A worker that has a job, and gave its last sign of life so long ago."""

    def enter(worker_id, *, silent_s=0.0):
        now = presence.tell_time(app)
        worker = Worker(
            worker_id=worker_id,
            host="desk",
            pid=4711,
            status=WorkerStatus.READY,
            concurrency=20,
            project="langgraph.json",
            started_at=now,
            heartbeat_at=now - timedelta(seconds=silent_s),
        )
        with engines.write(app.engine) as conn:
            workers.beat(conn, worker)
            job = NewJob(job_id=JobId(f"job of {worker_id}"), kind=JobKind.PRUNE)
            if app.queue.fetch_result(conn, job.job_id) is None:
                app.queue.enqueue(conn, job, now=now)
                app.queue.claim(conn, worker_id=worker_id, limit=1, now=now + timedelta(seconds=1))
        return worker

    return enter


@pytest.fixture
def session(app):
    """A session of a worker, as its store or its checkpoints have one."""
    opened = []

    def open_(worker_id):
        name = fencing.session_name(worker_id)
        engine = engines.open_engine(app.settings.database_url, application_name=name)
        opened.append(engine.connect())
        return opened[-1]

    yield open_
    for conn in opened:
        conn.invalidate()  # most were ended by the server
        conn.close()
        conn.engine.dispose()


def rescue(app, *, until=1, **more):
    """Look until so many were taken over from; the server may have started a moment ago."""
    found, deadline = [], time.monotonic() + WAIT_S
    while len(found) < until:
        assert time.monotonic() < deadline
        found += presence.rescue(app, "me", **more)
    return [(each.worker_id, each.count) for each in found]


def test_who_is_silent_loses_its_sessions_its_jobs_and_its_place(app, enter, session):
    enter("me")
    enter("silent", silent_s=5)
    enter("alive", silent_s=-3600)
    theirs, others = session("silent"), session("alive")

    assert rescue(app) == [("silent", 1)]

    with pytest.raises(StoreUnavailable):
        theirs.execute(text("SELECT 1"))
    others.execute(text("SELECT 1"))
    assert not presence.beat_on(app, "silent")
    assert presence.beat_on(app, "alive")
    assert [presence.is_alive(app, w) for w in ("silent", "alive")] == [False, True]
    assert [j.job_id for j in claiming.claim_jobs(app, "me", limit=9).errands] == []  # given up
    with engines.read(app.engine) as conn:
        assert app.queue.fetch_result(conn, JobId("job of silent"))[0] == "failed"
        assert app.queue.fetch_result(conn, JobId("job of alive"))[0] == "doing"


def test_a_new_session_of_who_was_found_dead_is_its_last(app, enter):
    enter("w1", silent_s=5)
    lost = []
    fencing.guard(app.engine, "w1", lambda: lost.append(1))
    app.engine.dispose()
    presence.tell_time(app)
    assert lost == []

    with engines.write(app.engine) as conn:
        assert workers.mark_dead(conn, ["w1"], since=presence.tell_time(app)) == ["w1"]
    app.engine.dispose()
    presence.tell_time(app)

    assert lost
    assert not presence.beat_on(app, "w1")
    with engines.read(app.engine) as conn:
        assert workers.fetch_all(conn) == []


def test_silence_while_nobody_could_look_is_nobodys(app, enter):
    enter("silent", silent_s=5)
    since = presence.tell_time(app)

    assert presence.rescue(app, "me", watched_since=since + timedelta(hours=1)) == []
    assert presence.is_alive(app, "silent")
    assert rescue(app, watched_since=since - timedelta(seconds=5)) == [("silent", 1)]


def test_who_was_stopped_while_it_signed_off_keeps_nobody_waiting(app, enter, session):
    enter("silent", silent_s=5)
    theirs = session("silent")
    theirs.execute(text("SELECT 1 FROM workers FOR UPDATE"))

    assert rescue(app) == [("silent", 1)]  # its session first, and its row at the next look


def test_what_another_worker_holds_is_waited_for_at_the_next_look(app, enter, session, monkeypatch):
    monkeypatch.setattr(presence, "LOCK_S", 0.05)
    enter("silent", silent_s=5)
    theirs = session("alive")
    theirs.execute(text("SELECT 1 FROM jobs FOR UPDATE"))

    deadline = time.monotonic() + WAIT_S
    while presence.is_alive(app, "silent"):
        assert time.monotonic() < deadline
        assert presence.rescue(app, "me") == []
    theirs.rollback()
    assert rescue(app) == [("silent", 1)]


def test_one_of_two_has_a_turn_until_its_session_ends(app, session):
    theirs = session("w1").engine
    turn = fencing.take_turn(theirs, dialect.Lock.FOLLOW)
    assert turn is not None
    assert fencing.take_turn(app.engine, dialect.Lock.FOLLOW) is None
    assert fencing.has_turn(turn)

    with engines.statements(app.engine) as conn:
        assert fencing.end_sessions(conn, ["w1"]) == ["w1"]

    assert not fencing.has_turn(turn)
    mine = fencing.take_turn(app.engine, dialect.Lock.FOLLOW)
    assert mine is not None
    fencing.end_turn(mine)
    turn = fencing.take_turn(theirs, dialect.Lock.FOLLOW)
    assert turn is not None
    fencing.end_turn(turn)


def a_card(name, published_at, **changes):
    made = Workflow(
        name=name,
        error=None,
        description="",
        nodes=("a",),
        graph={"nodes": []},
        input_schema=None,
        context_schema=None,
        state_schema={"type": "object"},
        channels=("log",),
        published_at=published_at,
    )
    return replace(made, **changes)


def test_an_older_worker_that_starts_anew_does_not_bring_its_card_back(app, enter):
    old, new = enter("old"), enter("new")
    at = presence.tell_time(app)
    before, after = a_card("refunds", at), a_card("refunds", at, nodes=("a", "b"))
    removed = a_card("removed", at)

    def shown():
        with engines.read(app.engine) as conn:
            return {w.name: w.nodes for w in workflows.fetch_all(conn)}

    publishing.enter(app, Publication(old, [before, removed]))
    fresh = publishing.enter(app, Publication(new, [after]))
    assert shown() == {"refunds": ("a", "b"), "removed": ("a",)}
    assert fresh.serves.leaves == {"removed"}  # it is the older one's
    assert fresh.serves.takes("of nobody")  # such a run waits for no worker that never comes
    assert not fresh.is_alone
    again = publishing.enter(app, Publication(old, [before, removed]))
    assert shown()["refunds"] == ("a", "b")
    assert (again.serves.workflows, again.serves.leaves) == (None, frozenset())

    presence.leave(app, "new")  # rolled back
    publishing.settle(app, Publication(old, [before, removed]), again)
    assert shown() == {"refunds": ("a",), "removed": ("a",)}

    new = enter("new")
    fresh = publishing.enter(app, Publication(new, [after]))
    presence.leave(app, "old")  # and out again
    last = publishing.settle(app, Publication(new, [after]), fresh)
    assert shown() == {"refunds": ("a", "b")}
    assert last.is_alone
    assert publishing.settle(app, Publication(new, [after]), last) is last


def test_a_run_is_left_to_a_worker_that_has_come_with_its_code_just_now(app, enter, make):
    old, new = enter("old"), enter("new")
    now = presence.tell_time(app)
    known, added = a_card("known", now), a_card("added", now)
    stale = publishing.enter(app, Publication(old, [known])).serves
    fresh = publishing.enter(app, Publication(new, [known, added])).serves
    with engines.write(app.engine) as conn:
        for kind, name in ((JobKind.RUN, "r"), (JobKind.STEP, "e")):
            given = {"payload": {"run_id": "r1"}, "workflow": "added"}
            app.queue.enqueue(conn, NewJob(job_id=name, kind=kind, **given), now=now)
        threads.insert(conn, make.thread())
        runs.insert(conn, make.run("r1", workflow="added"))

    claim = claiming.claim_jobs(app, "old", limit=9, serves=stale)
    assert (claim.runs, claim.errands, claim.has_left) == ((), (), True)
    claim = claiming.claim_jobs(app, "new", limit=9, serves=fresh)
    assert [claimed.run.run_id for claimed in claim.runs] == ["r1"]
    assert [job.job_id for job in claim.errands] == ["e"]  # nobody died of it
    assert not claim.has_left


def test_a_version_is_forgotten_when_nobody_has_served_it_for_long(app, enter):
    now = presence.tell_time(app)
    long_ago = now - publications.KEPT - timedelta(days=1)
    with engines.write(app.engine) as conn:
        publications.enter(conn, enter("w").worker_id, {"served": "1", "new": "1"})
        for name, first_at in (("gone", long_ago), ("served", long_ago), ("late", now)):
            publications.note_versions(conn, {name: "1"}, project="p", now=first_at)
        publications.note_versions(conn, {"new": "1"}, project="p", now=now)
        assert publications.fetch_names(conn, project="p") == {"served", "late", "new"}
        served = {("served", "1"): Version(long_ago, "p"), ("new", "1"): Version(now, "p")}
        assert publications.fetch_versions(conn) == served


def test_a_thread_that_has_moved_since_is_not_levelled(app, make):
    run = make.run("r1", status="waiting")
    with engines.write(app.engine) as conn:
        threads.insert(conn, make.thread())
        runs.insert(conn, run)
    behind = leveling.Behind("refunds", None, run)
    entry = make.checkpoint("c1")

    assert not leveling.store(app, "t1", replace(behind, held=None), [entry])
    assert leveling.store(app, "t1", behind, [entry])
    assert not leveling.store(app, "t1", behind, [make.checkpoint("c2")])  # it is at c1 by now
