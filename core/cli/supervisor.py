"""
Keeps child processes running: starts, restarts with backoff, drains, kills.

Knows nothing of web or worker: what to start and how to see a sign of life is given by `up`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from interlock.core.cli.probing import Look, Probe
from interlock.core.parent import PARENT_VARIABLE

EXIT_FILES_CHANGED = 75  # the child wants to be started again at once (--reload)
EXIT_TAKEN = 3  # the child has said that another one holds what it needs
EXIT_MISCONFIGURED = 78  # EX_CONFIG: the child has said why it can never start
EXIT_KILLED = 130

FIRST_DELAY_S = 0.5
MAX_DELAY_S = 10.0
STAND_BY_S = 5.0  # between two looks whether the other one is gone
RESET_AFTER_S = 60.0  # a child that lived so long starts with the first delay again
TICK_S = 0.1
SILENT_GRACE_S = 5.0  # a silent child is hardly going to drain
SECOND_SIGNAL_AFTER_S = 0.3  # one Ctrl-C can arrive twice, through a wrapper process

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """
    One child to keep running.

    Args:
        name: As messages call it.
        command: Program and arguments.
        env: Variables added to the parent's own.
        stop_grace_s: Seconds between SIGTERM and SIGKILL when everything stops.
        look: Looks for a sign of life of a process id; None: running is enough.
        startup_s: Seconds until the first sign of life.
        silent_s: Seconds without one, after which the child is restarted.
        is_taken: Whether another one still holds what this child needs; must answer soon.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_grace_s: float = 10.0
    look: Look | None = None
    startup_s: float = 300.0
    silent_s: float = 20.0
    is_taken: Callable[[], bool] = lambda: False


def next_delay(previous_s: float, *, lived_s: float) -> float:
    """Seconds to wait before the next start of a child that lived `lived_s`; 0 is no delay yet."""
    if previous_s <= 0 or lived_s >= RESET_AFTER_S:
        return FIRST_DELAY_S
    return min(previous_s * 2, MAX_DELAY_S)


class Supervisor:
    """Runs the children until told to stop; `run` must be called in the main thread."""

    def __init__(self, specs: Sequence[ChildSpec], *, say: Say) -> None:
        self._children = [_Child(spec, say=say) for spec in specs]
        self._say = say
        self._stop_asked_at: float | None = None
        self._kill_asked = False
        self._is_stopping = False
        self.stopping = threading.Event()
        self.exit_code = 0

    def run(self) -> int:
        """
        Keep the children running until a signal or a misconfigured child ends it.

        Returns:
            0 after a drain, 1 when a child can never start, 130 when a second Ctrl-C killed them.
        """
        with self._signals():
            try:
                while not self._tick(time.monotonic()):
                    time.sleep(TICK_S)
            finally:
                for child in self._children:
                    child.close()
        return self.exit_code

    def stop(self) -> None:
        """Ask for a drain, from any thread."""
        self._stop_asked_at = self._stop_asked_at or time.monotonic()

    def _tick(self, now: float) -> bool:
        """Do what is due; True once nothing is left to do."""
        if self._kill_asked:
            self._kill_asked = False
            self.exit_code = EXIT_KILLED
            for child in self._children:
                child.kill()
        if self._stop_asked_at is not None and not self._is_stopping:
            self._drain(now)
        for child in self._children:
            code = child.tick(now, may_start=not self._is_stopping)
            if code == EXIT_MISCONFIGURED and not self._is_stopping:
                self.exit_code = 1
                self._drain(now)
        return self._is_stopping and not any(child.is_running for child in self._children)

    def _drain(self, now: float) -> None:
        self._is_stopping = True
        self.stopping.set()
        running = [child for child in self._children if child.is_running]
        longest_s = max((child.spec.stop_grace_s for child in running), default=0.0)
        if running and self.exit_code == 0:
            self._say(
                f"Stopping; running steps get up to {longest_s:g} s. Ctrl-C again stops at once."
            )
        for child in running:
            child.terminate(now, grace_s=child.spec.stop_grace_s)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in watched:
            signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            # The process is on its way out; one more impatient Ctrl-C must not break that off.
            for number in watched:
                signal.signal(number, signal.SIG_IGN)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._stop_asked_at is None:
            self._stop_asked_at = now
        elif number == signal.SIGINT and now - self._stop_asked_at > SECOND_SIGNAL_AFTER_S:
            self._kill_asked = True


