"""A worker's parts without its clockwork: graphs made by a test, carried out at once, on either database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from interlock.core.clock import SystemClock
from interlock.core.graphs.loading import LoadedGraph
from interlock.core.graphs.project import GraphSpec, Project, read_project
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.stores import open_store
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.nodes import NodeRun
from interlock.core.services import claiming, presence, recording
from interlock.core.services.context import App
from interlock.core.services.recording import Batch
from interlock.core.worker.carrying import Carrier, Tools

from .conftest import PROJECTS, make_worker

Rows = dict[tuple[Any, ...], Any]
# Of each table what names a row, and all of it.
_ROWS = {
    "sqlite": {
        "checkpoints": "SELECT thread_id, checkpoint_ns, checkpoint_id, '', * FROM checkpoints",
        "writes": "SELECT thread_id, checkpoint_ns, checkpoint_id, task_id || idx, * FROM writes",
    },
    "postgres": {
        "checkpoints": "SELECT thread_id, checkpoint_ns, checkpoint_id, '' AS k, c::text AS v"
        " FROM checkpoints c",
        "writes": "SELECT thread_id, checkpoint_ns, checkpoint_id, task_id || idx AS k,"
        " w::text AS v FROM checkpoint_writes w",
        "blobs": "SELECT thread_id, checkpoint_ns, channel, version AS k, b::text AS v"
        " FROM checkpoint_blobs b",
    },
}


class Straight:
    """Writes at once what it is given."""

    def __init__(self, app: App) -> None:
        self._app = app

    def add(self, records: Sequence[Any]) -> None:
        raise AssertionError("nobody pulses here")

    async def put(self, records: Sequence[Any]) -> None:
        nodes = [r for r in records if isinstance(r, NodeRun)]
        told = [r for r in records if not isinstance(r, NodeRun)]
        recording.record(self._app, Batch(nodes=nodes, events=told))

    async def end(self, ending: Any) -> Any:
        return recording.record(self._app, Batch(endings=[ending]))[ending.run.run_id]


class Lab:
    """A database with a worker's parts, and one graph after the other."""

    def __init__(self, app: App, kind: str) -> None:
        self.app = app
        self.kind = kind
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._worker = make_worker(app)
        self.workshop = self.do(self._open())
        presence.beat(app, self._worker)

    def do(self, work: Any) -> Any:
        return self._runner.run(work)

    def close(self) -> None:
        self.do(self._stack.aclose())
        self._runner.close()

    async def _open(self) -> Workshop:
        project: Project = read_project(PROJECTS / "counted" / "langgraph.json")
        settings = self.app.settings
        savers = await self._stack.enter_async_context(open_savers(settings))
        opened = open_store(settings, project.store_config, project=project)
        return Workshop(project, {}, savers, await self._stack.enter_async_context(opened))

    def serve(self, name: str, graph: Any) -> None:
        spec = GraphSpec(name=name, target=f"{name}.py:graph")
        loaded = LoadedGraph(name=name, description="", spec=spec, exported=graph)
        self.workshop.graphs = {name: loaded}
        cards = self.do(self.workshop.describe_all(SystemClock().now()))
        assert [card.error for card in cards] == [None]
        presence.publish(self.app, list(cards))

    def work(self) -> None:
        """Carry out all that is due."""
        self.do(self._work())

    async def _work(self) -> None:
        async def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        tools = Tools(app=self.app, workshop=self.workshop, recorder=Straight(self.app), call=call)
        while claim := claiming.claim_jobs(self.app, self._worker.worker_id, limit=20).runs:
            for claimed in claim:
                await Carrier(claimed, tools).carry()

    def ask_graph(self, name: str, ask: Any) -> Any:
        async def look() -> Any:
            async with self.workshop.open(name, {}) as graph:
                return await ask(graph)

        return self.do(look())

    def read_rows(self) -> Rows:
        """Every row of the checkpoint database by its key."""
        return self.do(self._read_rows())

    async def _read_rows(self) -> Rows:
        savers: Any = self.workshop.savers
        found: Rows = {}
        for table, query in _ROWS[self.kind].items():
            if self.kind == "sqlite":
                async with savers._reader.execute(query) as cursor:
                    rows = [tuple(row) for row in await cursor.fetchall()]
            else:
                rows = [tuple(row.values()) for row in await savers._fetch(query, ())]
            found |= {(table, *row[:4]): row[4:] for row in rows}
        return found
