"""`interlock metrics` and `interlock rate`, on a database with one run that is over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core import cli
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Thread
from interlock.core.store import engine, nodes, runs, threads

# DESIGN.md section 6: what scripts rely on.
NODE_KEYS = {
    *("workflow", "node", "runs", "errors", "interrupted", "cached", "attempts", "mean_ms"),
    *("min_ms", "max_ms", "total_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "wait_s"),
    "share_ratio",
}
WORKFLOW_KEYS = {
    *("workflow", "started", "completed", "failed", "success_ratio", "mean_ms"),
    *("p95_ms", "p99_ms"),
}


@pytest.fixture
def call(app, capsys):
    def run(*args):
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(app.settings.data_dir)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def ended_run(app) -> str:
    ended_at = datetime.now(UTC) - timedelta(minutes=20)
    begun_at = ended_at - timedelta(seconds=2)
    thread = Thread(
        thread_id="t1",
        workflow="refunds",
        head_checkpoint_id=None,
        last_run_id=None,
        created_at=begun_at,
        updated_at=ended_at,
    )
    run = Run(
        run_id="r1",
        thread_id="t1",
        workflow="refunds",
        kind=RunKind.START,
        status=RunStatus.DONE,
        input={},
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=begun_at,
        created_by="ann",
        started_at=begun_at,
        ended_at=ended_at,
    )
    node = NodeRun(
        run_id="r1",
        thread_id="t1",
        workflow="refunds",
        task_id="n1",
        attempt=1,
        delivery=1,
        node="charge",
        path="team/charge",
        namespace="team:1|charge:n1",
        step=1,
        status=NodeStatus.OK,
        started_at=begun_at,
        ended_at=ended_at,
        duration_ms=1500.0,
    )
    with engine.write(app.engine) as conn:
        threads.insert(conn, thread)
        runs.insert(conn, run)
        nodes.upsert_many(conn, [node])
    return "r1"


def test_figures_are_printed_and_made_anew(call, ended_run):
    code, out, _ = call("metrics", "--json")
    found = json.loads(out)
    assert code == 0
    (node,) = found["nodes"]
    assert node.keys() >= NODE_KEYS
    assert (node["node"], node["path"], node["runs"]) == ("charge", "team/charge", 1)
    assert (node["mean_ms"], node["share_ratio"], node["errors"]) == (1500, 1, 0)
    (workflow,) = found["workflows"]
    assert workflow.keys() >= WORKFLOW_KEYS
    assert (workflow["started"], workflow["completed"], workflow["mean_ms"]) == (1, 1, 2000)
    assert sum(point["runs"] for point in found["series"]["points"]) == 1

    code, out, err = call("metrics", "--json", "--rebuild")
    assert code == 0
    assert "made anew" in err
    assert json.loads(out)["nodes"] == found["nodes"]
    code, out, _ = call("metrics")
    assert "team/charge" in out
    assert "1.50 s" in out
    code, out, err = call("metrics", "--window", "5m", "--workflow", "other")
    assert "No run began or ended" in err


@pytest.mark.parametrize("window", ["soon", "0m", "400d"])
def test_a_window_that_is_none_is_refused(call, ended_run, window):
    code, _, err = call("metrics", "--window", window)
    assert code == 2
    assert "--window" in err


def test_a_rating_is_in_the_figures_and_in_the_audit(call, app, ended_run):
    assert call("metrics", "--rebuild")[0] == 0
    for stars in ("2", "4"):
        assert call("rate", ended_run, stars, "--as", "ann")[0] == 0
    assert not json.loads(call("metrics", "--json")[1])["is_whole"]
    found = json.loads(call("metrics", "--json", "--rebuild")[1])
    assert found["is_whole"]
    assert found["workflows"][0]["rating"] == 4
    assert json.loads(call("rate", ended_run, "5", "--json")[1]) == {"run_id": "r1", "rating": 5}
    assert call("rate", ended_run, "6")[0] == 1
    assert call("rate", "nothing", "3")[0] == 4


def test_a_run_that_goes_on_is_not_rated(call, app, ended_run):
    with engine.write(app.engine) as conn:
        runs.move(conn, ended_run, from_={RunStatus.DONE}, to=RunStatus.RUNNING)
    code, _, err = call("rate", ended_run, "3")
    assert code == 3
    assert "over" in err
