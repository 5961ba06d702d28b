"""The same product on Postgres: a worker process, launched and decided on from another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from interlock.core.bootstrap import build_app
from interlock.core.cli import probing
from interlock.core.errors import Conflict
from interlock.core.model.approvals import Intent, Verb
from interlock.core.services import deciding, health, launching, observing, reading
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings

WAIT_S = 60.0


@pytest.fixture
def settings(postgres_url, tmp_path) -> Settings:
    """The gallery on a fresh Postgres database."""
    url = postgres_url.replace("postgresql+psycopg://", "postgresql://", 1)
    return Settings(data_dir=tmp_path / "data", database=url)


@pytest.fixture
def app(settings):
    """The parts, in this process."""
    built = build_app(settings)
    yield built
    built.engine.dispose()


@pytest.fixture
def worker(app, settings):
    """A worker process on that database."""
    process = start_worker(settings)
    deadline = time.monotonic() + WAIT_S
    while not health.check(app).healthy:
        assert time.monotonic() < deadline, "the worker did not become ready"
    yield process
    process.terminate()
    assert process.wait(timeout=WAIT_S) == 0


def start_worker(
    settings: Settings, *, stderr: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start a worker process."""
    environment = {
        **os.environ,
        "INTERLOCK_DATABASE": str(settings.database),
        "INTERLOCK_DATA_DIR": str(settings.data_dir),
        "INTERLOCK_WORKER_PORT": "0",
        "INTERLOCK_LOG_FORMAT": "json",
    }
    arguments = [sys.executable, "-m", "interlock.core.cli", "worker"]
    return subprocess.Popen(arguments, env=environment, stderr=stderr)


@pytest.mark.usefixtures("worker")
def test_a_refund_is_launched_held_approved_and_paid_on_postgres(app):
    run = launching.launch(app, Launch(workflow="refund_desk", input={}), actor="ann")
    held = observing.wait_for_run(app, run.run_id, timeout_s=WAIT_S)
    assert held.status == "waiting"

    [card] = observing.list_inbox(app)
    decided = deciding.decide(
        app, card.approval_id, Intent(verb=Verb.APPROVE), version=card.version, actor="bob"
    )
    ended = observing.wait_for_run(app, decided.run_id, timeout_s=WAIT_S)

    assert ended.status == "done"
    state = reading.state(app, run.thread_id)
    assert "620.00 EUR paid back" in state.values["summary"]
    steps = [entry.step for entry in observing.history(app, run.thread_id)]
    assert steps == sorted(steps, reverse=True)
    assert {n.path for n in observing.run_detail(app, decided.run_id).nodes} >= {"refund/review"}
    with pytest.raises(Conflict) as late:
        deciding.decide(
            app, card.approval_id, Intent(verb=Verb.REJECT), version=card.version, actor="cid"
        )
    assert late.value.winner is not None
    assert late.value.winner["actor"] == "bob"
    assert health.check(app).checks["checkpoints"].message == "the newest one was read"
    port = read_port(app.settings)
    assert ask(port, "/readyz")[0] == 200
    done = 'agent_executions_total{agent_name="refund_desk",status="done"} 1.0'
    assert done in ask(port, "/metrics")[1]


def read_port(settings: Settings) -> int:
    """Where the worker answers, as its log tells."""
    lines = (settings.data_dir / "logs" / "worker.log").read_text().splitlines()
    told = [entry for line in lines if (entry := json.loads(line))["event"] == "worker_answers"]
    return int(told[0]["port"])


def ask(port: int, path: str) -> tuple[int, str]:
    """What the worker answers."""
    return probing.fetch("127.0.0.1", port, path)
