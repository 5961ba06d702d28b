from __future__ import annotations

import threading
from dataclasses import fields
from itertools import product

import pytest
from sqlalchemy import event

from interlock.core.errors import Conflict
from interlock.core.model.runs import Failure, FailureLine, RunKind, RunStatus, RunSummary
from interlock.core.store import runs, threads
from interlock.core.store.engine import read, write


def test_a_run_comes_back_as_it_was_put(engine, make):
    with write(engine) as conn:
        run = make.put_run(
            conn, error=Failure("ValueError", "no", node="charge"), started_at=make.at(1)
        )
    with read(engine) as conn:
        assert run == runs.fetch(conn, "r1")
        assert runs.fetch(conn, "r2") is None


def test_a_run_belongs_to_a_thread(engine, make):
    with pytest.raises(Conflict, match="not there"), write(engine) as conn:
        runs.insert(conn, make.run(thread_id="unknown"))


def test_a_run_moves_only_from_where_it_is_believed_to_be(engine, make):
    failure = Failure("ValueError", "no", versions={"langgraph": "1.2"})
    with write(engine) as conn:
        make.put_run(conn)
        assert not runs.move(conn, "r1", from_=[RunStatus.RUNNING], to=RunStatus.DONE)
        assert not runs.move(conn, "r2", from_=[RunStatus.QUEUED], to=RunStatus.RUNNING)
        assert runs.move(
            conn,
            "r1",
            from_={RunStatus.QUEUED, RunStatus.RUNNING},
            to=RunStatus.FAILED,
            started_at=make.at(1),
            ended_at=make.at(2),
            error=failure,
            end_checkpoint_id="c9",
            deliveries=3,
        )
        run = runs.fetch(conn, "r1")
    assert (RunStatus.FAILED, failure, "c9", 3) == (
        run.status,
        run.error,
        run.end_checkpoint_id,
        run.deliveries,
    )
    assert (make.at(1), make.at(2)) == (run.started_at, run.ended_at)


def test_a_failure_can_be_taken_back(engine, make):
    with write(engine) as conn:
        make.put_run(conn, error=Failure("ValueError", "no"))
        assert runs.move(conn, "r1", from_=[RunStatus.QUEUED], to=RunStatus.RUNNING, error=None)
        assert runs.fetch(conn, "r1").error is None


def test_a_move_changes_nothing_else(engine, make):
    with write(engine) as conn, pytest.raises(TypeError, match="thread_id"):
        runs.move(conn, "r1", from_=[RunStatus.QUEUED], to=RunStatus.DONE, thread_id="t2")


def test_a_thread_has_one_queued_resume_run(engine, make):
    with write(engine) as conn:
        first = make.put_run(conn, "r1", kind=RunKind.RESUME)
        make.put_run(conn, "r2", kind=RunKind.RESUME, thread_id="t2")
        make.put_run(conn, "r3", kind=RunKind.RESUME, status=RunStatus.DONE)
        make.put_run(conn, "r4")
        assert first == runs.find_queued_resume(conn, "t1")
        assert runs.find_queued_resume(conn, "t3") is None
    with pytest.raises(Conflict, match="queued"), write(engine) as conn:
        make.put_run(conn, "r5", kind=RunKind.RESUME)
    with write(engine) as conn:
        runs.move(conn, "r1", from_=[RunStatus.QUEUED], to=RunStatus.RUNNING)
        assert runs.find_queued_resume(conn, "t1") is None
        make.put_run(conn, "r6", kind=RunKind.RESUME)


