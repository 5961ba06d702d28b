"""Lists of threads, on both databases: which, in what order, and what each amounts to."""

from __future__ import annotations

import pytest

from interlock.core.errors import NotFound
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadFilter
from interlock.core.model.threads import Origin
from interlock.core.queue.local import LocalQueue
from interlock.core.services.context import App
from interlock.core.services.threads_listing import list_threads
from interlock.core.settings import Settings
from interlock.core.store import checkpoints, runs, threads
from interlock.core.store import engine as engines


@pytest.fixture
def app(engine, frozen, tmp_path, make) -> App:
    """
    Four threads, "t1" moved first and "t4" last; "t4" came to be at the same moment as "t3".

    "t1" is done, "t2" waits with two cards, "t3" is a copy that failed, "t4" nothing moved yet.
    """
    with engines.write(engine) as conn:
        for number, workflow, origin in (
            (1, "refunds", Origin.OWN),
            (2, "refunds", Origin.OWN),
            (3, "essays", Origin.COPY),
            (4, "essays", Origin.ATTACHED),
        ):
            name = f"t{number}"
            thread = make.thread(
                name,
                workflow=workflow,
                origin=origin,
                last_run_id=f"r{number}" if number < 4 else None,
                updated_at=make.at(min(number, 3)),
            )
            threads.insert(conn, thread)
        for number, status in ((1, RunStatus.DONE), (2, RunStatus.WAITING), (3, RunStatus.FAILED)):
            given = {"order": f"number{number}"}
            run = make.run(f"r{number}", thread_id=f"t{number}", status=status, input=given)
            runs.insert(conn, run)
        make.put_approval(conn, "a1", thread_id="t2")
        make.put_approval(conn, "a2", thread_id="t2", interrupt_id="i2")
        make.put_approval(conn, "a3", thread_id="t1", status=ApprovalStatus.DECIDED)
        entries = [make.checkpoint(f"c{n}", thread_id="t2", size_bytes=10 * n) for n in (1, 2, 3)]
        checkpoints.insert_many(conn, entries)
    return App(
        settings=Settings(data_dir=tmp_path), engine=engine, queue=LocalQueue(), clock=frozen
    )


def ids(found) -> list[str]:
    return [line.thread.thread_id for line in found]


def test_the_thread_that_moved_last_comes_first_with_what_it_amounts_to(app):
    found = list_threads(app)
    assert ids(found) == ["t4", "t3", "t2", "t1"]
    assert [(x.status, x.waiting_count, x.point_count, x.size_bytes) for x in found] == [
        (None, 0, 0, 0),
        (RunStatus.FAILED, 0, 0, 0),
        (RunStatus.WAITING, 2, 3, 60),
        (RunStatus.DONE, 0, 0, 0),
    ]
    assert found[1].thread.origin is Origin.COPY


def test_a_foreign_thread_is_counted_once_its_first_point_is_indexed(app, make):
    """What is before its head is read when somebody opens it."""
    assert [x.is_counted for x in list_threads(app)] == [False, True, True, True]
    with engines.write(app.engine) as conn:
        head = make.checkpoint("c9", thread_id="t4", parent_id="c8")
        checkpoints.insert_many(conn, [head])
    assert not list_threads(app)[0].is_counted
    with engines.write(app.engine) as conn:
        checkpoints.insert_many(conn, [make.checkpoint("c8", thread_id="t4", parent_id=None)])
    assert next((x.point_count, x.is_counted) for x in list_threads(app)) == (2, True)


def test_threads_are_paged_through_even_where_two_moved_at_one_moment(app):
    page = list_threads(app, limit=1)
    seen = []
    while page:
        seen += ids(page)
        page = list_threads(app, limit=1, before=seen[-1])
    assert seen == ["t4", "t3", "t2", "t1"]
    with pytest.raises(NotFound):
        list_threads(app, before="gone")


def test_threads_are_narrowed_down(app):
    for wanted, expected in (
        (ThreadFilter(workflow="refunds"), ["t2", "t1"]),
        (ThreadFilter(statuses=(RunStatus.WAITING, RunStatus.FAILED)), ["t3", "t2"]),
        (ThreadFilter(origins=(Origin.COPY, Origin.ATTACHED)), ["t4", "t3"]),
        (ThreadFilter(words="number2"), ["t2"]),
        (ThreadFilter(words="NUMBER", statuses=(RunStatus.DONE,)), ["t1"]),
        (ThreadFilter(workflow="none"), []),
    ):
        assert ids(list_threads(app, wanted)) == expected, wanted
