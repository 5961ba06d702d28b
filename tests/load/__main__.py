"""
A thousand launches at fifty at once through the API, then a decision on each: all have to succeed.

    python tests/load [postgres] [sqlite] [--count 1000] [--users 50] [--workers 2]

The server is started here, on a fresh database: one web process and its workers (one on SQLite). Locust
asks; afterwards the books are looked into: each run is there once and is done, the audit holds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import house  # noqa: E402
import postgres  # noqa: E402
import psycopg  # noqa: E402

from interlock.core.model.runs import RunStatus  # noqa: E402
from interlock.core.services import auditing, observing  # noqa: E402
from interlock.core.services.context import App  # noqa: E402

KINDS = ("postgres", "sqlite")
COLUMNS = ("what", "asked", "failed", "p50 ms", "p95", "p99", "max", "/s", "all done after")
WIDTHS = (18, 7, 7, 8, 8, 8, 8, 8, 15)
DRAIN_S = 1200.0


@dataclass(frozen=True)
class Told:
    """What Locust counted of one kind of request."""

    count: int
    failures: int
    times_ms: dict[float, int]
    spent_s: float

    def percentile(self, share: float) -> float:
        """The time within which `share` of the requests were answered."""
        wanted, seen = share * self.count, 0
        for time_ms in sorted(self.times_ms):
            seen += self.times_ms[time_ms]
            if seen >= wanted:
                return time_ms
        return max(self.times_ms, default=0.0)


def main() -> int:
    """Ask both databases, or those that are named; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="make load")
    parser.add_argument("kinds", nargs="*", metavar="|".join(KINDS))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    if unknown := set(asked.kinds) - set(KINDS):
        parser.error(f"there is no {min(unknown)!r}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    print(f"{asked.count} launches, {asked.users} at once, then a decision on each\n")
    print(_line(COLUMNS))
    faults: list[str] = []
    for kind in asked.kinds or KINDS:
        with ExitStack() as stack:
            folder = stack.enter_context(_folder())
            database = stack.enter_context(_database()) if kind == "postgres" else None
            workers = asked.workers if database is not None else 1
            faults += _measure(folder, kind, database, workers, asked)
    for fault in faults:
        print(f"fault: {fault}")
    print("\nall succeeded" if not faults else "\nnot all succeeded")
    return int(bool(faults))


def _measure(
    folder: Path, kind: str, database: str | None, workers: int, asked: argparse.Namespace
) -> Iterator[str]:
    """Print a line for each part; what went wrong."""
    with house.standing(
        folder, database=database, workers=workers, variables={"INTERLOCK_API_RATE": "0"}
    ) as standing:
        for user, status in (("Launcher", RunStatus.WAITING), ("Decider", RunStatus.DONE)):
            begun = time.perf_counter()
            told = _ask(standing.url, user, asked)
            _wait_until(standing.app, status, asked.count)
            what = f"{kind}, {'launch' if user == 'Launcher' else 'decide'}"
            print(_line(_figures(what, told, time.perf_counter() - begun)), flush=True)
            if told.failures or told.count != asked.count:
                yield f"{what}: {told.failures} of {told.count} failed, {asked.count} were meant"
        yield from _look_into_books(standing.app, asked.count)


def _ask(url: str, user: str, asked: argparse.Namespace) -> Told:
    command = [
        *(sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--headless"),
        *("--users", str(asked.users), "--spawn-rate", str(asked.users), "--host", url),
        *(
            "--run-time",
            f"{DRAIN_S:g}s",
            "--json",
            "--loglevel",
            "WARNING",
            "--exit-code-on-error",
            "0",
            user,
        ),
    ]
    variables = {"INTERLOCK_LOAD_COUNT": str(asked.count)}
    begun = time.perf_counter()
    told = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if told.returncode:
        raise RuntimeError(f"Locust ended with {told.returncode}: {told.stderr}")
    entries: list[dict[str, Any]] = json.loads(told.stdout)
    times: dict[float, int] = {}
    for entry in entries:
        for time_ms, count in entry["response_times"].items():
            times[float(time_ms)] = times.get(float(time_ms), 0) + count
    firsts = [entry["start_time"] for entry in entries]
    lasts = [entry["last_request_timestamp"] for entry in entries]
    return Told(
        count=sum(entry["num_requests"] for entry in entries),
        failures=sum(entry["num_failures"] for entry in entries),
        times_ms=times,
        spent_s=max(lasts) - min(firsts) if entries else time.perf_counter() - begun,
    )


def _wait_until(app: App, status: RunStatus, count: int) -> None:
    deadline = time.monotonic() + DRAIN_S
    while time.monotonic() < deadline:
        if len(observing.list_runs(app, statuses=(status,), limit=count + 1)) >= count:
            return
        time.sleep(0.5)
    raise TimeoutError(f"Not all runs are {status} after {DRAIN_S:g} s.")


def _look_into_books(app: App, count: int) -> Iterator[str]:
    found = observing.list_runs(app, limit=count * 3)
    by_status = {status: sum(run.status is status for run in found) for status in RunStatus}
    if (by_status[RunStatus.DONE], by_status[RunStatus.CONTINUED], len(found)) != (
        count,
        count,
        2 * count,
    ):
        yield f"the runs are {by_status}"
    if observing.list_inbox(app, limit=1):
        yield "a card still waits"
    if problems := auditing.verify(app).problems:
        yield f"the audit does not hold: {problems[0]}"


def _figures(what: str, told: Told, all_s: float) -> tuple[str, ...]:
    shares = (f"{told.percentile(share):.0f}" for share in (0.5, 0.95, 0.99, 1))
    rate = told.count / max(told.spent_s, 0.001)
    return what, str(told.count), str(told.failures), *shares, f"{rate:.0f}", f"{all_s:.0f} s"


def _line(cells: tuple[str, ...]) -> str:
    first, *rest = zip(cells, WIDTHS, strict=True)
    return first[0].ljust(first[1]) + "".join(cell.rjust(width) for cell, width in rest)


@contextmanager
def _database() -> Iterator[str]:
    """A database of a Postgres that writes as one in production does."""
    with postgres.server(f"load-{uuid4().hex[:8]}", durable=True) as url:
        plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
        name = f"load_{uuid4().hex[:8]}"
        with psycopg.connect(plain, autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}"')
        said = psycopg.conninfo.conninfo_to_dict(plain)
        yield f"postgresql://{said.get('user', '')}@/{name}?host={said.get('host', '')}"


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="interlock-load-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
