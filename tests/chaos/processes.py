"""How a worker's process is made: as the command starts it, or forked, which takes a tenth of the time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from interlock.core.parent import PARENT_VARIABLE

ARGUMENTS = ["worker"]


class Started(Protocol):
    """A process, as far as it is needed here; `subprocess.Popen` is one."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """None while it lives, minus the signal's number if one ended it."""

    def poll(self) -> int | None:
        """The same, looked at now."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""

    def send_signal(self, number: int, /) -> None:
        """Send it a signal."""


def start(environment: Mapping[str, str], output: Path) -> Started:
    """`interlock worker`."""
    with output.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "interlock.core.cli", *ARGUMENTS],
            env={**environment, PARENT_VARIABLE: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


class Forked:
    """The same command in a fork of a process that has imported all it needs."""

    def __init__(self, environment: Mapping[str, str], output: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["interlock.core.worker.main", "interlock.core.cli.serving"])
        self._process = context.Process(
            target=_live, args=(dict(environment), str(output)), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError(f"Process {self.pid} lives on.")
        return self._process.exitcode

    def send_signal(self, number: int, /) -> None:
        if self._process.exitcode is None:
            os.kill(self.pid, number)


def _live(environment: dict[str, str], output: str) -> None:
    from interlock.core.cli import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment | {PARENT_VARIABLE: str(os.getppid())})
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.argv = ["interlock", *ARGUMENTS]
    sys.exit(main())
