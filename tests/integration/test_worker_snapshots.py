"""States that a worker has to read: of a workflow that is gone, and of the subgraphs beneath a point."""

from __future__ import annotations

import logging

import pytest

from interlock.core.errors import InterlockError, NotFound, StoreUnavailable
from interlock.core.services import observing, reading


def test_a_state_whose_workflow_is_gone_is_refused_in_a_sentence(desk, caplog):
    desk.start()
    run = desk.finish("steps", desk.open_book())
    before_last = observing.history(desk.app, run.thread_id)[1].checkpoint_id
    assert reading.state(desk.app, run.thread_id, before_last).next == ("d",)
    with desk.app.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE threads SET workflow = 'gone'")
        conn.exec_driver_sql("DELETE FROM snapshots")

    with pytest.raises(InterlockError) as refused:
        reading.state(desk.app, run.thread_id, before_last)

    told = str(refused.value)
    assert told.startswith(
        "The state could not be read: The project has no graph 'gone' (any more). It has "
    )
    assert told.endswith(
        "Put it back into langgraph.json under this name, or serve the project that has it."
    )
    assert [r for r in caplog.records if r.levelno >= logging.ERROR or r.exc_info] == []


def test_the_state_of_a_subgraph_is_read_beneath_a_point(desk):
    desk.start()
    run = desk.finish("nested", desk.open_book())
    head = observing.history(desk.app, run.thread_id)[0].checkpoint_id

    (inner,) = reading.beneath(desk.app, run.thread_id, head)
    assert inner.path == desk.card(run).node.rpartition("/")[0]
    assert desk.card(run).namespace.startswith(f"{inner.namespace}|")
    assert inner.next == (desk.card(run).node.rpartition("/")[2],)
    assert "book" in inner.values

    first = observing.history(desk.app, run.thread_id)[-1].checkpoint_id
    assert reading.beneath(desk.app, run.thread_id, first) == ()
    with pytest.raises(NotFound):
        reading.beneath(desk.app, run.thread_id, "gone")
    with desk.app.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE threads SET workflow = 'gone'")
    with pytest.raises(StoreUnavailable, match="subgraphs' state could not be read"):
        reading.beneath(desk.app, run.thread_id, head)
