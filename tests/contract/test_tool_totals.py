"""Calls of tools that ended are counted once, by any number of workers, and told as Prometheus reads it."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs import tool_calls
from interlock.core.model.totals import ToolKey
from interlock.core.queue.local import LocalQueue
from interlock.core.services import tool_counting
from interlock.core.services.context import App
from interlock.core.services.exposing import Exposition
from interlock.core.settings import Settings
from interlock.core.worker.tool_counting import ToolBook


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    """An App on each kind of database."""
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


def told(app: App) -> dict[tuple[str, ...], float]:
    """The counter as Prometheus' own parser reads it."""
    families = text_string_to_metric_families(Exposition(app).text().decode())
    (family,) = (each for each in families if each.name == "tool_invocations")
    names = ("agent_name", "tool", "status")
    return {tuple(s.labels[n] for n in names): s.value for s in family.samples}


def use(tool: str, count: int, *, has_failed: bool = False) -> None:
    """Call a tool."""
    for _ in range(count):
        call_id = uuid4()
        tool_calls.begin(call_id, tool, {"workflow": "desk"})
        tool_calls.end(call_id, has_failed=has_failed)


def test_calls_are_added_up(app):
    tool_counting.add(app, {ToolKey("desk", "search", "ok"): 2, ToolKey("desk", "pay", "error"): 1})
    tool_counting.add(app, {ToolKey("desk", "search", "ok"): 3})

    assert told(app) == {("desk", "pay", "error"): 1, ("desk", "search", "ok"): 5}


async def test_a_worker_adds_what_is_new_once_also_after_an_outage_and_at_its_end(app, monkeypatch):
    tool = f"tool {uuid4()}"  # calls are counted for the whole process
    writes = 0
    turned = asyncio.Event()

    async def call(function, *args):
        nonlocal writes
        writes += 1
        turned.set()
        if writes == 1:
            raise StoreUnavailable("away")
        await asyncio.to_thread(function, *args)

    monkeypatch.setattr("interlock.core.worker.tool_counting.PAUSE_S", 0.01)
    use(tool, 5)  # before the worker began
    book = ToolBook(app, call)
    keeping = asyncio.create_task(book.keep())
    use(tool, 2)
    use(tool, 1, has_failed=True)
    await turned.wait()
    use(tool, 1)
    book.stop()
    await keeping

    found = {key[1:]: count for key, count in told(app).items() if key[1] == tool}
    assert found == {(tool, "ok"): 3, (tool, "error"): 1}
