"""The worst of a workflow's newest threads, on both databases."""

from __future__ import annotations

from interlock.core.model.runs import Failure, RunStatus
from interlock.core.model.workflow_checks import Extremes
from interlock.core.store import checkpoints, extremes, runs, threads
from interlock.core.store.engine import write


def test_nothing_is_known_of_a_workflow_that_never_ran(engine):
    with write(engine) as conn:
        assert extremes.fetch(conn, "refunds") == Extremes()


def test_the_largest_state_the_longest_run_and_the_limit_are_of_this_workflow(engine, make):
    limit = Failure("GraphRecursionError", "Recursion limit of 3 reached.")
    other = Failure("ValueError", "bad")
    with write(engine) as conn:
        make.put_run(conn, "r1", thread_id="t1", status=RunStatus.FAILED, error=limit)
        make.put_run(conn, "r2", thread_id="t2", status=RunStatus.FAILED, error=other)
        threads.insert(conn, make.thread("t3", workflow="other"))
        runs.insert(conn, make.run("r3", thread_id="t3", workflow="other", status=RunStatus.DONE))
        points = [
            ("t1", "c1", "r1", "input", -1, 10),
            ("t1", "c2", "r1", "loop", 0, 20),
            ("t1", "c3", "r1", "loop", 1, 900),
            ("t1", "c4", "r1", "loop", 2, 30),
            ("t2", "c5", "r2", "loop", 1, 40),
            ("t3", "c6", "r3", "loop", 1, 5000),
        ]
        entries = [
            make.checkpoint(
                point, thread_id=thread, run_id=run, source=source, step=step, size_bytes=size
            )
            for thread, point, run, source, step, size in points
        ]
        checkpoints.insert_many(conn, entries)

        assert extremes.fetch(conn, "refunds") == Extremes(
            threads_count=2,
            most_steps=2,
            most_steps_run_id="r1",
            limit_hits=1,
            largest_bytes=900,
            largest_thread_id="t1",
            largest_checkpoint_id="c3",
        )
