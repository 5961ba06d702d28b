"""
The same work on bare LangGraph, on `langgraph dev` and on Interlock, in turn on this machine.

    python tests/bench/peers.py [--rounds N] [--runs N] [--trips N] [--pending N] [--points N]

Prints a table in Markdown, as docs/performance.md has it. All sides stand all the time, one works at a time;
a figure is the median over the rounds, and a ratio the median of the ratios of each round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import httpx  # noqa: E402
import peer  # noqa: E402
import peers_sdk  # noqa: E402
import postgres  # noqa: E402
import psutil  # noqa: E402
import psycopg  # noqa: E402
import serving  # noqa: E402
from peer import free_port  # noqa: E402

from interlock.core.store import engine, migrating  # noqa: E402

START_S = 300.0  # on a machine that has other work
KILOBYTES = 10  # what the long thread's state weighs
LOOKS = 5
SOME = 100  # what an inbox shows first
DEV = "langgraph dev"


class Side(Protocol):
    """What is measured can do this."""

    def hold(self, count: int) -> Sequence[float]: ...
    def trips(self, count: int) -> Sequence[float]: ...
    def fill(self, count: int) -> object: ...
    def time_pending(self, count: int, looks: int) -> Sequence[float]: ...
    def make_long(self, points: int, kilobytes: int) -> str: ...
    def time_points(self, thread_id: str, count: int, looks: int) -> Sequence[float]: ...


@dataclass(frozen=True)
class Standing:
    """A side that runs, and the processes it began with."""

    side: Side
    processes: tuple[psutil.Process, ...]

    def worked_s(self) -> float:
        """Processor time of all its processes so far; a database server's is not among them."""
        whole = [each for p in self.processes for each in (p, *p.children(recursive=True))]
        return sum(sum(each.cpu_times()[:2]) for each in whole)


@dataclass(frozen=True)
class Figure:
    """One line of the table: by side, a value a round; `is_rate` where more is better."""

    name: str
    unit: str
    is_rate: bool
    values: Mapping[str, list[float]]

    def show(self, side: str) -> str:
        """The median."""
        value = statistics.median(self.values[side])
        return f"{value:.{0 if value >= 100 else 1}f} {self.unit}"

    def ratio(self, side: str, other: str) -> str:
        """How many times better a side is than the other."""
        pairs = zip(self.values[side], self.values[other], strict=True)
        ratios = [a / b if self.is_rate else b / a for a, b in pairs]
        return f"{statistics.median(ratios):.2f}"


