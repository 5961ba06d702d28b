"""What of a run's tries is told in the log: each once, and whether it was the last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from interlock.core.graphs import attempts
from interlock.core.graphs.run_log import RunLog
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.services.recording import Batch
from interlock.core.types import RunId, ThreadId
from interlock.core.worker import telling
from interlock.core.worker.telling import Teller


def node(run_id="r1", task_id="t1", attempt=1, **changes) -> NodeRun:
    record = NodeRun(
        run_id=RunId(run_id),
        thread_id=ThreadId("t"),
        workflow="w",
        task_id=task_id,
        attempt=attempt,
        delivery=1,
        node="n",
        path="n",
        namespace=f"n:{task_id}",
        step=1,
        status=NodeStatus.ERROR,
        started_at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
        error_type="ValueError",
    )
    return replace(record, **changes)


def ends(run_id: str) -> Any:
    """As much of an end as is looked at."""
    return SimpleNamespace(run=SimpleNamespace(run_id=run_id), entries=())


@pytest.fixture
def told(caplog):
    """Run, task, attempt and finality of each line, in order."""
    caplog.set_level("INFO", logger=telling.logger.name)
    return lambda: [
        (r.run_id, r.attempt, r.is_final) for r in caplog.records if r.message == "node_failed"
    ]


def test_each_try_is_told_once_when_it_is_known_whether_another_followed(told):
    teller = Teller()
    teller.tell_batch(Batch(nodes=[node()]))
    assert told() == []
    amended, ok = node(is_final=False), node(attempt=3, status=NodeStatus.OK)
    teller.tell_batch(Batch(nodes=[amended, node(attempt=2), node(attempt=2, is_final=False), ok]))
    assert told() == [("r1", 1, False), ("r1", 2, False)]
    teller.tell_batch(Batch(nodes=[node("r2"), node("r3"), node("r4")]))
    teller.tell_batch(Batch(endings=[ends("r2"), ends("r1")]))
    assert told()[2:] == [("r2", 1, True)]
    teller.tell_batch(Batch(nodes=[node("r3", task_id="t2")], endings=[ends("r3")]))
    assert told()[3:] == [("r3", 1, True), ("r3", 1, True)]
    teller.tell_rest()
    assert told()[5:] == [("r4", 1, True)]


def test_no_more_than_so_many_wait(told, monkeypatch):
    monkeypatch.setattr(telling, "MAX_WAITING", 2)
    teller = Teller()
    teller.tell_batch(Batch(nodes=[node(f"r{number}") for number in range(3)]))
    assert told() == [("r0", 1, True)]


def test_p19_every_event_of_a_run_says_its_variant(caplog):
    caplog.set_level("INFO", logger=telling.logger.name)
    run = Run(
        run_id=RunId("r1"),
        thread_id=ThreadId("t"),
        workflow="w",
        kind=RunKind.START,
        status=RunStatus.RUNNING,
        input={},
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
        created_by="ann",
        variant="warm",
    )
    log = RunLog(run, now=lambda: run.created_at, last_seq=0)
    record = attempts.begin(
        run, task_id="t", node="n", namespace="n:t", step=1, attempt=1, at=run.created_at
    )
    log.add(record)
    teller = Teller()
    teller.tell_batch(Batch(nodes=[replace(record, status=NodeStatus.ERROR, is_final=False)]))

    assert telling.ids_of(run)["variant"] == "warm", "each line that is logged within the run"
    assert [r.variant for r in caplog.records] == ["warm"]
    of_node, event = log.take()
    assert of_node.variant == "warm"
    assert isinstance(event, RunEvent)
    assert event.data["variant"] == "warm"
    assert "variant" not in telling.ids_of(replace(run, variant=""))
