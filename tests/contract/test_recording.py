"""What a worker saw is written with the end of its run, all at once."""

from __future__ import annotations

import pytest

from interlock.core.model.delivery import Head
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services.context import App
from interlock.core.services.recording import Batch, Ending, record
from interlock.core.settings import Settings
from interlock.core.store import approvals, checkpoints, events, nodes, runs
from interlock.core.store.engine import read, write


@pytest.fixture
def app(engine, tmp_path, frozen) -> App:
    """The services on a fresh database of each kind."""
    settings = Settings(data_dir=tmp_path / "data")
    return App(settings=settings, engine=engine, queue=LocalQueue(), clock=frozen)


def head(checkpoint_id: str) -> Head:
    return Head(
        checkpoint_id=checkpoint_id,
        run_id="r1",
        due=(),
        next=(),
        interrupts=(),
        has_failed=False,
        has_unfinished=False,
        is_untouched=True,
    )


def test_many_ends_are_written_at_once_each_with_all_that_belongs_to_it(app, engine, make):
    names = [str(number) for number in range(1, 5)]
    with write(engine) as conn:
        put = [
            make.put_run(conn, f"r{n}", thread_id=f"t{n}", status=RunStatus.RUNNING, deliveries=1)
            for n in names
        ]
        for n in names:
            make.put_approval(conn, f"a{n}", thread_id=f"t{n}", run_id=f"r{n}")
    batch = Batch(
        nodes=[
            make.node_run("task", run_id=run.run_id, thread_id=run.thread_id, status=NodeStatus.OK)
            for run in put
        ],
        events=[make.event(1, run_id=run.run_id) for run in put],
        endings=[
            Ending(
                run=run,
                job=None,
                status=RunStatus.DONE,
                head=head("c2"),
                entries=tuple(
                    make.checkpoint(c, thread_id=run.thread_id, parent_id=p)
                    for c, p in (("c1", None), ("c2", "c1"))
                ),
                is_first=True,
                last_seq=1,
            )
            for run in put
        ],
    )

    assert record(app, batch) == {run.run_id: RunStatus.DONE for run in put}
    with read(engine) as conn:
        found = runs.fetch_by_ids(conn, [run.run_id for run in put])
        assert {r.status for r in found.values()} == {RunStatus.DONE}
        assert {r.end_checkpoint_id for r in found.values()} == {"c2"}
        for run in put:
            assert [e.seq for e in events.fetch_for_run(conn, run.run_id)] == [1, 2]
            assert checkpoints.newest_id(conn, run.thread_id) == "c2"
            (attempt,) = nodes.fetch_for_runs(conn, [run.run_id], limit=5)
            assert attempt.status is NodeStatus.OK
        assert {str(approvals.fetch(conn, f"a{n}").status) for n in names} == {"superseded"}


@pytest.mark.parametrize("cut_off", [{"status": RunStatus.CANCELLED}, {"keeps_lock": True}])
def test_what_a_cut_off_run_still_began_does_not_run_for_ever(app, engine, make, cut_off):
    with write(engine) as conn:
        run = make.put_run(conn, "r1", status=RunStatus.RUNNING, deliveries=1)
    given = {"status": RunStatus.FAILED, "head": head("c1"), "last_seq": 0} | cut_off
    late = make.node_run("late", status=NodeStatus.RUNNING)
    record(app, Batch(nodes=[late], endings=[Ending(run=run, job=None, **given)]))

    with read(engine) as conn:
        (attempt,) = nodes.fetch_for_runs(conn, ["r1"], limit=5)
    assert attempt.status is NodeStatus.CANCELLED
