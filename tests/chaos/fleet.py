"""The worker processes: started, killed, stopped, told to leave; one that ended is replaced, as `up` does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from processes import Started
from stage import WAIT_S, Database, Network, wait_until

PROJECT = Path(__file__).parent / "project" / "langgraph.json"


@dataclass
class Life:
    """
    One process of a worker, from its start to its end.

    `lost_at`: moments from which what it had in flight may be done again by others: it was killed,
    stopped, cut off, told to leave, or had ended.
    """

    slot: str
    pid: int
    born_at: float
    lost_at: list[float] = field(default_factory=list)
    died_at: float | None = None
    exit_code: int | None = None
    is_told_to_leave: bool = False
    was_killed: bool = False

    @property
    def gave_up(self) -> bool:
        """Whether it ended although nobody had told it to."""
        return self.died_at is not None and not (self.was_killed or self.is_told_to_leave)

    def __str__(self) -> str:
        return f"{self.slot} ({self.pid})"


class Fleet:
    """Some places for workers, in each at most one process that lives."""

    def __init__(
        self,
        database: Database,
        network: Network,
        folder: Path,
        slots: Sequence[str],
        *,
        dead_after_s: float,
        start: Callable[[Mapping[str, str], Path], Started],
    ) -> None:
        """`start` makes a process with an environment, which writes to a file."""
        self._database = database
        self._network = network
        self._folder = folder
        self._dead_after_s = dead_after_s
        self._start = start
        self.journal = folder / "journal"
        self.journal.mkdir()
        self.slots = tuple(slots)
        self.lives: list[Life] = []
        self._ended: list[Life] = []
        self._processes: dict[str, tuple[Started, Life]] = {}

    def start(self) -> None:
        """Let a process live in every place."""
        for slot in self.slots:
            self._spawn(slot)

    def see_to(self) -> None:
        """Replace what has ended."""
        for slot, (process, life) in tuple(self._processes.items()):
            if process.poll() is not None:
                life.died_at, life.exit_code = time.time(), process.returncode
                life.lost_at.append(life.died_at)
                self._ended.append(life)
                self._spawn(slot)

    def take_ended(self) -> list[Life]:
        """Those that were replaced since this was asked last."""
        ended, self._ended = self._ended, []
        return ended

    def life(self, slot: str) -> Life:
        """Who lives there."""
        return self._processes[slot][1]

    def kill(self, slot: str) -> None:
        """As the kernel does when memory is short."""
        self._lose(slot)
        self.life(slot).was_killed = True
        self._processes[slot][0].send_signal(signal.SIGKILL)

    def stop(self, slot: str) -> None:
        """Let it stand still, as a machine does that pauses."""
        self._lose(slot)
        self._processes[slot][0].send_signal(signal.SIGSTOP)

    def go_on(self, life: Life) -> None:
        """Let it go on, if it is still there."""
        process, lives = self._processes[life.slot]
        if lives is life and process.poll() is None:
            process.send_signal(signal.SIGCONT)

    def leave(self, slot: str) -> None:
        """Ask it to leave in good order."""
        self._lose(slot)
        self.life(slot).is_told_to_leave = True
        self._processes[slot][0].send_signal(signal.SIGTERM)

    def lose_touch(self, slot: str) -> None:
        """It is about to be cut off for so long that others may take over."""
        self._lose(slot)

    def worker_id(self, slot: str) -> str | None:
        """How the database knows the one who lives there."""
        found = self._database.ask(
            "SELECT worker_id FROM workers WHERE pid = %s", (self.life(slot).pid,)
        )
        return found[0]["worker_id"] if found else None

    def are_ready(self) -> bool:
        """Whether all are there, at work and known to be."""
        self.see_to()
        pids = [life.pid for _, life in self._processes.values()]
        found = self._database.ask(
            "SELECT count(*) AS n FROM workers WHERE pid = ANY(%s) AND status = 'ready'", (pids,)
        )
        return bool(found[0]["n"] == len(self.slots))

    def wait_until_ready(self) -> None:
        """Wait until all are at work."""
        wait_until(self.are_ready, "A worker that is ready")

    def end(self) -> list[int | None]:
        """Ask all to leave, and wait for it; their exit codes."""
        for process, life in self._processes.values():
            life.is_told_to_leave = True
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        codes = []
        for process, life in self._processes.values():
            life.exit_code = process.wait(WAIT_S)
            life.died_at = time.time()
            codes.append(life.exit_code)
        self._processes.clear()
        return codes

    def kill_all(self) -> None:
        """End whatever lives, however it stands."""
        for process, _ in self._processes.values():
            process.send_signal(signal.SIGKILL)
            process.wait()

    def _lose(self, slot: str) -> None:
        self.life(slot).lost_at.append(time.time())

    def _spawn(self, slot: str) -> None:
        home = self._folder / slot
        home.mkdir(exist_ok=True)
        process = self._start(self._environment(slot, home), home / "output")
        life = Life(slot=slot, pid=process.pid, born_at=time.time())
        self._processes[slot] = (process, life)
        self.lives.append(life)

    def _environment(self, slot: str, home: Path) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")}
        return {
            **inherited,
            "CHAOS_JOURNAL": str(self.journal),
            "INTERLOCK_CONFIG": str(PROJECT),
            "INTERLOCK_DATABASE": self._database.through(self._network.ports[slot]),
            "INTERLOCK_DATA_DIR": str(home),
            "INTERLOCK_LOG_FORMAT": "json",
            "INTERLOCK_WORKER_DEAD_AFTER_S": str(self._dead_after_s),
            "INTERLOCK_HEARTBEAT_S": str(self._dead_after_s * 2 / 7),
        }