class BareSide:
    """Bare LangGraph, told what to do line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __getattr__(self, what: str) -> Any:
        """Whatever it can do."""

        def ask(*arguments: Any) -> Any:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(f"{json.dumps([what, *arguments])}\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

        return ask


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    given = _read(arguments)
    folder = Path(tempfile.mkdtemp(prefix="interlock-peers-"))
    try:
        with ExitStack() as stack:
            sides = _start(stack, folder)
            figures = _measure(sides, given)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _print(figures, list(sides), given)
    return 0


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=200, help="of each round, twenty in flight")
    parser.add_argument("--trips", type=int, default=10, help="of each round, one after another")
    parser.add_argument("--pending", type=int, default=1000)
    parser.add_argument("--points", type=int, default=1000)
    return parser.parse_args(arguments)


def _start(stack: ExitStack, folder: Path) -> dict[str, Standing]:
    server = stack.enter_context(postgres.server(f"peers-{uuid4().hex[:8]}", durable=True))
    databases = [_make_database(server) for _ in range(2)]
    (folder / "bare").mkdir()
    (folder / "dev").mkdir()
    contexts: dict[str, tuple[AbstractContextManager[Any], Callable[[Any], Side]]] = {
        "bare LangGraph, SQLite": (_bare(str(folder / "bare")), lambda side: side),
        "bare LangGraph, PostgreSQL": (_bare(databases[0]), lambda side: side),
        DEV: (peer.running(folder / "dev"), peers_sdk.langgraph_dev),
        "Interlock, SQLite": (_interlock(folder / "ours", None), peers_sdk.interlock),
        "Interlock, PostgreSQL": (
            _interlock(folder / "ours-pg", databases[1]),
            peers_sdk.interlock,
        ),
    }
    sides: dict[str, Standing] = {}
    for name, (context, make) in contexts.items():
        _say(f"starting {name}")
        before = set(psutil.Process().children())
        side = make(stack.enter_context(context))
        sides[name] = Standing(side, tuple(set(psutil.Process().children()) - before))
    return sides


def _make_database(url: str) -> str:
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    name = f"peers_{uuid4().hex[:8]}"
    with psycopg.connect(plain, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    told = psycopg.conninfo.conninfo_to_dict(plain)
    return f"postgresql://{told.get('user', '')}@/{name}?host={told.get('host', '')}"


@contextmanager
def _bare(where: str) -> Iterator[Side]:
    with subprocess.Popen(
        [sys.executable, str(HERE / "peers_bare.py"), where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield BareSide(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=60)


@contextmanager
def _interlock(folder: Path, database: str | None) -> Iterator[str]:
    """`interlock up`, the web process and one worker, as it comes."""
    port = free_port()
    environment = {
        **os.environ,
        "INTERLOCK_CONFIG": str(serving.PROJECT),
        "INTERLOCK_API_RATE": "0",
        "INTERLOCK_CONCURRENCY": str(peer.IN_FLIGHT),
    }
    if database is not None:
        opened = engine.open_engine(database.replace("postgresql://", "postgresql+psycopg://", 1))
        migrating.upgrade(opened)
        opened.dispose()
        environment["INTERLOCK_DATABASE"] = database
    arguments = ["up", "--no-browser", "--data-dir", str(folder), "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "interlock.core.cli", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_ready(f"{url}/readyz")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_ready(url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                return
        time.sleep(0.2)
    raise TimeoutError("Interlock did not become ready.")


def _measure(sides: Mapping[str, Standing], given: argparse.Namespace) -> list[Figure]:
    names = (
        ("start to interrupt, 20 in flight", "/s", True),
        ("resume to done, 20 in flight", "/s", True),
        ("processor time of one run, start to done", "ms", False),
        ("start, interrupt, resume, done: one after another", "ms", False),
        (f"the first {SOME} of {given.pending} that wait", "ms", False),
        (f"all {given.pending} that wait", "ms", False),
        (f"history of {given.points} points", "ms", False),
    )
    figures = [
        Figure(name, unit, is_rate, {side: [] for side in sides}) for name, unit, is_rate in names
    ]
    to_card, to_done, work, trip, some, whole, history = (figure.values for figure in figures)
    for name, standing in sides.items():
        _say(f"warming up {name}")
        standing.side.hold(peer.IN_FLIGHT), standing.side.trips(1)
    for number in range(given.rounds):
        for name, standing in sides.items():
            _say(f"round {number + 1} of {given.rounds}: {name}")
            before_s = standing.worked_s()
            rates = standing.side.hold(given.runs)
            work[name].append((standing.worked_s() - before_s) * 1000 / given.runs)
            to_card[name].append(rates[0])
            to_done[name].append(rates[1])
            trip[name].append(statistics.median(standing.side.trips(given.trips)))
    threads = {}
    for name, standing in sides.items():
        _say(f"filling {name}")
        standing.side.fill(given.pending)
        threads[name] = standing.side.make_long(given.points, KILOBYTES)
    for number in range(given.rounds):
        for name, standing in sides.items():
            _say(f"lists, round {number + 1} of {given.rounds}: {name}")
            # What takes seconds elsewhere is looked at once a round.
            looks, side = (LOOKS if "Interlock" in name else 1), standing.side
            some[name].append(_median(side.time_pending(SOME, looks)))
            whole[name].append(_median(side.time_pending(given.pending, looks)))
            history[name].append(_median(side.time_points(threads[name], given.points, looks)))
    return figures


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _print(figures: Sequence[Figure], sides: Sequence[str], given: argparse.Namespace) -> None:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("langgraph",))
    memory = psutil.virtual_memory().total / 2**30
    print(
        f"\n{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), {memory:.0f} GB,"
        f" load {os.getloadavg()[0]:.1f} at the end; Python {platform.python_version()}, {versions},"
        f" {peer.REQUIREMENT}; {given.rounds} rounds of {given.runs} runs and {given.trips} trips.\n"
    )
    _print_row(["figure", *sides])
    _print_row(["---"] * (len(sides) + 1))
    for figure in figures:
        _print_row([figure.name, *(figure.show(side) for side in sides)])
    print("\nTimes better, round by round:\n")
    ours = [side for side in sides if "Interlock" in side]
    pairs = [(side, DEV) for side in ours]
    pairs += [(side, side.replace("Interlock", "bare LangGraph")) for side in ours]
    _print_row(["figure", *(f"{side} to {other}" for side, other in pairs)])
    _print_row(["---"] * (len(pairs) + 1))
    for figure in figures:
        _print_row([figure.name, *(figure.ratio(side, other) for side, other in pairs)])


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _print_row(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
