"""Each figure that Prometheus is told stands in the docs under its name, with its labels."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.core.model.totals import (
    Book,
    BreakerState,
    CacheKey,
    ExecutionKey,
    NodeKey,
    Standing,
    Tally,
    ToolKey,
    Totals,
)
from interlock.core.services.exposing import families_of
from interlock.core.worker import telling
from interlock.core.worker.answering import Vitals

PAGE = (Path(__file__).parents[2] / "docs" / "watching.md").read_text(encoding="utf-8")
NOW = datetime(2026, 5, 4, tzinfo=UTC)
TOTALS = Totals(
    nodes=Book({NodeKey("w", "n", "ok"): Tally(1)}),
    executions=Book({ExecutionKey("w", "done"): Tally(1)}),
    decisions=Book({"approve": Tally(1)}),
    caches=Book({CacheKey("w", "n", "miss"): Tally(1)}),
)
STANDING = Standing(
    running={"w": 1},
    queued={"w": 0},
    waiting={"w": 0},
    jobs={"todo": 0},
    oldest_due_s=0,
    oldest_waiting_s=0,
    workers={"ready": 1},
    slots=20,
    breakers=(BreakerState(name="b", state="open", short_circuited=1),),
    tools={ToolKey("w", "search", "ok"): 1},
    cache_entries=0,
    cache_bytes=0,
    alerts={"critical": 1},
    holds=0,
)


def families():
    loop = asyncio.new_event_loop()
    loop.close()
    vitals = Vitals(loop)
    numbers = (
        *("runs", "room", "records_waiting", "records_limit"),
        *("is_draining", "is_over_memory"),
    )
    vitals.is_ready(lambda: dict.fromkeys(numbers, 0.0))
    return [*families_of(TOTALS, STANDING), *vitals.collect()]


FAMILIES = {f.name + ("_total" if f.type == "counter" else ""): f for f in families()}


@pytest.mark.parametrize("name", FAMILIES)
def test_figures_are_documented_with_their_labels(name):
    rows = [row for row in PAGE.splitlines() if row.startswith("| `") and f"`{name}`" in row]
    assert len(rows) == 1, f"docs/watching.md must have one row for {name}"
    labels = {label for sample in FAMILIES[name].samples for label in sample.labels} - {"le"}
    assert labels <= {text.strip() for text in rows[0].split("|")[2].split(",")}


def test_no_figure_is_documented_that_is_not_there():
    table = PAGE[PAGE.index("| name | labels |") :].partition("\n\n")[0]
    told = {name for row in table.splitlines() for name in re.findall(r"`([a-z_]+)`", row)}
    named = {name for name in told if name.startswith(("agent", "interlock", "latency", "tool"))}
    assert named - {"agent_name"} <= set(FAMILIES)


def test_the_events_of_the_log_are_documented():
    source = Path(telling.__file__).read_text(encoding="utf-8")
    told = set(re.findall(r"\"((?:workflow|node|state)_[a-z]+)\"", source))
    rows = re.findall(r"^\| `([a-z_]+)` \| (?:info|warning|debug)", PAGE, re.MULTILINE)
    assert told | {"user_action"} == set(rows)
