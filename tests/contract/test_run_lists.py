"""The list of runs: filtered, searched, counted, grouped by error; and acts upon a whole group."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.clock import FrozenClock
from interlock.core.model.run_lists import COUNT_LIMIT, RunCount, RunFilter, add_up
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import browsing, observing, running
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import run_lists, runs, threads
from interlock.core.store.engine import read, write

FAILED = RunStatus.FAILED


@pytest.fixture
def put(engine, make):
    """Put a run on a thread of its own, which it was the last to move."""

    def put_(run_id, status=RunStatus.DONE, error=None, **fields):
        thread_id = fields.pop("thread_id", f"t-{run_id}")
        run = make.run(
            run_id,
            thread_id=thread_id,
            status=status,
            error=error and Failure(error, "no"),
            **fields,
        )
        with write(engine) as conn:
            threads.insert(conn, make.thread(thread_id, last_run_id=run_id))
            runs.insert(conn, run)
            threads.touch(conn, thread_id, last_run_id=run_id, now=make.at(0))
        return run

    return put_


@pytest.fixture
def app(engine, make, tmp_path):
    settings = Settings(data_dir=tmp_path)
    return App(settings=settings, engine=engine, queue=LocalQueue(), clock=FrozenClock(make.at(60)))


def ids(found):
    return [run.run_id for run in found]


def test_degraded_runs_are_listed_and_counted_by_themselves(engine, make, put):
    put("fine", input={"topic": "tea"})
    put("served", is_degraded=True, input={"topic": "tea"})
    put("also", is_degraded=True, workflow="other", created_at=make.at(1))
    with read(engine) as conn:

        def find(**more):
            wanted = RunFilter(is_degraded=True, **more)
            return ids(run_lists.fetch_page(conn, wanted, limit=9))

        assert find() == ["also", "served"]
        assert find(words="tea") == ["served"]
        assert find(workflow="other") == ["also"]
        counts = run_lists.count_by_status(conn, RunFilter(is_degraded=True))
        found = run_lists.fetch_page(conn, RunFilter(), limit=9)
    assert counts[RunStatus.DONE].count == 2
    assert {run.run_id: run.is_degraded for run in found} == {
        "fine": False,
        "served": True,
        "also": True,
    }


def test_runs_are_found_by_words_ids_and_their_ends(engine, make, put):
    put("0199aaaa-long-id-ends-in-c0ffee01", input={"topic": "Volcanoes"}, created_at=make.at(1))
    put("0199aaaa-long-id-ends-in-c0ffee02", status=FAILED, error="E", created_at=make.at(2))
    with read(engine) as conn:

        def find(words, **more):
            return [
                r[-2:]
                for r in ids(run_lists.fetch_page(conn, RunFilter(words=words, **more), limit=9))
            ]

        assert find("volcano") == ["01"]
        assert find("c0ffee02") == ["02"]
        assert find("refunds") == ["02", "01"]  # newest first
        assert find("refunds", statuses=(FAILED,)) == ["02"]
        assert find("refunds", workflow="essays") == []
        assert find("nothing like it") == []
        assert find("  ") == ["02", "01"]
        assert ids(run_lists.fetch_page(conn, RunFilter(words="refunds"), limit=1, offset=1)) == [
            "0199aaaa-long-id-ends-in-c0ffee01"
        ]


def test_each_status_is_counted_whatever_is_listed(engine, put):
    put("r1")
    put("r2", FAILED, "ValueError")
    put("r3", FAILED, "KeyError", workflow="essays", input={"topic": "Volcanoes"})
    with read(engine) as conn:

        def count(**given):
            counts = run_lists.count_by_status(conn, RunFilter(**given))
            assert counts.keys() == set(RunStatus)
            return add_up(counts, ()).count, add_up(counts, (FAILED,)).count

        assert count() == (3, 2)
        assert count(statuses=(RunStatus.QUEUED,)) == (3, 2)
        assert count(workflow="essays") == (1, 1)
        assert count(error_type="ValueError") == (1, 1)
        assert count(words="volcanoes") == (1, 1)
        assert count(words="volcanoes", workflow="refunds") == (0, 0)


def test_a_count_goes_no_further_than_it_must(engine, put, monkeypatch):
    for n in range(4):
        put(f"r{n}")
    monkeypatch.setattr(run_lists, "COUNT_LIMIT", 3)
    run_lists._count.cache_clear()
    with read(engine) as conn:
        counts = run_lists.count_by_status(conn, RunFilter())
    run_lists._count.cache_clear()
    assert counts[RunStatus.DONE] == RunCount(3, is_all=False)
    assert add_up(counts, ()) == RunCount(3, is_all=False)
    assert COUNT_LIMIT > 1000


def test_failed_runs_are_grouped_by_error_unless_their_thread_went_on(engine, make, put):
    put("r1", FAILED, "ValueError", created_at=make.at(1))
    put("r2", FAILED, "ConnectionError", created_at=make.at(2))
    put("r3", FAILED, "ConnectionError", created_at=make.at(3), workflow="essays")
    put("gone on", FAILED, "ConnectionError", thread_id="t", created_at=make.at(4))
    put("after it", RunStatus.DONE, thread_id="t", created_at=make.at(5))
    with read(engine) as conn:
        groups = run_lists.group_failed(conn, RunFilter(), limit=9)
        told = [(g.error_type, g.count, g.newest_at, g.newest.run_id) for g in groups]
        assert told == [
            ("ConnectionError", 2, make.at(3), "r3"),
            ("ValueError", 1, make.at(1), "r1"),
        ]
        own = run_lists.group_failed(conn, RunFilter(workflow="essays"), limit=9)
        assert [(g.error_type, g.count) for g in own] == [("ConnectionError", 1)]
        wanted = RunFilter(error_type="ConnectionError")
        assert run_lists.fetch_failed_ids(conn, wanted, limit=9) == ["r2", "r3"]
        assert run_lists.fetch_failed_ids(conn, wanted, limit=1) == ["r2"]
        searched = replace(wanted, words="essays")
        assert run_lists.fetch_failed_ids(conn, searched, limit=9) == ["r3"]
        assert ids(run_lists.fetch_page(conn, wanted, limit=9)) == ["gone on", "r3", "r2"]


def test_a_group_is_retried_run_by_run_with_a_word_for_each(app, put):
    put("r1", FAILED, "ConnectionError")
    put("r2", FAILED, "ConnectionError")
    put("done", RunStatus.DONE)
    told = running.retry_many(app, ["r1", "done", "r2", "nobody"], actor="ann", reason="it is up")
    assert [t.is_done for t in told] == [True, False, True, False]
    assert "only failed or cancelled" in told[1].refusal
    assert "nobody" in told[3].refusal
    new = observing.get_run(app, told[0].new_run_id)
    assert (new.previous_run_id, new.status, new.reason) == ("r1", RunStatus.QUEUED, "it is up")
    assert browsing.group_failed(app, RunFilter()) == []  # each has a run that goes on with it
    again = running.retry_many(app, ["r1"], actor="ann")
    assert "went on with run" in again[0].refusal


def test_a_group_is_cancelled_and_a_failed_run_given_up(app, put):
    put("r1", FAILED, "ConnectionError")
    put("r2", RunStatus.WAITING)
    put("r3", RunStatus.DONE)
    assert browsing.find_failed(app, RunFilter(), limit=9) == ["r1"]
    told = running.cancel_many(app, ["r1", "r2", "r3"], actor="ann")
    assert [t.is_done for t in told] == [True, True, False]
    assert "ended already" in told[2].refusal
    given_up = observing.get_run(app, "r1")
    assert given_up.status is RunStatus.CANCELLED
    assert given_up.error == Failure("ConnectionError", "no")
    assert observing.get_run(app, "r2").status is RunStatus.CANCELLED
    assert browsing.find_failed(app, RunFilter(), limit=9) == []
    assert ids(browsing.list_runs(app, RunFilter(statuses=(FAILED,)), limit=9)) == []
    counts = browsing.count_runs(app, RunFilter())
    assert counts[RunStatus.CANCELLED] == RunCount(2, is_all=True)
    assert running.retry_many(app, ["r1"], actor="ann")[0].is_done
