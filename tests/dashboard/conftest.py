"""
What tests of the dashboard stand on: a real application on a database of its own, things in it, pages
drawn without a browser, and the web process as it is really started.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test

from interlock.core import bootstrap
from interlock.core.clock import FrozenClock
from interlock.core.model.approvals import Approval, ApprovalStatus, Kind, Verb
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Thread
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.model.workflows import Workflow
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import approvals, engine, runs, threads, topics, workers, workflows
from interlock.core.types import ApprovalId, CheckpointId, RunId, ThreadId, WorkerId, new_id
from interlock.dashboard import deps

DASHBOARD = Path(deps.__file__).parent
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
START_TIMEOUT_S = 60


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> Iterator[None]:
    """
    Let AppTest find what a server finds once: each AppTest looks through all installed packages for
    components, and each of its runs compiles the pages anew, which took half of these tests' time.
    """
    compiled = ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        patch.setattr(app_test, "ScriptCache", lambda: compiled)
        yield


@pytest.fixture(autouse=True)
def _own_main() -> Iterator[None]:
    """AppTest leaves the page as `__main__`, which a process that a later test starts would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    """Streamlit's caches live as long as the process."""
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def app(
    settings: Settings, clock: FrozenClock, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[App]:
    """A real application on SQLite, the one that pages get."""
    settings.data_dir.mkdir()
    shutil.copyfile(sqlite_template, settings.data_dir / "app.db")
    built = bootstrap.build_app(settings, clock=clock)
    monkeypatch.setattr(deps, "app", lambda: built)
    yield built
    built.engine.dispose()


@dataclass
class Seed:
    """Puts things into the database, each with the fewest words; the rest has sensible values."""

    app: App
    at: datetime = NOW
    _counts: dict[str, int] = field(default_factory=dict)

    def workflow(self, name: str = "refund_desk", **fields: Any) -> Workflow:
        """A published workflow."""
        values: dict[str, Any] = {
            "description": "Decides about refunds.",
            "nodes": ("review",),
            "graph": {"nodes": [], "edges": []},
            "input_schema": {"type": "object", "properties": {}},
            "context_schema": None,
            "state_schema": None,
            "channels": (),
            "error": None,
            "published_at": self.at,
        }
        workflow = Workflow(name=name, **(values | fields))
        with engine.write(self.app.engine) as conn:
            others = [w for w in workflows.fetch_all(conn) if w.name != name]
            workflows.replace_all(conn, [*others, workflow])
            topics.bump(conn, "workflows")
        return workflow

    def run(self, status: RunStatus = RunStatus.RUNNING, **fields: Any) -> Run:
        """A run on a thread of its own."""
        values: dict[str, Any] = {
            "run_id": RunId(new_id()),
            "thread_id": ThreadId(new_id()),
            "workflow": "refund_desk",
            "kind": RunKind.START,
            "input": {"amount": 620},
            "context": None,
            "options": RunOptions(),
            "priority": 0,
            "created_at": self.at,
            "created_by": "somebody",
        }
        run = Run(status=status, **(values | fields))
        thread = Thread(
            thread_id=run.thread_id,
            workflow=run.workflow,
            head_checkpoint_id=None,
            last_run_id=run.run_id,
            created_at=self.at,
            updated_at=self.at,
        )
        with engine.write(self.app.engine) as conn:
            threads.insert(conn, thread)
            runs.insert(conn, run)
            topics.bump(conn, "runs")
        return run

    def card(self, *, run: Run | None = None, **fields: Any) -> Approval:
        """A pending card, asked a minute after the one before it."""
        run = run or self.run(RunStatus.WAITING)
        number = self._counts["card"] = self._counts.get("card", 0) + 1
        interrupt_id = f"interrupt-{number}"
        values: dict[str, Any] = {
            "approval_id": ApprovalId(new_id()),
            "interrupt_id": interrupt_id,
            "thread_id": run.thread_id,
            "run_id": run.run_id,
            "workflow": run.workflow,
            "node": "review",
            "namespace": "",
            "checkpoint_id": CheckpointId(new_id()),
            "kind": Kind.VALUE,
            "title": f"Refund {number}",
            "payload": {"question": f"Refund number {number}?"},
            "allowed": (Verb.ANSWER, Verb.APPROVE, Verb.REJECT),
            "schema": None,
            "risk": "",
            "status": ApprovalStatus.PENDING,
            "version": 1,
            "asked_at": self.at + timedelta(minutes=number - 60),
        }
        card = Approval(**(values | fields))
        with engine.write(self.app.engine) as conn:
            approvals.insert(conn, card, question_key=card.interrupt_id or interrupt_id)
            topics.bump(conn, "inbox")
        return card

    def worker(self, **fields: Any) -> Worker:
        """A worker that has just given a sign of life and published its workflows."""
        values: dict[str, Any] = {
            "worker_id": WorkerId(new_id()),
            "host": "somewhere",
            "pid": 1,
            "status": WorkerStatus.READY,
            "concurrency": 20,
            "project": "gallery",
            "started_at": self.at,
            "heartbeat_at": self.at,
            "published_at": self.at,
        }
        worker = Worker(**(values | fields))
        with engine.write(self.app.engine) as conn:
            workers.beat(conn, worker)
        return worker


@pytest.fixture
def seed(app: App) -> Seed:
    """Puts things into the application's database."""
    return Seed(app)


@pytest.fixture(scope="session")
def make_seed() -> type[Seed]:
    """The same for any application."""
    return Seed


@pytest.fixture
def open_page(app: App) -> Callable[..., AppTest]:
    """Open a page by the name of its file, with parameters of the URL, and draw it."""

    def open_(name: str = "overview", **params: str) -> AppTest:
        test = AppTest.from_file(str(DASHBOARD / "app.py"), default_timeout=20)
        for key, value in params.items():
            test.query_params[key] = value
        test.switch_page(f"app_pages/{name}.py")
        return test.run()

    return open_


# The web process --------------------------------------------------------------------------------


class Web:
    """A web process, started as an operator starts it, and ended by us."""

    def __init__(self, data_dir: Path, *, port: int = 0, env: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self._lines: list[str] = []
        self._is_up = threading.Event()
        command = [sys.executable, "-P", "-m", "interlock.core.cli", "web", "--port", str(port)]
        self.process = subprocess.Popen(
            [*command, "--data-dir", str(data_dir)],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """Everything it has said so far."""
        return "".join(self._lines)

    @property
    def url(self) -> str:
        """Where it listens; waits until it says so."""
        assert self._is_up.wait(START_TIMEOUT_S), self.output
        line = next((x for x in self._lines if x.startswith("Interlock is at ")), None)
        assert line is not None, self.output
        return line.split()[-1]

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            if line.startswith("Interlock is at "):
                self._is_up.set()
        self._is_up.set()


@pytest.fixture
def start_web(tmp_path: Path, clean_env: dict[str, str]) -> Iterator[Callable[..., Web]]:
    """Start a web process on the test's data folder; it is ended with the test."""
    started: list[Web] = []

    def start(*, port: int = 0, **variables: str) -> Web:
        web = Web(tmp_path / "data", port=port, env=clean_env | variables)
        started.append(web)
        return web

    yield start
    for web in started:
        web.close()


@pytest.fixture(scope="session")
def clean_env() -> dict[str, str]:
    """The environment without settings of ours."""
    return {k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, clean_env: dict[str, str]) -> Iterator[Web]:
    """One web process for all tests of a module, which only look at it."""
    served = Web(tmp_path_factory.mktemp("web") / "data", env=clean_env)
    try:
        assert served.url
        yield served
    finally:
        served.close()


@pytest.fixture(scope="module")
def served_app(web: Web) -> Iterator[App]:
    """The application on the database of the running web process, as another process has it."""
    built = bootstrap.build_app(Settings(data_dir=web.data_dir))
    yield built
    built.engine.dispose()
