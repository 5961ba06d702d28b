"""A project in a folder of its own, one worker process for all tests of it, and the command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.core import bootstrap, cli
from interlock.core.model.workers import WorkerStatus
from interlock.core.services import observing
from interlock.core.services.context import App
from interlock.core.settings import ENV_PREFIX, Settings
from interlock.dashboard.views import card as card_view
from interlock.dashboard.views.answer_forms import AnswerForm

PROJECTS = Path(__file__).parent / "projects"
START_S = 100.0  # a process that imports much, while others are started
WAIT_S = 60.0  # far beyond what anything here takes on a busy machine
POLL_S = 0.02
COMMAND = (sys.executable, "-P", "-m", "interlock.core.cli", "worker")


class Desk:
    """An operator's desk on one project: the command line, and the worker behind it."""

    def __init__(self, folder: Path, config: Path, template: Path, own: dict[str, str]) -> None:
        self.folder = folder
        self.config = config
        self._own = own
        self._options = ("--data-dir", str(folder / ".interlock"), "--json")
        settings = Settings(data_dir=folder / ".interlock", config=config)
        settings.data_dir.mkdir()
        shutil.copyfile(template, settings.data_dir / "app.db")
        self.app: App = bootstrap.build_app(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self.exit_code: int | None = None

    # -- what an operator types ----------------------------------------------------------------

    def ask(self, *args: str) -> tuple[int, Any]:
        """Give a command: its exit code and its JSON document."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = cli.main([*args, *self._options])
        return code, json.loads(out.getvalue())

    def launch(self, name: str, value: Any, *options: str) -> dict[str, Any]:
        """Launch a workflow and wait until it ends or asks."""
        given = ("--input", json.dumps(value), "--wait", str(WAIT_S))
        return self.ask("launch", name, *given, *options)[1]

    def decide(self, card: dict[str, Any], *options: str) -> dict[str, Any]:
        """Decide a card and wait: the run that carried the answer, in full."""
        code, decided = self.ask("decide", card["approval_id"], *options)
        assert code == 0, decided
        observing.wait_for_run(self.app, decided["run_id"], timeout_s=WAIT_S)
        return self.run(decided["run_id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """A run in full."""
        code, run = self.ask("run", run_id)
        assert code == 0, run
        return run

    def finish(self, name: str, value: Any, *options: str) -> Any:
        """Launch a workflow that asks nobody; the state it ends with."""
        launched = self.launch(name, value, *options)
        assert launched["status"] == "done", launched
        return self.run(launched["run_id"])["values"]

    def hold(self, name: str, value: Any, *options: str) -> dict[str, Any]:
        """Launch a workflow that asks; its one card."""
        launched = self.launch(name, value, *options)
        assert launched["status"] in {"waiting", "paused"}, launched
        [card] = launched["approvals"]
        assert self.draw(card).buttons
        return card

    def draw(self, card: dict[str, Any]) -> AnswerForm:
        """The form of a card as the inbox shows it."""
        found = observing.get_card(self.app, card["approval_id"])
        values = self.ask("state", card["thread_id"])[1]["values"]
        return card_view.build(found, state=values, now=self.app.clock.now()).form

    def cards(self, thread_id: str) -> list[dict[str, Any]]:
        """What is asked on a thread."""
        return self.ask("inbox", "--thread", thread_id)[1]

    def events(self, run_id: str, *kinds: str) -> list[Any]:
        """What the events of a run hold, of these kinds, in order."""
        return [e.data for e in observing.list_events(self.app, run_id, kinds=kinds)]

    def workflows(self) -> dict[str, dict[str, Any]]:
        """What can be launched, by name."""
        return {w["name"]: w for w in self.ask("workflows")[1]}

    # -- the worker ----------------------------------------------------------------------------

    def start(self, *options: str, **variables: str) -> None:
        """Start the worker process and wait until it works."""
        self.begin(*options, **variables)
        self.wait_for(self._is_ready, START_S)

    def begin(self, *options: str, **variables: str) -> None:
        """Start the worker process."""
        given = {
            "INTERLOCK_CONFIG": str(self.config),
            "INTERLOCK_DATA_DIR": str(self.app.settings.data_dir),
            "INTERLOCK_HEARTBEAT_S": "0.5",
        }
        with (self.folder / "worker.out").open("ab") as out:
            self._process = subprocess.Popen(
                [*COMMAND, *options],
                cwd=self.folder,
                env=self._own | given | variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> int:
        """Wait until the worker has ended by itself; its exit code."""
        assert self._process is not None
        self.exit_code = self._process.wait(WAIT_S)
        self._process = None
        return self.exit_code

    def stop(self) -> None:
        """Stop the worker as Ctrl-C does; it leaves in good order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            assert self.wait() == 0, self.told()

    def close(self) -> None:
        """Leave no process and no open file behind."""
        try:
            self.stop()
        finally:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            self.app.engine.dispose()

    def told(self) -> str:
        """What the worker printed and logged."""
        return (self.folder / "worker.out").read_text()

    def wait_for(self, is_so: Callable[[], Any], timeout_s: float = WAIT_S) -> Any:
        """Poll until something is so, and give it back; not once the worker has died."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = is_so()
            if found:
                return found
            assert self._process is None or self._process.poll() is None, self.told()
            time.sleep(POLL_S)
        raise AssertionError(f"it did not happen; the worker says: {self.told()}")

    def _is_ready(self) -> bool:
        assert self._process is not None
        pid = self._process.pid
        return any(
            worker.pid == pid and worker.status is WorkerStatus.READY
            for worker in observing.list_workers(self.app)
        )


@pytest.fixture(scope="session")
def variables(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment without settings of whoever runs the tests; what workers start with."""
    found = {k: os.environ.pop(k) for k in list(os.environ) if k.startswith(ENV_PREFIX)}
    own = dict(os.environ)
    if own.pop("PYTHONDONTWRITEBYTECODE", ""):
        # Compiling all that is imported takes longer than importing it: the first worker does it.
        base = tmp_path_factory.getbasetemp()
        shared = base.parent if "PYTEST_XDIST_WORKER" in own else base
        own["PYTHONPYCACHEPREFIX"] = str(shared / "compiled")
    yield own
    os.environ.update(found)


@pytest.fixture(scope="module")
def open_desk(tmp_path_factory, sqlite_template, variables) -> Iterator[Callable[..., Desk]]:
    """Copy a project to a folder of its own and sit down before it; nothing runs yet."""
    desks: list[Desk] = []

    def open_one(name: str, *, config: str = "langgraph.json") -> Desk:
        folder = tmp_path_factory.mktemp("any") / "a project"
        shutil.copytree(PROJECTS / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
        desks.append(Desk(folder, folder / config, sqlite_template, variables))
        return desks[-1]

    yield open_one
    for one in desks:
        one.close()


@pytest.fixture(scope="module")
def desk(request, open_desk) -> Desk:
    """The project that the module names in PROJECT, at work."""
    opened: Desk = open_desk(request.module.PROJECT)
    opened.start()
    return opened
