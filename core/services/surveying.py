"""The installation as it stands: its processes and what they use, its queue, its sizes, its settings."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from interlock.core.model.key_ring import KeyState
from interlock.core.model.workers import Worker
from interlock.core.services import configuring, limiting
from interlock.core.services.configuring import Setting
from interlock.core.services.context import App
from interlock.core.services.observing import Overview, overview
from interlock.core.store import engine, sizes, workers
from interlock.core.usage import Meter, Usage

MAX_WORKERS = 100

_meter = Meter()


@dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    """A worker; `usage` is None where it runs on another machine, which its own `/metrics` tells."""

    worker: Worker
    usage: Usage | None


@dataclass(frozen=True, kw_only=True)
class System:
    """All that the screen of the system shows beside the checks of health."""

    overview: Overview
    workers: tuple[WorkerSeen, ...]
    host: str
    pid: int
    usage: Usage | None  # of the process that was asked
    bytes_by_name: Mapping[str, int]
    sessions: tuple[int, int] | None  # open, and allowed; None on SQLite, which has no server
    settings: tuple[Setting, ...]
    keys: tuple[KeyState, ...]  # of models, and what their providers last said is left
    calls: Mapping[str, int]  # to models that are bounded, under way, by model
    at: datetime


def survey(app: App) -> System:
    """
    Look at the whole installation.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    here = socket.gethostname()
    with engine.read(app.engine) as conn:
        known = workers.fetch_all(conn, limit=MAX_WORKERS)
        if app.settings.is_embedded:
            found, sessions = _measure_files(app), None
        else:
            found, sessions = {"database": sizes.server_bytes(conn)}, sizes.server_sessions(conn)
    return System(
        overview=overview(app),
        workers=tuple(
            WorkerSeen(worker=w, usage=_meter.read(w.pid) if w.host == here else None)
            for w in known
        ),
        host=here,
        pid=os.getpid(),
        usage=_meter.read(os.getpid()),
        bytes_by_name={**found, "logs": sizes.folder_bytes(app.settings.data_dir / "logs")},
        sessions=sessions,
        settings=tuple(configuring.list_settings({}, app.settings)),
        keys=tuple(limiting.list_keys(app)),
        calls=limiting.count_calls(app),
        at=app.clock.now(),
    )


def _measure_files(app: App) -> dict[str, int]:
    path = Path(app.settings.database_url.removeprefix("sqlite:///"))
    return {
        "database": sizes.file_bytes(path),
        "checkpoints": sizes.file_bytes(app.settings.checkpoints_path),
    }
