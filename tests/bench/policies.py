"""What each policy adds to a node's run: the worker's processor time, against the same node without it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import serving
from measuring import Row
from serving import Side

PROJECT = Path(__file__).parent / "policies_project" / "langgraph.json"
NODES = 20  # of a run of the graphs in a row
PAIRS = 8  # an even number: of half of them the bare side comes first
TEXT: Mapping[str, Any] = {"question": "What is it?"}
ASKED: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Double 21."}]}


@dataclass(frozen=True)
class Pair:
    """A workflow with a policy and the same without, and how much of it is run at a time."""

    name: str
    workflow: str
    bare: str = "bare"
    runs: int = 20
    nodes: int = NODES
    given: Mapping[str, Any] = field(default_factory=lambda: TEXT)


POLICIES = (
    Pair("retry", "retry"),
    Pair("breaker", "breaker"),
    Pair("timeout, async", "timeout"),
    Pair("timeout, sync", "timeout-sync", "bare-sync"),
    Pair("rate", "rate"),
    Pair("fallback", "fallback"),
    Pair("cache hit, memory", "cache"),
    Pair("sandbox of a tool", "sandbox", "bare-tool", runs=5, nodes=1, given=ASKED),
)
FROM_DATABASE = Pair("cache hit, database", "cache")


def measure(folder: Path) -> Iterator[Row]:
    """Each policy; hits of the database by a worker that holds nothing in memory."""
    with serving.running(folder / "all", project=PROJECT) as side:
        for pair in POLICIES:
            yield _row(side, pair)
    variables = {"INTERLOCK_CACHE_MEMORY_BYTES": "0"}
    with serving.running(folder / "database", project=PROJECT, variables=variables) as side:
        yield _row(side, FROM_DATABASE)


def _row(side: Side, pair: Pair) -> Row:
    _spend_us(side, pair, pair.workflow), _spend_us(side, pair, pair.bare)
    spent = [_take_pair(side, pair, is_turned=n % 2 == 1) for n in range(PAIRS)]
    added = sorted(ours - bare for ours, bare in spent)
    low, high = added[PAIRS // 4], added[-1 - PAIRS // 4]
    bare = statistics.median(other for _, other in spent)
    measured = f"{statistics.median(added):+.0f} us ({low:+.0f} to {high:+.0f}; bare {bare:.0f})"
    return Row(f"added to a node's run: {pair.name}", measured, "(none is stated)", None)


def _take_pair(side: Side, pair: Pair, *, is_turned: bool) -> tuple[float, float]:
    """Each comes first in half of the pairs: some of the work of the first is done during the second."""
    spent = {}
    for workflow in (pair.bare, pair.workflow) if is_turned else (pair.workflow, pair.bare):
        spent[workflow] = _spend_us(side, pair, workflow)
    return spent[pair.workflow], spent[pair.bare]


def _spend_us(side: Side, pair: Pair, workflow: str) -> float:
    """Microseconds of processor time of one node's run, those of the worker's children included."""
    process = psutil.Process(side.process.pid)
    before = sum(process.cpu_times()[:4])
    side.launch(workflow, pair.runs, given=pair.given)
    side.wait_idle()
    return (sum(process.cpu_times()[:4]) - before) / (pair.runs * pair.nodes) * 1e6
