"""Hearing of commits, on both databases; and not to go deaf when a server comes and goes."""

from __future__ import annotations

import signal
import threading

import psycopg
import pytest
from sqlalchemy import event, text

from interlock.core.model.holds import Hold
from interlock.core.queue.choosing import queue_for
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.store import engine as engines
from interlock.core.store import holds, runs, topics
from interlock.core.store.engine import read, write
from interlock.core.store.watching import Channels, open_watch

NEVER = threading.Event()
TIMEOUT_S = 20.0


@pytest.fixture
def listen():
    """Open watches that are caught up, and close them."""
    opened = []

    def open_(engine, channels=Channels.SCREENS):
        watch = open_watch(engine, channels)
        opened.append(watch)
        assert watch.wait(timeout_s=TIMEOUT_S, stop=NEVER)  # whatever came before it listened
        while watch.has_moved():
            pass
        return watch

    yield open_
    for watch in opened:
        watch.close()


@pytest.fixture
def postgres(postgres_url):
    opened = engines.open_engine(postgres_url)
    yield opened
    opened.dispose()


def hears(watch, timeout_s=TIMEOUT_S):
    return watch.wait(timeout_s=timeout_s, stop=NEVER)


def bump(engine, *names):
    with write(engine) as conn:
        topics.bump(conn, *names)


def put(engine, make, job_id, *, lock=None):
    with write(engine) as conn:
        job = NewJob(job_id=job_id, kind=JobKind.RUN, lock=lock)
        queue_for(engine).enqueue(conn, job, now=make.at(0))


def test_a_commit_of_another_connection_is_heard(engine, listen):
    watch = listen(engine)
    assert not watch.has_moved()
    bump(engine, "inbox")
    assert hears(watch)
    assert not watch.has_moved()


def test_what_was_rolled_back_is_not_heard(engine, listen):
    watch = listen(engine)
    with pytest.raises(ValueError, match="no"), write(engine) as conn:
        topics.bump(conn, "inbox")
        raise ValueError("no")
    assert not hears(watch, timeout_s=0.05)


def test_a_wait_ends_when_it_is_told_to(engine, listen):
    watch = listen(engine)
    stop = threading.Event()
    waiting = threading.Thread(target=watch.wait, kwargs={"timeout_s": 600, "stop": stop})
    waiting.start()
    stop.set()
    waiting.join(timeout=TIMEOUT_S)
    assert not waiting.is_alive()


def test_a_worker_hears_of_work_and_of_what_keeps_it_from_working(postgres, listen, make):
    watch = listen(postgres, Channels.WORK)
    with write(postgres) as conn:
        make.put_run(conn)
    put(postgres, make, "j1", lock="t1")
    assert hears(watch)
    put(postgres, make, "j2", lock="t1")
    assert hears(watch)
    queue = queue_for(postgres)
    with write(postgres) as conn:
        assert len(queue.claim(conn, worker_id="w1", limit=9, now=make.at(1))) == 1
    bump(postgres, "runs", "inbox", "figures")
    assert not watch.has_moved()  # that is for screens

    with write(postgres) as conn:
        queue.finish(conn, "j1")  # its lock is free
    assert hears(watch)
    with write(postgres) as conn:
        (job,) = queue.claim(conn, worker_id="w1", limit=9, now=make.at(1))
    with write(postgres) as conn:
        queue.hand_back(conn, job)
    assert hears(watch)
    with write(postgres) as conn:
        runs.request_cancel(conn, "r1", now=make.at(2))
    assert hears(watch)
    with write(postgres) as conn:
        holds.insert(conn, Hold(scope="w", held_by="ann", reason="", held_at=make.at(1)))
        topics.bump(conn, "holds")
    assert hears(watch)


def test_a_session_that_ended_is_replaced_and_what_was_missed_counts(postgres, listen):
    watch = listen(postgres)
    with read(postgres) as conn:
        ended = conn.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        )
        assert ended.scalar_one() == 1
    bump(postgres, "inbox")  # nobody listens
    assert hears(watch)
    assert not watch.has_moved()
    bump(postgres, "inbox")
    assert hears(watch)


def test_a_listener_takes_no_place_in_the_pool(postgres, listen):
    for channels in (Channels.SCREENS, Channels.WORK):
        listen(postgres, channels)
    assert postgres.pool.checkedout() == 0


def test_it_listens_again_after_the_server_was_away(stoppable_postgres, listen):
    stoppable_postgres.stop()
    stoppable_postgres.start()
    engine = engines.open_engine(stoppable_postgres.url)
    for how in (signal.SIGINT, signal.SIGQUIT):
        watch = listen(engine)
        stoppable_postgres.stop(how)
        assert not hears(watch, timeout_s=0.05)
        assert not watch.has_moved()
        stoppable_postgres.start()
        assert hears(watch)  # it may have missed something
        with write(engine) as conn:
            conn.execute(text("SELECT pg_notify('interlock_screens', '')"))
        assert hears(watch)
    engine.dispose()


def test_a_server_that_goes_while_one_begins_to_listen_is_tried_again(postgres):
    watch = open_watch(postgres, Channels.WORK)
    watch._listen = "SELECT pg_terminate_backend(pg_backend_pid())"
    is_away = False

    @event.listens_for(postgres, "do_connect")
    def refuse(*_given):
        nonlocal is_away
        if is_away:
            raise psycopg.OperationalError("connection refused")
        is_away = True

    assert not watch.wait(timeout_s=0.01, stop=NEVER)
    watch.close()
