"""A whole house on a fresh database: one web process and its workers, as a company runs them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

from interlock.core.bootstrap import build_app
from interlock.core.model.people import SYSTEM
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine, migrating

PROJECT = Path(__file__).parents[1] / "bench" / "project" / "langgraph.json"
START_S = 120.0


@dataclass(frozen=True)
class House:
    """Where it is, the parts to look into its books, and its processes; the web process is the first."""

    url: str
    app: App
    processes: tuple[subprocess.Popen[bytes], ...]


@contextmanager
def standing(
    folder: Path,
    *,
    database: str | None = None,
    workers: int = 1,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[House]:
    """
    Start it, and stop it afterwards.

    Args:
        folder: Of the data and the logs.
        database: A Postgres; None keeps SQLite in the folder, with one worker.
        workers: How many.
        variables: Settings of all its processes.
    """
    settings = Settings(data_dir=folder, config=PROJECT, database=database)
    if database is not None:
        opened = engine.open_engine(settings.database_url)
        migrating.upgrade(opened)
        opened.dispose()
    app = build_app(settings, caller=SYSTEM)
    port = _free_port()
    environment = {
        **os.environ,
        "INTERLOCK_DATA_DIR": str(folder),
        "INTERLOCK_CONFIG": str(PROJECT),
        **({} if database is None else {"INTERLOCK_DATABASE": database}),
        **variables,
    }
    commands = [["web", "--port", str(port)], *([["worker"]] * workers)]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(commands):
            with (folder / f"{command[0]}-{number}.txt").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "interlock.core.cli", *command],
                        env=environment,
                        stdout=log,
                        stderr=log,
                    )
                )
        url = f"http://127.0.0.1:{port}"
        _wait_ready(url, processes)
        yield House(url, app, tuple(processes))
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=60)
        app.engine.dispose()


def _wait_ready(url: str, processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        for process in processes:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode}.")
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise TimeoutError("It did not become ready.")


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