class _Child:
    """One child and when it is due to be started, restarted or killed."""

    def __init__(self, spec: ChildSpec, *, say: Say) -> None:
        self.spec = spec
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._probe = Probe(spec.look, silent_s=spec.silent_s) if spec.look else None
        self._started_at = 0.0
        self._start_at = 0.0
        self._delay_s = 0.0
        self._kill_at: float | None = None
        self._is_standing_by = False

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def tick(self, now: float, *, may_start: bool) -> int | None:
        """Reap, restart, kill as due; the exit code if it has just ended."""
        if self._process is None:
            if may_start and now >= self._start_at:
                self._start_if_free(now)
            return None
        code = self._process.poll()
        if code is not None:
            self._ended(code, now, is_wanted=not may_start)
            return code
        if self._kill_at is not None:
            if now >= self._kill_at:
                self._say(f"The {self.spec.name} process did not stop in time and is killed.")
                self.kill()
        elif may_start:
            self._restart_if_silent(now)
        return None

    def terminate(self, now: float, *, grace_s: float) -> None:
        """Ask it to end; it is killed when the grace is over."""
        if self._process is not None:
            self._process.terminate()
            self._kill_at = now + grace_s

    def kill(self) -> None:
        """End it and what it started, at once."""
        self._start_at = float("inf") if self._process is None else self._start_at
        if self._process is not None:
            self._kill_at = float("inf")
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Leave nothing behind, whatever ended the supervisor."""
        if self._process is not None:
            self.kill()
            self._process.wait()
        if self._probe is not None:
            self._probe.close()

    def _start_if_free(self, now: float) -> None:
        if self._is_standing_by and self.spec.is_taken():
            self._start_at = now + STAND_BY_S
        else:
            self._start(now)

    def _start(self, now: float) -> None:
        # A group of its own: Ctrl-C in the terminal reaches the parent alone, which then drains.
        # stdout goes to stderr: what `up` prints itself stays alone on stdout.
        self._process = subprocess.Popen(
            self.spec.command,
            env={**os.environ, **self.spec.env, PARENT_VARIABLE: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            process_group=0,
        )
        self._started_at, self._kill_at = now, None
        if self._probe is not None:
            self._probe.watch(self._process.pid)

    def _ended(self, code: int, now: float, *, is_wanted: bool) -> None:
        self._process = None
        if self._probe is not None:
            self._probe.watch(None)
        lived_s = now - self._started_at
        self._kill_at = None
        if is_wanted or code == EXIT_MISCONFIGURED:
            return
        if code == EXIT_FILES_CHANGED and lived_s >= 1:
            self._delay_s, self._start_at = 0.0, now
            self._say(f"Files have changed: starting the {self.spec.name} process again.")
            return
        if code == EXIT_TAKEN:
            self._stand_by(now)
            return
        self._is_standing_by = False
        self._delay_s = next_delay(self._delay_s, lived_s=lived_s)
        self._start_at = now + self._delay_s
        self._say(
            f"The {self.spec.name} process ended ({_name_exit(code)});"
            f" it is started again in {self._delay_s:g} s."
        )

    def _stand_by(self, now: float) -> None:
        """Leave the work to the other one, and say so once; begin when that one is gone."""
        self._start_at = now + STAND_BY_S
        if not self._is_standing_by:
            self._is_standing_by = True
            self._say(
                f"The {self.spec.name} process is not needed while the other one works;"
                " it is started when that one ends."
            )

    def _restart_if_silent(self, now: float) -> None:
        if self._probe is None:
            return
        if self._probe.is_silent:
            why = f"has given no sign of life for {self.spec.silent_s:g} s"
        elif not self._probe.has_answered and now - self._started_at > self.spec.startup_s:
            why = f"did not start within {self.spec.startup_s:g} s"
        else:
            return
        self._say(f"The {self.spec.name} process {why}: it is restarted.")
        self.terminate(now, grace_s=SILENT_GRACE_S)


def _name_exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
