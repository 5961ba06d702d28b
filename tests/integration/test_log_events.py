"""The log of a worker tells a run's story, each line with its ids, and never its secrets."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from interlock.core import logs
from interlock.core.services import launching
from interlock.core.services.launching import Launch


@pytest.fixture
def read(desk):
    """What the processes of this test have logged so far, as JSON."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    settings = desk.app.settings.model_copy(update={"log_format": "json", "log_level": "debug"})
    logs.configure(settings, process="worker", stream=stream)

    def read(event):
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]

    yield read
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_a_run_is_told_from_its_start_to_its_end(desk, read):
    worker = desk.start()
    book = desk.open_book()
    context = {"tenant": "north", "correlation_id": "order-7", "user_id": "u1"}
    launch = Launch(workflow="fragile", input={"book": str(book.folder)}, context=context)
    run = launching.launch(desk.app, launch, actor="anna")
    assert desk.wait(run).status == "done"
    worker.stop()

    [started], [completed] = read("workflow_started"), read("workflow_completed")
    own = {"run_id": run.run_id, "thread_id": run.thread_id, "workflow": "fragile"}
    theirs = {"tenant": "north", "correlation_id": "order-7", "user": "u1"}
    for line in (started, completed):
        assert line.items() >= (own | theirs).items()
    assert completed["status"] == "done"
    nodes = read("node_completed")
    assert [n["status"] for n in nodes] == ["ok"] * len(nodes)
    assert all(n.items() >= own.items() and n["duration_ms"] >= 0 for n in nodes)
    assert [s["checkpoint_id"] for s in read("state_changed")]
    [action] = [line for line in read("user_action") if line["object"] == f"run:{run.run_id}"]
    assert action["actor"] == "anna"


def test_a_failure_is_told_with_all_that_is_known_of_it(desk, read):
    worker = desk.start()
    book = desk.open_book()
    run = desk.finish("raising", book, input={"how": "error"})
    worker.stop()

    assert run.status == "failed"
    [failed], [completed] = read("node_failed"), read("workflow_completed")
    assert (failed["error_type"], failed["error_message"]) == ("ValueError", "wrong")
    assert failed["is_final"]
    assert (completed["error_type"], completed["error_message"]) == ("ValueError", "wrong")
    assert completed["level"] == "error"
    assert completed["stack"]
    assert completed["attempt"] >= 1
    assert completed["user"] == "anna"
    assert completed["correlation_id"] == run.thread_id
    assert "langgraph" in completed["versions"]
    assert "state" in completed
