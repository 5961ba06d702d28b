"""What every job queue promises, whatever carries it."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from interlock.core.errors import Conflict
from interlock.core.model.holds import EVERYTHING, Hold
from interlock.core.queue.local import LocalQueue
from interlock.core.queue.port import ERRAND_PRIORITY, JobKind, NewJob, Serves
from interlock.core.queue.procrastinate import ProcrastinateQueue
from interlock.core.store import holds
from interlock.core.store.engine import read, write


@pytest.fixture
def queue(engine):
    return LocalQueue() if engine.dialect.name == "sqlite" else ProcrastinateQueue()


@pytest.fixture
def put(engine, queue, make):
    """Enqueue a job; later ones are younger."""
    count = iter(range(1000))

    def enqueue(job_id, *, lock=None, priority=0, run_at=None, at=None, workflow=""):
        job = NewJob(
            job_id=job_id,
            kind=JobKind.RUN,
            lock=lock,
            payload={"run_id": job_id},
            priority=priority,
            run_at=run_at,
            workflow=workflow,
        )
        with write(engine) as conn:
            queue.enqueue(conn, job, now=make.at(next(count) / 1000 if at is None else at))

    return enqueue


@pytest.fixture
def claim(engine, queue, make):
    """Claim in a transaction of its own; the ids claimed."""

    def claim(limit=10, worker_id="w1", at=10.0):
        with write(engine) as conn:
            jobs = queue.claim(conn, worker_id=worker_id, limit=limit, now=make.at(at))
        return [job.job_id for job in jobs]

    return claim


def test_a_claimed_job_is_told_whole(engine, queue, make, put):
    put("j1", lock="t1", priority=3, at=1)
    with write(engine) as conn:
        (job,) = queue.claim(conn, worker_id="w1", limit=1, now=make.at(2))
    assert (
        job.job_id,
        job.kind,
        job.lock,
        job.payload,
    ) == ("j1", JobKind.RUN, "t1", {"run_id": "j1"})
    assert (3, 1, None, make.at(1)) == (job.priority, job.deliveries, job.progress, job.created_at)


def test_nothing_is_claimed_of_an_empty_queue(claim):
    assert claim() == []


def test_a_higher_priority_comes_first_then_the_older(put, claim):
    for name, priority in (("old", 0), ("urgent", 5), ("young", 0), ("least", -1)):
        put(name, priority=priority)
    assert claim(limit=2) == ["urgent", "old"]
    assert claim(limit=2) == ["young", "least"]


def test_jobs_of_the_same_moment_come_one_after_the_other(put, claim):
    for name in ("a", "b", "c"):
        put(name, at=1)
    assert claim() == ["a", "b", "c"]


def test_a_claimed_job_is_not_claimed_again(put, claim):
    put("j1")
    assert claim() == ["j1"]
    assert claim(worker_id="w2") == []


def test_a_job_is_not_handed_out_before_its_time(engine, queue, make, put, claim):
    put("later", run_at=make.at(20))
    with read(engine) as conn:
        assert queue.count_due(conn, now=make.at(19)) == 0
        assert queue.count_due(conn, now=make.at(20)) == 1
    assert claim(at=19) == []
    assert claim(at=20) == ["later"]


def test_one_job_of_a_lock_is_carried_out_at_a_time_in_order(engine, queue, put, claim):
    for name in ("first", "second", "third"):
        put(name, lock="t1")
    put("elsewhere", lock="t2")
    assert claim() == ["first", "elsewhere"]
    assert claim() == []
    with write(engine) as conn:
        queue.finish(conn, "first")
    assert claim() == ["second"]
    with write(engine) as conn:
        queue.finish(conn, "second", failed=True)
    assert claim() == ["third"]


def test_within_a_lock_the_priority_decides(put, claim):
    put("old", lock="t1")
    put("urgent", lock="t1", priority=1)
    assert claim() == ["urgent"]


def test_a_job_that_is_not_due_does_not_hold_up_its_lock(make, put, claim):
    put("timeout", lock="t1", run_at=make.at(900), priority=9)
    put("resume", lock="t1")
    assert claim() == ["resume"]


def test_jobs_without_a_lock_do_not_wait_for_each_other(put, claim):
    put("j1")
    put("j2")
    assert claim() == ["j1", "j2"]


def test_a_limit_below_the_blocked_ones_still_finds_free_jobs(put, claim):
    for n in range(5):
        put(f"t1-{n}", lock="t1")
    put("t2", lock="t2")
    assert claim(limit=2) == ["t1-0", "t2"]


def test_a_transaction_that_is_rolled_back_leaves_no_job(engine, queue, make, claim):
    with pytest.raises(ValueError, match="no"), write(engine) as conn:
        queue.enqueue(conn, NewJob(job_id="j1", kind=JobKind.RUN), now=make.at(0))
        raise ValueError("no")
    assert claim() == []


def test_a_claim_that_is_rolled_back_leaves_the_job(engine, queue, make, put, claim):
    put("j1")
    with pytest.raises(ValueError, match="no"), write(engine) as conn:
        assert len(queue.claim(conn, worker_id="w1", limit=1, now=make.at(1))) == 1
        raise ValueError("no")
    with write(engine) as conn:
        (job,) = queue.claim(conn, worker_id="w2", limit=1, now=make.at(1))
    assert job.deliveries == 1


def test_a_job_is_enqueued_once(put):
    put("j1")
    with pytest.raises(Conflict):
        put("j1")


def test_jobs_put_back_come_again_and_are_counted(engine, queue, make, put, claim):
    put("mine", lock="t1")
    put("behind", lock="t1")
    put("theirs")
    assert claim(limit=1, worker_id="w1") == ["mine"]
    assert claim(worker_id="w2") == ["theirs"]
    with write(engine) as conn:
        queue.note_progress(conn, "mine", progress="c7")
        assert len(queue.put_back(conn, worker_id="w1")) == 1
        assert not queue.put_back(conn, worker_id="w1")
    with write(engine) as conn:
        (job,) = queue.claim(conn, worker_id="w3", limit=5, now=make.at(10))
    assert (job.job_id, job.deliveries, job.progress) == ("mine", 2, "c7")


def test_a_job_that_is_handed_back_is_claimed_anew(engine, queue, make, put, claim):
    put("j1", lock="t1")
    put("j2", lock="t1")
    with write(engine) as conn:
        (job,) = queue.claim(conn, worker_id="w1", limit=9, now=make.at(10))
    with write(engine) as conn:
        queue.hand_back(conn, job)
    assert claim(worker_id="w2") == ["j1"]


def test_a_hand_back_that_is_done_again_takes_nothing_from_whoever_has_the_job_now(
    engine, queue, make, put, claim
):
    put("j1", lock="t1")
    with write(engine) as conn:
        (job,) = queue.claim(conn, worker_id="w1", limit=1, now=make.at(10))
    for _ in range(2):  # the first was committed, and the answer to it lost
        with write(engine) as conn:
            queue.hand_back(conn, job)
    with write(engine) as conn:
        (anew,) = queue.claim(conn, worker_id="w2", limit=1, now=make.at(10))
    with write(engine) as conn:
        queue.hand_back(conn, job)
        assert queue.is_claimed(conn, anew, worker_id="w2")
    assert claim(worker_id="w3") == []


def test_a_job_that_nobody_ever_had_can_be_dropped(engine, queue, put, claim):
    put("waiting")
    put("claimed", priority=1)
    assert claim(limit=1) == ["claimed"]
    with write(engine) as conn:
        assert queue.drop(conn, "waiting")
        assert not queue.drop(conn, "waiting")
        assert not queue.drop(conn, "claimed")
        queue.put_back(conn, worker_id="w1")
        assert not queue.drop(conn, "claimed")
    assert claim() == ["claimed"]


def test_results_are_kept_until_cleared(engine, queue, make, put, claim):
    for name in ("good", "bad", "open"):
        put(name, at=1)
    put("young", at=5)
    claim()
    with write(engine) as conn:
        queue.finish(conn, "good", result={"values": [1]})
        queue.finish(conn, "bad", failed=True)
        queue.finish(conn, "young")
        queue.finish(conn, "good", result="late")
    with write(engine) as conn:
        assert queue.fetch_result(conn, "good") == ("done", {"values": [1]})
        assert queue.fetch_result(conn, "bad") == ("failed", None)
        assert queue.fetch_result(conn, "open") == ("doing", None)
        assert queue.fetch_result(conn, "unknown") is None
        assert queue.clear_finished(conn, before=make.at(5)) == 2
        assert queue.fetch_result(conn, "good") is None
        assert queue.fetch_result(conn, "young") == ("done", None)


def test_a_finished_job_is_not_put_back(engine, queue, put, claim):
    put("j1")
    claim()
    with write(engine) as conn:
        queue.finish(conn, "j1")
        assert not queue.put_back(conn, worker_id="w1")
    assert claim() == []


def test_the_database_itself_refuses_a_second_job_of_a_lock(engine, put, claim):
    put("j1", lock="t1")
    put("j2", lock="t1")
    claim()
    with pytest.raises(Conflict, match="same lock"), write(engine) as conn:
        conn.execute(text("UPDATE jobs SET status = 'doing' WHERE job_id = 'j2'"))


def test_many_claimers_never_get_the_same_job_nor_two_of_a_lock(engine, queue, make, put):
    for n in range(40):
        put(f"j{n:02}", lock=f"t{n % 7}", priority=n % 3)
    done, overlaps, busy, guard = [], [], set(), threading.Lock()
    start = threading.Barrier(4)

    def work(worker_id):
        start.wait()
        while len(done) < 40:
            with write(engine) as conn:
                jobs = queue.claim(conn, worker_id=worker_id, limit=3, now=make.at(99))
            with guard:
                overlaps.extend(job.lock for job in jobs if job.lock in busy)
                busy.update(job.lock for job in jobs)
            for job in jobs:
                with guard:
                    busy.discard(job.lock)
                    done.append(job.job_id)
                with write(engine) as conn:
                    queue.finish(conn, job.job_id)

    workers = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert overlaps == []
    assert [f"j{n:02}" for n in range(40)] == sorted(done)


def test_a_more_urgent_job_that_comes_during_a_claim_waits_for_its_lock(engine, queue, make, put):
    put("first", lock="t1")
    others, start = [], threading.Event()

    def claim_too():
        start.wait()
        with write(engine) as conn:
            others.extend(queue.claim(conn, worker_id="w2", limit=5, now=make.at(9)))

    other = threading.Thread(target=claim_too)
    other.start()
    with write(engine) as conn:
        assert len(queue.claim(conn, worker_id="w1", limit=1, now=make.at(9))) == 1
        if engine.dialect.name == "postgresql":  # a second writer, which SQLite would let wait
            put("urgent", lock="t1", priority=9)
        start.set()
        other.join(timeout=0.2)
    other.join()
    assert others == []


def test_a_job_is_due_at_once_although_the_clock_was_set_back(put, claim):
    put("j1", at=3600)
    assert claim(at=0) == ["j1"]


def test_an_errand_is_taken_where_there_is_no_room_for_a_run(engine, queue, make, put):
    put("r1", priority=ERRAND_PRIORITY)
    errand = NewJob(job_id="e1", kind=JobKind.STEP, priority=ERRAND_PRIORITY)
    with write(engine) as conn:
        assert not queue.is_any_due(conn, now=make.at(9), only_errands=True)
        queue.enqueue(conn, errand, now=make.at(2))
        assert queue.is_any_due(conn, now=make.at(9), only_errands=True)
        (job,) = queue.claim(conn, worker_id="w1", limit=5, now=make.at(9), only_errands=True)
        assert (job.job_id, job.kind) == ("e1", JobKind.STEP)
        assert not queue.is_any_due(conn, now=make.at(9), only_errands=True)
        assert queue.is_any_due(conn, now=make.at(9))


def hold(engine, scope, at):
    with write(engine) as conn:
        holds.insert(conn, Hold(scope=scope, held_by="Ann", reason="", held_at=at))


def test_no_run_of_what_is_held_is_claimed_and_the_others_are(engine, queue, make, put, claim):
    put("a1", workflow="a")
    put("b1", workflow="b")
    hold(engine, "a", make.at(1))

    assert claim() == ["b1"]
    with write(engine) as conn:
        assert not queue.is_any_due(conn, now=make.at(10))
        holds.remove(conn, "a")
    assert claim() == ["a1"]


def test_while_everything_is_held_only_errands_are_claimed(engine, queue, make, put, claim):
    put("a1", workflow="a")
    errand = NewJob(job_id="e1", kind=JobKind.STEP, priority=ERRAND_PRIORITY)
    with write(engine) as conn:
        queue.enqueue(conn, errand, now=make.at(2))
    hold(engine, EVERYTHING, make.at(1))

    assert claim() == ["e1"]


def test_a_worker_that_serves_some_workflows_takes_no_job_of_another(engine, queue, make, put):
    put("a1", workflow="a")
    put("b1", workflow="b")
    put("c1", workflow="c")
    put("anybodys")
    some = Serves(workflows=frozenset({"b", "c"}))
    with write(engine) as conn:
        found = queue.claim(conn, worker_id="w1", limit=9, now=make.at(9), serves=some)
        assert [job.job_id for job in found] == ["b1", "c1", "anybodys"]
        assert not queue.is_any_due(conn, now=make.at(9), serves=some)
        assert queue.is_any_due(conn, now=make.at(9), serves=Serves(workflows=frozenset({"a"})))


def test_a_worker_that_leaves_some_workflows_to_others_takes_all_else(engine, queue, make, put):
    put("a1", workflow="a")
    put("b1", workflow="b")
    put("anybodys")
    but_a = Serves(leaves=frozenset({"a"}))
    some = Serves(workflows=frozenset({"a", "b"}), leaves=frozenset({"a"}))
    with write(engine) as conn:
        found = queue.claim(conn, worker_id="w1", limit=9, now=make.at(9), serves=but_a)
        assert [job.job_id for job in found] == ["b1", "anybodys"]
        assert not queue.is_any_due(conn, now=make.at(9), serves=but_a)
        assert not queue.is_any_due(conn, now=make.at(9), serves=some)
        assert queue.claim(conn, worker_id="w1", limit=9, now=make.at(9), serves=some) == []
        assert queue.is_any_due(conn, now=make.at(9))


def test_an_errand_is_taken_by_who_has_its_workflows_code(engine, queue, make):
    errand = NewJob(job_id="e1", kind=JobKind.STEP, priority=ERRAND_PRIORITY, workflow="a")
    with write(engine) as conn:
        queue.enqueue(conn, errand, now=make.at(1))
        for name, expected in (("b", []), ("a", ["e1"])):
            serves = Serves(workflows=frozenset({name}))
            wanted = {"now": make.at(9), "only_errands": True, "serves": serves}
            assert queue.is_any_due(conn, **wanted) == bool(expected)
            found = queue.claim(conn, worker_id="w1", limit=9, **wanted)
            assert [job.job_id for job in found] == expected


def claim_fairly(engine, queue, make, limit, serves):
    with write(engine) as conn:
        found = queue.claim(conn, worker_id="w1", limit=limit, now=make.at(9), serves=serves)
    return [job.job_id for job in found]


def test_workflows_share_the_room(engine, queue, make, put):
    for name in ("a1", "a2", "a3", "a4", "b1", "b2"):
        put(name, workflow=name[0])
    assert claim_fairly(engine, queue, make, 3, Serves()) == ["a1", "b1", "a2"]
    # What runs already counts: two of a and one of b.
    assert claim_fairly(engine, queue, make, 2, Serves()) == ["b2", "a3"]


def test_tenants_share_the_room_before_their_workflows_do(engine, queue, make, put):
    for name in ("a1", "a2", "b1", "c1", "c2"):
        put(name, workflow=name[0])
    serves = Serves(tenants={"a": "north", "b": "north", "c": "south"}, shares={"a": 3})
    assert claim_fairly(engine, queue, make, 4, serves) == ["a1", "c1", "b1", "c2"]


def test_a_priority_stands_above_shares(engine, queue, make, put):
    put("a1", workflow="a")
    claim_fairly(engine, queue, make, 1, Serves())
    put("b1", workflow="b")
    put("a2", workflow="a", priority=1)
    assert claim_fairly(engine, queue, make, 2, Serves()) == ["a2", "b1"]


def test_workflows_whose_names_are_long_are_told_apart(engine, queue, make, put):
    one, other = "ä" * 299, "ä" * 300
    put("j1", workflow=one)
    put("j2", workflow=other)
    hold(engine, one, make.at(1))
    assert claim_fairly(engine, queue, make, 9, Serves(workflows=frozenset({other}))) == ["j2"]
    with write(engine) as conn:
        holds.remove(conn, one)
    assert claim_fairly(engine, queue, make, 9, Serves(workflows=frozenset({other}))) == []
    assert claim_fairly(engine, queue, make, 9, Serves(workflows=frozenset({one}))) == ["j1"]
