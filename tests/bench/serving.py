"""Our side as a user has it: a worker process, and services called from this one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from interlock.core.bootstrap import build_app
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.runs import Run, RunStatus
from interlock.core.services import deciding, health, launching, observing
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings
from interlock.core.store import engine, migrating
from interlock.core.types import Json

PROJECT = Path(__file__).parent / "project" / "langgraph.json"
INPUT = {"parts": ["start"], "count": 0}
START_S = 60.0
DRAIN_S = 300.0
LOOK_S = 0.1
OPEN = (RunStatus.QUEUED, RunStatus.RUNNING)


@dataclass(frozen=True)
class Side:
    """A running worker and the parts to drive it."""

    app: App
    process: subprocess.Popen[bytes]

    def launch(self, workflow: str, count: int, *, given: Json = INPUT) -> list[Run]:
        """Launch `count` runs, each on a thread of its own."""
        request = Launch(workflow=workflow, input=given)
        return [launching.launch(self.app, request, actor="bench") for _ in range(count)]

    def decide_all(self) -> list[str]:
        """Approve every pending card; the ids of the runs that carry the answers."""
        cards = observing.list_inbox(self.app, limit=1000)
        return [
            deciding.decide(
                self.app, c.approval_id, Intent(verb=Verb.APPROVE), version=c.version, actor="bench"
            ).run_id
            for c in cards
        ]

    def wait_idle(self) -> None:
        """Wait until no run is queued or running, looking seldom enough to take nothing away."""
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline:
            if not observing.list_runs(self.app, statuses=OPEN, limit=1):
                return
            time.sleep(LOOK_S)
        raise TimeoutError("The worker did not get through its runs.")

    def rate_of_ten(self, count: int) -> float:
        """
        Runs of the ten-node graph carried per second.

        Only those count that start when all are launched: launching is this process's work and
        would take its time from the worker, while the other side has nothing like it.
        """
        launched = {r.run_id for r in self.launch("ten", count)}
        begun = datetime.now(UTC)
        self.wait_idle()
        runs = [r for r in observing.list_runs(self.app, limit=count) if r.run_id in launched]
        assert all(r.status is RunStatus.DONE for r in runs)
        assert len(runs) == count
        times = [
            (r.started_at, r.ended_at)
            for r in runs
            if r.started_at and r.ended_at and r.started_at > begun
        ]
        assert times, "most started while runs were still being launched"
        started, ended = min(t for t, _ in times), max(t for _, t in times)
        return len(times) / (ended - started).total_seconds()

    def rates_of_hold(self, count: int) -> tuple[float, float]:
        """Runs per second from launch to card, and from decision to done, all asked for at once."""
        begun = time.perf_counter()
        self.launch("hold", count)
        self.wait_idle()
        to_card = count / (time.perf_counter() - begun)
        begun = time.perf_counter()
        decided = self.decide_all()
        assert len(decided) == count
        self.wait_idle()
        return to_card, count / (time.perf_counter() - begun)


@contextmanager
def running(
    data_dir: Path,
    *,
    database: str | None = None,
    project: Path = PROJECT,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Side]:
    """Start a worker on a fresh database, twenty runs at a time, and stop it afterwards."""
    settings = Settings(data_dir=data_dir, config=project, database=database, concurrency=20)
    if database is not None:
        opened = engine.open_engine(settings.database_url)
        migrating.upgrade(opened)
        opened.dispose()
    app = build_app(settings)
    environment = {
        **os.environ,
        "INTERLOCK_DATA_DIR": str(data_dir),
        "INTERLOCK_CONFIG": str(project),
        "INTERLOCK_CONCURRENCY": "20",
        **variables,
    }
    if database is not None:
        environment["INTERLOCK_DATABASE"] = database
    process = subprocess.Popen(
        [sys.executable, "-m", "interlock.core.cli", "worker"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_ready(app)
        yield Side(app, process)
    finally:
        process.terminate()
        process.wait(timeout=30)
        app.engine.dispose()


def _wait_ready(app: App) -> None:
    deadline = time.monotonic() + START_S
    while not health.check(app).healthy:
        if time.monotonic() > deadline:
            raise TimeoutError("The worker did not become ready.")
        time.sleep(0.1)
