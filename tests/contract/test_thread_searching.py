"""Threads as other programs make, describe and find them, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadFilter, ThreadOrder, ThreadSearch
from interlock.core.model.threads import Snapshot
from interlock.core.queue.local import LocalQueue
from interlock.core.services import launching, presence, thread_searching
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.store import snapshots, threads
from tests.published import published


@pytest.fixture
def desk(engine, frozen, tmp_path) -> App:
    """Two workflows."""
    app = App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)
    card = published("desk", nodes=("review",), at=frozen.now())
    presence.publish(app, [card, replace(card, name="till")])
    return app


def ids(app: App, **search) -> list[str]:
    return [each.thread.thread_id for each in thread_searching.search(app, ThreadSearch(**search))]


def test_threads_are_found_by_what_is_said_of_them(desk, frozen):
    for name, data in [("t1", {"a": 1, "b": {"c": [1]}}), ("t2", {"a": True}), ("t3", {"a": 1})]:
        thread_searching.make(desk, name, data=data, actor="ann")
        frozen.advance(seconds=1)
    assert ids(desk, data={"a": 1}) == ["t3", "t1"]
    assert ids(desk, data={"a": True}) == ["t2"]
    assert ids(desk, data={"a": 1, "b": {"c": [1]}}) == ["t1"]
    assert ids(desk, data={"b": {}}) == []
    found = thread_searching.describe(desk, "t1", {"a": 2}, actor="ann")
    assert found.data == {"a": 2, "b": {"c": [1]}}
    assert ids(desk, data={"a": 1}) == ["t3"]
    assert ids(desk, ids=("t1", "t2"), order=ThreadOrder.ID, newest_first=False) == ["t1", "t2"]
    assert ids(desk, order=ThreadOrder.CREATED, limit=1, offset=1) == ["t2"]
    assert thread_searching.count(desk, ThreadSearch(data={"a": 1}, limit=1)) == 1
    with pytest.raises(NotFound):
        thread_searching.describe(desk, "t9", {}, actor="ann")


def test_a_thread_belongs_to_the_workflow_that_runs_on_it_first(desk, frozen):
    made = thread_searching.make(desk, actor="ann")
    assert (made.thread.workflow, made.status) == ("", None)
    idle = {"wanted": ThreadFilter(statuses=(RunStatus.DONE,)), "or_unused": True}
    assert ids(desk, **idle) == [made.thread.thread_id]
    run = launching.launch(
        desk, Launch(workflow="till", input={}, thread_id=made.thread.thread_id), actor="ann"
    )
    found = thread_searching.find(desk, made.thread.thread_id)
    assert (found.thread.workflow, found.status) == ("till", RunStatus.QUEUED)
    assert found.thread.last_run_id == run.run_id
    assert ids(desk, **idle) == []
    assert ids(desk, wanted=ThreadFilter(workflow="till")) == [made.thread.thread_id]
    bound = thread_searching.make(desk, "bound", workflow="desk", actor="ann")
    with pytest.raises(Conflict, match="belongs"):
        launching.launch(desk, Launch(workflow="till", input={}, thread_id="bound"), actor="ann")
    assert thread_searching.make(desk, "bound", may_exist=True, actor="ann") == bound


def test_a_thread_comes_with_the_state_it_stands_at(desk, frozen):
    made = thread_searching.make(desk, "t1", workflow="desk", actor="ann")
    assert made.snapshot is None
    snapshot = Snapshot(
        thread_id="t1",
        checkpoint_id="c1",
        values={"a": 1},
        next=(),
        interrupts=(),
        metadata={},
        created_at=frozen.now(),
    )
    with engines.write(desk.engine) as conn:
        snapshots.put_many(conn, [snapshot, replace(snapshot, checkpoint_id="c0")])
        threads.touch(conn, "t1", head_checkpoint_id="c1", now=frozen.now())
    assert thread_searching.find(desk, "t1").snapshot == snapshot
    [plain] = thread_searching.search(desk, ThreadSearch(), with_states=False)
    assert plain.snapshot is None


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"thread_id": "a/../b\n"}, InvalidInput),
        ({"data": {"a": "\ud800"}}, InvalidInput),
        ({"data": {"a": "x" * 200_000}}, InvalidInput),
        ({"workflow": "nobody"}, NotFound),
        ({"thread_id": "known"}, Conflict),
    ],
)
def test_a_thread_that_cannot_be_kept_is_refused(desk, given, error):
    thread_searching.make(desk, "known", actor="ann")
    with pytest.raises(error):
        thread_searching.make(desk, **given, actor="ann")
    assert ids(desk) == ["known"]
