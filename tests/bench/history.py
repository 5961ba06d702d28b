"""
The time machine: a thread's history opened, against `get_state_history`; two states compared.

Each side of the first opens it in a process of its own. What is told of memory is what the process
grew by, with all that was read in hand.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serving
from measuring import Row, percentile
from serving import Side

from interlock.core.model import diffing
from interlock.core.model.runs import RunStatus
from interlock.core.services import history, launching, observing
from interlock.core.services.launching import Launch

BAR_MS = 100.0
SPARE_MB = 10.0  # a process grows by some by itself
WAIT_S = 900.0
LOOKS = 10
OPENING = Path(__file__).parent / "opening.py"


@dataclass(frozen=True)
class Long:
    """A thread of so many points, whose state weighs so much at each."""

    points: int
    kilobytes: int

    @property
    def name(self) -> str:
        """As the report says it."""
        return f"{self.points} points of {self.kilobytes} KB"


LIGHT, HEAVY, LONG = Long(1_000, 1), Long(1_000, 1_000), Long(10_000, 10)


@dataclass(frozen=True)
class Opened:
    """What opening took: the middle of the times, the least processor time, and memory."""

    ms: float
    worked_ms: float
    mb: float


def measure(folder: Path, make_database: Callable[[], str]) -> Iterator[Row]:
    """Both databases, and the comparison on the first."""
    yield from _measure_database(folder / "sqlite", None, "SQLite")
    yield from _measure_database(folder / "postgres", make_database(), "Postgres")
    yield from _diff_values()


def _measure_database(folder: Path, database: str | None, name: str) -> Iterator[Row]:
    with serving.running(folder, database=database) as side:
        made = {long: _make(side, long) for long in (LIGHT, HEAVY, LONG)}
        yield _diff_points(side, made[HEAVY], name)
    light = _open("ours", folder, database, made[LIGHT], LIGHT.points)
    for long in (HEAVY, LONG):
        ours = _open("ours", folder, database, made[long], long.points)
        other = _open("other", folder, database, made[long], long.points)
        has_bar = long is HEAVY
        holds = ours.ms <= BAR_MS and ours.mb <= light.mb + SPARE_MB
        yield Row(
            f"history opened, {long.name}, {name}",
            f"{ours.ms:.0f} ms (processor {ours.worked_ms:.0f}), +{ours.mb:.0f} MB (of 1 KB: +{light.mb:.0f});"
            f" get_state_history {other.ms / 1000:.1f} s, +{other.mb:.0f} MB",
            f"<= {BAR_MS:g} ms, memory whatever states weigh"
            if has_bar
            else "(the bar is on 1000 points)",
            holds if has_bar else None,
        )


def _make(side: Side, long: Long) -> str:
    """Run a thread of that length; its id."""
    steps = long.points - 3  # the input, taking it in, and filling the state make a point each
    request = Launch(
        workflow="long",
        input={"steps": steps, "kilobytes": long.kilobytes},
        recursion_limit=long.points + 10,
    )
    run = launching.launch(side.app, request, actor="bench")
    ended = observing.wait_for_run(side.app, run.run_id, timeout_s=WAIT_S)
    assert ended.status is RunStatus.DONE, ended.error
    assert history.open_history(side.app, run.thread_id).total == long.points
    return run.thread_id


def _open(side: str, folder: Path, database: str | None, thread_id: str, points: int) -> Opened:
    told = subprocess.run(
        [sys.executable, str(OPENING), side, str(folder), database or "", thread_id],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: dict[str, Any] = json.loads(told)
    assert found["count"] == (min(points, history.PAGE) if side == "ours" else points)
    return Opened(ms=percentile(found["ms"], 0.5), worked_ms=found["worked_ms"], mb=found["mb"])


def _diff_points(side: Side, thread_id: str, name: str) -> Row:
    """Two points whose states no run ended with, so that a worker reads them first."""
    points = history.open_history(side.app, thread_id).points
    one, other = points[-10].checkpoint_id, points[10].checkpoint_id
    begun = time.perf_counter()
    history.compare(side.app, thread_id, one, other)
    first_ms = (time.perf_counter() - begun) * 1000
    again_ms = _median_ms(lambda: history.compare(side.app, thread_id, one, other))
    return Row(
        f"two points of 1 MB compared, {name}",
        f"{first_ms:.0f} ms, both read by a worker; {again_ms:.0f} ms again",
        "(none is stated)",
        None,
    )


def _diff_values() -> Iterator[Row]:
    """The comparison alone, of whole states: no screen is given as much."""
    old = _records(1_000)
    changed = [
        record | {"text": f"{'y ' * 500}"} if n % 100 == 0 else record
        for n, record in enumerate(old)
    ]
    for name, new in {
        "10 messages appended": _records(1_010),
        "10 of 1000 messages rewritten": changed,
        "all of them rewritten": [record | {"text": "z " * 500} for record in old],
        "one text, every tenth word": _text("other"),
    }.items():
        before = {"records": old} if isinstance(new, list) else {"text": _text("word")}
        after = {"records": new} if isinstance(new, list) else {"text": new}
        spent = _median_ms(lambda before=before, after=after: diffing.diff(before, after))
        yield Row(f"diff of two 1 MB states: {name}", f"{spent:.0f} ms", "(none is stated)", None)


def _records(count: int) -> list[dict[str, Any]]:
    return [{"id": f"m{n}", "role": "user", "text": f"{n} " + "x " * 490} for n in range(count)]


def _text(tenth: str) -> str:
    return " ".join(tenth if n % 10 == 0 else f"w{n}" for n in range(150_000))


def _median_ms(look: Callable[[], object]) -> float:
    spent: list[float] = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        look()
        spent.append((time.perf_counter() - begun) * 1000)
    return percentile(spent, 0.5)
