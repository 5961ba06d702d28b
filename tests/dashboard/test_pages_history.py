"""The time machine, drawn without a browser: a thread is found, its points are read and compared."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.runs import RunStatus
from interlock.core.model.threads import CheckpointEntry, Snapshot
from interlock.core.services import reading
from interlock.core.store import checkpoints, engine, snapshots, threads
from interlock.core.types import CheckpointId
from interlock.dashboard import keys

EVIL = "![x](http://evil/a)"
STEPS = (("a", None, "input"), ("b", "a", "loop"), ("c", "b", "loop"), ("d", "b", "fork"))


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning, *at.error, *at.subheader, *at.title]
    return " | ".join(box.value for box in boxes).replace("\\", "")


@pytest.fixture
def thread(app, seed):
    """A thread with a left branch; the states of its points are kept, but that of `a`."""
    seed.workflow(
        nodes=("review", "charge"),
        state_schema={
            "type": "object",
            "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}},
        },
        channels=("amount", "note"),
    )
    run = seed.run(RunStatus.DONE)
    seed.card(run=run, checkpoint_id=CheckpointId("c"), title=EVIL, status=ApprovalStatus.PENDING)
    with engine.write(app.engine) as conn:
        checkpoints.insert_many(
            conn,
            [
                CheckpointEntry(
                    thread_id=run.thread_id,
                    checkpoint_id=CheckpointId(point),
                    parent_id=CheckpointId(parent) if parent else None,
                    step=step,
                    source=source,
                    next=("review",),
                    run_id=run.run_id,
                    created_at=seed.at + timedelta(seconds=step),
                    size_bytes=10,
                    branch=int(point == "d"),
                )
                for step, (point, parent, source) in enumerate(STEPS)
            ],
        )
        threads.touch(conn, run.thread_id, head_checkpoint_id=CheckpointId("d"), now=seed.at)
        for amount, point in enumerate("bcd"):
            snapshots.put(
                conn,
                Snapshot(
                    thread_id=run.thread_id,
                    checkpoint_id=CheckpointId(point),
                    values={"amount": amount, "note": EVIL},
                    next=("review",),
                    interrupts=(),
                    metadata={},
                    created_at=seed.at,
                ),
            )
    return run.thread_id


def test_the_list_leads_to_a_thread(thread, open_page):
    at = open_page("history")
    assert not at.exception
    (listed,) = (table.value for table in at.dataframe)
    assert list(listed["Workflow"]) == ["refund_desk"]
    assert "There is no such thread" in said(open_page("history", thread="nobody"))


def test_the_head_is_shown_first_and_only_its_state_and_the_one_before_are_read(
    thread, open_page, monkeypatch
):
    read = []
    state = reading.state
    monkeypatch.setattr(
        reading,
        "state",
        lambda app, thread_id, point=None, **given: (
            read.append(point) or state(app, thread_id, point, **given)
        ),
    )
    at = open_page("history", thread=thread)
    assert not at.exception
    assert set(read) == {"b", "d"}
    assert "Step 3 on branch 1, a copy, the head" in said(at)
    assert "4 points on 2 branches" in said(at)
    assert "1 difference in amount" in said(at)
    assert EVIL not in said(at)


def test_the_address_names_both_points_and_the_filters(thread, open_page):
    params = {"at": "c", "with": "b", "decisions": "1"}
    at = open_page("history", thread=thread, **params)
    assert not at.exception
    assert "1 point fits" in said(at)
    assert "From: Step 1 on branch 0, a step. To: Step 2 on branch 0, a step." in said(at)
    table = at.dataframe[0].value
    assert list(table["Step"]) == ["2"]
    at.button(key=keys.history_filter("off")).click().run()
    assert not at.exception
    assert "decisions" not in at.query_params
    at.button(key=keys.history_go("before")).click().run()
    assert at.query_params["at"] == "b"


def test_a_state_that_nobody_can_read_says_why(thread, open_page):
    at = open_page("history", thread=thread, at="a")
    assert not at.exception
    assert "A worker is needed to read this state" in said(at)