def test_of_many_who_make_the_resume_run_at_once_one_does_and_the_others_join(engine, make):
    with write(engine) as conn:
        threads.insert(conn, make.thread())
    joined, start = [], threading.Barrier(5)

    def join(name):
        start.wait()
        with write(engine) as conn:
            threads.lock(conn, "t1")
            found = runs.find_queued_resume(conn, "t1")
            if found is None:
                found = make.run(name, kind=RunKind.RESUME)
                runs.insert(conn, found)
            joined.append(found.run_id)

    people = [threading.Thread(target=join, args=(f"r{n}",)) for n in range(5)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len(joined) == 5
    assert len(set(joined)) == 1


def test_a_cancel_request_keeps_its_first_time_and_spares_the_ended(engine, make):
    with write(engine) as conn:
        make.put_run(conn, "open")
        make.put_run(conn, "held", status=RunStatus.WAITING)
        make.put_run(conn, "ended", status=RunStatus.DONE)
        assert runs.request_cancel(conn, "open", now=make.at(1))
        assert runs.request_cancel(conn, "open", now=make.at(2))
        assert runs.request_cancel(conn, "held", now=make.at(2))
        assert not runs.request_cancel(conn, "ended", now=make.at(2))
        assert not runs.request_cancel(conn, "unknown", now=make.at(2))
        assert make.at(1) == runs.fetch(conn, "open").cancel_requested_at
        asked = runs.fetch_cancel_requests(conn, run_ids=["open", "ended", "unknown"])
        assert {"open"} == asked
        assert set() == runs.fetch_cancel_requests(conn, run_ids=[])


def test_runs_that_have_not_ended_are_found_oldest_first(engine, make):
    with write(engine) as conn:
        for number, status in enumerate(RunStatus):
            make.put_run(conn, status.value, status=status, created_at=make.at(-number // 2))
        make.put_run(conn, "elsewhere", thread_id="t2")
        found = [run.run_id for run in runs.find_open_or_held(conn, "t1")]
    assert found == ["paused", "running", "waiting", "queued"]


def test_counts_tell_the_live(engine, make):
    with write(engine) as conn:
        for number in range(3):
            make.put_run(conn, f"q{number}")
            make.put_run(conn, f"f{number}", status=RunStatus.FAILED, ended_at=make.at(number))
        make.put_run(conn, "w", status=RunStatus.WAITING)
    with read(engine) as conn:
        assert runs.count_by_status(conn) == {"queued": 3, "running": 0, "waiting": 1, "paused": 0}


def test_the_longest_queued_run_says_how_long_the_queue_stands(engine, make):
    with write(engine) as conn:
        assert runs.oldest_queued_at(conn) is None
        make.put_run(conn, "r1", status=RunStatus.RUNNING)
        make.put_run(conn, "r2", created_at=make.at(2))
        make.put_run(conn, "r3", created_at=make.at(1))
    with read(engine) as conn:
        assert make.at(1) == runs.oldest_queued_at(conn)


def test_what_a_run_does_and_was_sent_can_be_asked_alone(engine, make):
    with write(engine) as conn:
        make.put_run(conn, status=RunStatus.DONE)
    with read(engine) as conn:
        assert runs.fetch_status(conn, "r1") is RunStatus.DONE
        assert runs.fetch_status(conn, "r2") is None
        assert runs.fetch_input(conn, "r1") == {"amount": 700}
        assert runs.fetch_input(conn, "r2") is None


HOSTILE = '","stack":"\\","stack":" \0 \ud800 \u2028 {}'


def test_a_list_says_why_a_run_failed_and_leaves_the_rest_in_the_database(engine, make):
    failures = {
        "plain": Failure("ValueError", "no", stack="x" * 50_000, snapshot={"stack": HOSTILE}),
        "hostile": Failure(HOSTILE, HOSTILE, stack=HOSTILE, snapshot=HOSTILE),
        "empty": Failure("", ""),
        "none": None,
    }
    big = "b" * 100_000
    with write(engine) as conn:
        for run_id, failure in failures.items():
            make.put_run(conn, run_id, error=failure, input={"big": big}, context={"big": big})
    with read(engine) as conn:
        rows = []
        event.listen(conn, "after_execute", lambda *given: rows.append(given[-1]))
        found = {run.run_id: run.error for run in runs.fetch_many(conn, limit=9)}
        [sent] = [row.keys() for row in rows]
    assert found == {
        run_id: failure and FailureLine(failure.type, failure.message)
        for run_id, failure in failures.items()
    }
    assert not {"input", "context", "options", "error"} & set(sent)


def summary(run):
    """The run as a list has it."""
    kept = {field.name: getattr(run, field.name) for field in fields(RunSummary)}
    error = run.error and FailureLine(run.error.type, run.error.message)
    return RunSummary(**kept | {"error": error})


FILTERS = list(
    product(
        [(), (RunStatus.DONE,), (RunStatus.DONE, RunStatus.QUEUED)],
        [{}, {"workflow": "essays"}, {"thread_id": "t1"}],
    )
)


def test_lists_are_filtered_newest_first_and_paged(engine, make):
    with write(engine) as conn:
        made = [
            make.put_run(
                conn,
                f"r{n:02}",
                thread_id=f"t{n % 2}",
                workflow="essays" if n % 3 else "refunds",
                status=list(RunStatus)[n % 5 * 5 % 8],
                created_at=make.at(n // 3),
            )
            for n in range(12)
        ]
    for statuses, given in FILTERS:
        expected = [
            summary(run)
            for run in sorted(made, key=lambda run: (run.created_at, run.run_id), reverse=True)
            if (not statuses or run.status in statuses)
            and all(getattr(run, name) == value for name, value in given.items())
        ]
        filters = {**given, "statuses": statuses}
        with read(engine) as conn:
            assert expected == runs.fetch_many(conn, **filters, limit=50), filters
            pages = [
                run
                for offset in range(0, 15, 5)
                for run in runs.fetch_many(conn, **filters, limit=5, offset=offset)
            ]
        assert expected == pages, filters
