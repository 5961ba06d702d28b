"""
`interlock up`: the parent of one web process and one worker.

Puts together what the supervisor runs, tells the operator when it is ready, and opens the browser.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import webbrowser
from dataclasses import dataclass
from datetime import datetime

from interlock.core import bootstrap
from interlock.core.cli import holding, printing, probing
from interlock.core.cli.supervisor import ChildSpec, Supervisor
from interlock.core.errors import InterlockError, InvalidInput, UsageError
from interlock.core.gallery import faults
from interlock.core.graphs import project
from interlock.core.masking import mask_text
from interlock.core.model.demonstration import FAULTS_FILE
from interlock.core.model.people import SYSTEM
from interlock.core.model.workers import WorkerStatus
from interlock.core.services import attaching, demonstrating, observing, opening, rotating
from interlock.core.services.context import App
from interlock.core.settings import ENV_PREFIX, Settings

WEB_GRACE_S = 5.0
DEMO_GRACE_S = 8.0
WORKER_EXTRA_GRACE_S = 5.0  # beyond the drain: to hand back what did not end, and to close
READY_POLL_S = 0.25
PATIENCE_S = 30.0  # after so long without being ready, say what is missing
SILENT_S = 20.0
SILENT_BEATS = 5  # with a slow heartbeat, as many missing ones

PYTHON = (sys.executable, "-P", "-m", "interlock.core.cli")
"""-P: a module of the folder we are started in must not stand in for one of Python's."""


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """A demonstration: how much new work comes in a minute, and the seed of its past."""

    per_minute: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class UpOptions:
    """What `up` was asked beyond its settings."""

    open_browser: bool = True
    reload: bool = False
    as_json: bool = False
    demo: DemoOptions | None = None


def run(settings: Settings, options: UpOptions) -> int:
    """
    Run until stopped.

    Returns:
        The exit code.

    Raises:
        InvalidInput: The project's langgraph.json is missing or wrong, or the file to attach to is.
        Conflict: Another `up` has the data folder, or another program the port; or threads are kept
            here that are not of the database to attach to.
        StoreUnavailable: The database does not answer or does not fit.
    """
    project.read_project(settings.config)
    _require_attached(settings)
    _require_demonstrable(settings, options)
    with holding.hold_data_dir(settings.data_dir) as note_url:
        port = holding.hold_port(settings.host, settings.port)
        settings = settings.model_copy(update={"port": port})
        note_url(_url(settings))
        # Opened before the children, so that a schema is upgraded once and a wrong database is told once.
        app = bootstrap.build_app(settings, name="interlock-up", origin="cli", caller=SYSTEM)
        attaching.require_own_folder(app)
        rotating.require_keys(app)
        if missing := opening.open_door(app):
            printing.say(f"There is no admin yet. {missing}")
        if options.demo is not None:
            demonstrating.begin(app, seed=options.demo.seed, per_minute=options.demo.per_minute)
        supervisor = Supervisor(child_specs(settings, app, options), say=printing.say)
        announcer = threading.Thread(
            target=_announce, args=(settings, options, supervisor.stopping), daemon=True
        )
        announcer.start()
        printing.say("Interlock is starting.")
        try:
            return supervisor.run()
        finally:
            supervisor.stopping.set()
            app.engine.dispose()


def _require_attached(settings: Settings) -> None:
    """A file that is not there is told at once: a worker would be started for it again and again."""
    path = settings.attached_path
    if path is not None and not path.is_file():
        raise InvalidInput(
            f"There is no file {path}.",
            hint="--attach names the SQLite file of an application that has a LangGraph checkpointer.",
        )


def _require_demonstrable(settings: Settings, options: UpOptions) -> None:
    """A demonstration is of the shipped workflows, in a folder of its own."""
    if options.demo is None:
        return
    if any(given is not None for given in (settings.config, settings.attach, settings.database)):
        raise UsageError(
            "--demo plays the shipped workflows on SQLite:"
            " it goes with none of --config, --attach and --database."
        )


