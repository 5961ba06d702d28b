"""A state that a worker has to read, of a thread whose workflow the project does not have any more."""

from __future__ import annotations

import logging

import pytest

from interlock.core.errors import InterlockError
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
