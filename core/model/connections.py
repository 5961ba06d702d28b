"""How many connections processes ask a server for, and whether it has them."""

from __future__ import annotations

from dataclasses import dataclass

SETTINGS = "INTERLOCK_POOL_SIZE, INTERLOCK_POOL_OVERFLOW and INTERLOCK_CHECKPOINT_POOL"


@dataclass(frozen=True, kw_only=True)
class Need:
    """The most that one process opens at a time, by what it opens them for."""

    tables: int
    overflow: int  # beyond those of `tables`, under load, and closed again
    checkpoints: int = 0
    memory: int = 0  # LangGraph's long-term store
    listening: int = 1

    @property
    def most(self) -> int:
        """All together."""
        return self.tables + self.overflow + self.checkpoints + self.memory + self.listening

    def __str__(self) -> str:
        parts = {
            "tables": f"{self.tables} + {self.overflow}",
            "checkpoints": self.checkpoints,
            "long-term store": self.memory,
            "listening": self.listening,
        }
        told = ", ".join(f"{what} {count}" for what, count in parts.items() if count)
        return f"{self.most} ({told})"


@dataclass(frozen=True, kw_only=True)
class Room:
    """What the server allows, and who is there already; None where there is no such bound."""

    server: int
    reserved: int  # kept for superusers and monitoring
    database: int | None
    role: int | None
    workers: int  # processes of ours that are connected, without the one that asks
    webs: int

    @property
    def free(self) -> int:
        """What our processes can have together, if nobody else took any."""
        bounds = (self.server - self.reserved, self.database, self.role)
        return min(bound for bound in bounds if bound is not None)

    def __str__(self) -> str:
        bounds = [f"max_connections {self.server}, of which {self.reserved} are reserved"]
        if self.database is not None:
            bounds.append(f"the database's limit {self.database}")
        if self.role is not None:
            bounds.append(f"the role's limit {self.role}")
        return f"{self.free} ({', '.join(bounds)})"


def find_refusal(need: Need, room: Room) -> str | None:
    """Why a process can never have what it may ask for, even alone; None if it can."""
    if need.most <= room.free:
        return None
    return (
        f"This process may ask for {need} connections, and the server has {room} for all."
        f" Raise its limit, or lower {SETTINGS}."
    )


def find_warning(*, worker: Need, web: Need, room: Room) -> str | None:
    """What happens once all that are connected now are busy; None if there is room."""
    asked = room.workers * worker.most + room.webs * web.most
    if asked <= room.free:
        return None
    return (
        f"{_count(room.workers, 'worker')} of {worker.most} and {_count(room.webs, 'web process')} of"
        f" {web.most} may ask for {asked} connections, and the server has {room} for all: under load some"
        f" would be refused. Raise its limit, lower {SETTINGS}, or put PgBouncer in between."
    )


def find_thread_warning(*, threads: int, runs: int, spare: int) -> str | None:
    """Whether sync nodes of all runs could be kept waiting by each other; None if not."""
    if threads >= runs + spare:
        return None
    return (
        f"{threads} threads serve the sync nodes and LangGraph's own work of {runs} runs: with fewer than"
        f" {runs + spare} they wait for each other. Raise INTERLOCK_MAX_THREADS, or lower"
        " INTERLOCK_CONCURRENCY."
    )


def _count(number: int, what: str) -> str:
    ending = "" if number == 1 else "es" if what.endswith("s") else "s"
    return f"{number} {what}{ending}"
