"""`doctor --workflow`: before the first start from the project itself, afterwards from what ran."""

from __future__ import annotations

import json

import pytest

from interlock.core import cli
from interlock.core.bootstrap import build_app
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.services import presence
from interlock.core.settings import Settings
from interlock.core.store import workflows
from interlock.core.store.engine import write
from interlock.core.types import WorkerId
from tests.published import published

LOOP = """
from typing import TypedDict
from langgraph.graph import START, StateGraph

print("user code may print")

class State(TypedDict):
    count: int

def work(state: State) -> State:
    return {"count": state["count"] + 1}

graph = StateGraph(State).add_node("a", work).add_node("b", work)
graph = graph.add_edge(START, "a").add_edge("a", "b").add_edge("b", "a").compile()
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "looping.py").write_text(LOOP)
    graphs = {"looping": "./looping.py:graph", "broken": "./none.py:graph"}
    (tmp_path / "langgraph.json").write_text(json.dumps({"graphs": graphs}))
    return tmp_path


def ask(capsys, *options: str):
    code = cli.main(["doctor", "--json", "--config", "langgraph.json", *options])
    return code, json.loads(capsys.readouterr().out)


def test_a_workflow_that_never_ends_is_found_before_the_first_start(project, capsys):
    code, told = ask(capsys, "--workflow", "looping")

    assert (code, told["ok"], told["source"]) == (1, False, "as loaded from the project")
    checks = {check["name"]: check for check in told["checks"]}
    assert checks["termination"]["verdict"] == "wrong"
    assert checks["termination"]["found"][""]["endless"] == ["a", "b"]
    assert checks["side effects"]["found"]["unknown"] == ["a", "b"]
    assert not (project / ".interlock").exists()


def test_a_workflow_that_nobody_knows_is_not_found(project, capsys):
    assert ask(capsys, "--workflow", "refunds")[0] == 4


def test_what_was_published_counts_where_a_worker_lives_or_the_project_has_it_not(project, capsys):
    app = build_app(Settings(data_dir=project / ".interlock"))
    graph = {"nodes": [], "edges": [], "ways": {"": {}}}
    with write(app.engine) as conn:
        cards = [published(n, at=app.clock.now(), graph=graph) for n in ("refunds", "looping")]
        workflows.replace_all(conn, cards)

    code, told = ask(capsys, "--workflow", "refunds")
    assert (code, told["ok"]) == (0, True)
    assert told["source"].endswith("no worker is alive")

    now = app.clock.now()
    worker = Worker(
        worker_id=WorkerId("w1"),
        host="here",
        pid=1,
        status=WorkerStatus.READY,
        concurrency=1,
        project="langgraph.json",
        started_at=now,
        heartbeat_at=now,
    )
    presence.beat(app, worker)
    app.engine.dispose()
    cli.main(["doctor", "--config", "langgraph.json", "--workflow", "looping"])
    printed = capsys.readouterr().out
    assert printed.startswith("looping, as published ")
    assert "look" in printed