def child_specs(settings: Settings, app: App, options: UpOptions) -> list[ChildSpec]:
    """The children. Settings go by the environment: arguments are seen by the whole machine."""
    env = environment(settings)
    if options.demo is not None:
        env |= {faults.VARIABLE: str(settings.data_dir.absolute() / FAULTS_FILE)}
    host = probing.local_host(settings.host)
    worker_arguments = ("worker", "--reload") if options.reload else ("worker",)
    specs = [
        ChildSpec(
            name="web",
            command=(*PYTHON, "web"),
            env=env,
            stop_grace_s=WEB_GRACE_S,
            look=lambda _pid: probing.fetch(host, settings.port, "/healthz")[0] == 200,
            silent_s=SILENT_S,
        ),
        ChildSpec(
            name="worker",
            command=(*PYTHON, *worker_arguments),
            env=env,
            stop_grace_s=settings.drain_s + WORKER_EXTRA_GRACE_S,
            look=WorkerPulse(app).look,
            is_taken=lambda: holding.is_held(settings.data_dir, holding.WORKER_LOCK),
            silent_s=max(SILENT_S, SILENT_BEATS * settings.heartbeat_s),
        ),
    ]
    if options.demo is not None:
        specs.append(
            ChildSpec(
                name="demonstration",
                command=(*PYTHON, "demo", "play"),
                env=env,
                stop_grace_s=DEMO_GRACE_S,
            )
        )
    return specs


def environment(settings: Settings) -> dict[str, str]:
    """The settings that options may have changed, as the children read them."""
    given = {
        "config": settings.config and settings.config.absolute(),
        "data_dir": settings.data_dir.absolute(),
        "database": settings.database,
        "attach": settings.attach
        if settings.attached_path is None
        else settings.attached_path.absolute(),
        "host": settings.host,
        "port": settings.port,
    }
    return {f"{ENV_PREFIX}{k.upper()}": str(v) for k, v in given.items() if v is not None}


class WorkerPulse:
    """Sees a worker's heartbeat move; two clocks are never compared."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._last: tuple[int, datetime | None] = (0, None)

    def look(self, pid: int) -> bool | None:
        """Whether the worker with this process id has given a sign of life since the last look."""
        try:
            alive = observing.list_workers(self._app)
        except InterlockError:
            return None  # the database does not answer us either
        here = socket.gethostname()
        worker = next((w for w in alive if (w.pid, w.host) == (pid, here)), None)
        if worker is not None and worker.status is WorkerStatus.STARTING:
            return None  # its heart beats once the project is loaded
        beat = None if worker is None else worker.heartbeat_at
        before, self._last = self._last, (pid, beat)
        return beat is not None and (pid, beat) != before


def _announce(settings: Settings, options: UpOptions, stopping: threading.Event) -> None:
    host = probing.local_host(settings.host)
    waited_s, has_complained = 0.0, False
    while not stopping.wait(READY_POLL_S):
        status, text = probing.fetch(host, settings.port, "/readyz")
        if status == 200:
            break
        waited_s += READY_POLL_S
        if waited_s >= PATIENCE_S and not has_complained:
            has_complained = True
            printing.say(f"Still not ready: {text.strip()[:500] or 'no answer yet'}")
    if stopping.is_set():
        return
    _tell_ready(settings, as_json=options.as_json)
    if options.open_browser and has_display():
        webbrowser.open(_url(settings))


def _tell_ready(settings: Settings, *, as_json: bool) -> None:
    logs = settings.data_dir.absolute() / "logs"
    if as_json:
        printing.print_json(
            {
                "url": _url(settings),
                "pid": os.getpid(),
                "data_dir": str(settings.data_dir.absolute()),
                "logs": str(logs),
            }
        )
    else:
        printing.print_text(f"Interlock is ready: {_url(settings)}")
        printing.print_fields(
            {
                "  project": str(settings.config or "the shipped gallery"),
                "  data": str(settings.data_dir.absolute()),
                **({"  attached to": mask_text(settings.attach)} if settings.attach else {}),
                "  logs": str(logs),
                "  stop": "Ctrl-C",
            }
        )
    sys.stdout.flush()


def has_display() -> bool:
    """Whether a browser that is opened here would be seen by the operator."""
    if not sys.platform.startswith("linux"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _url(settings: Settings) -> str:
    host = probing.local_host(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
