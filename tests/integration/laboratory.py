"""A worker's parts without its clockwork: graphs made by a test, carried out at once, on either database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest

from interlock.core.clock import SystemClock
from interlock.core.graphs.loading import LoadedGraph
from interlock.core.graphs.project import GraphSpec, Project, read_project
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.stores import open_store
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.nodes import NodeRun
from interlock.core.queue.choosing import queue_for
from interlock.core.services import claiming, presence, recording
from interlock.core.services.context import App
from interlock.core.services.recording import Batch
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.worker.carrying import Carrier, Tools

from .conftest import PROJECTS, Death, MortalSavers, make_worker

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


class Forgotten(Straight):
    """Loses how a run ended, as a worker does that dies before its last commit."""

    async def end(self, ending: Any) -> Any:
        return ending.status


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
        self.do(self._work(Straight(self.app)))

    def die(self, at: int | None) -> bool:
        """
        Carry out what is due by a worker that dies, and leave what it had to the next one.

        Args:
            at: The write to the checkpoint database, counted from 0, before which it dies; None for
                after all of them, before the end is recorded.

        Returns:
            Whether it had come so far.
        """
        death, savers = Death(at), self.workshop.savers
        mortal: Any = MortalSavers(savers, death)
        self.workshop.savers = mortal
        self.do(self._work(Forgotten(self.app)))
        self.workshop.savers = savers
        self._worker = make_worker(self.app)
        presence.beat(self.app, self._worker)
        presence.take_over(self.app, self._worker.worker_id)
        return death.has_come

    async def _work(self, recorder: Any) -> None:
        async def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        tools = Tools(app=self.app, workshop=self.workshop, recorder=recorder, call=call)
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


def labs(
    request: pytest.FixtureRequest, tmp_path_factory: Any, sqlite_template: Path
) -> Iterator[Callable[[str], Lab]]:
    """Open a lab on either kind of database, one for all tests of a module; to be made a fixture."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.delenv("INTERLOCK_DATABASE", raising=False)
        opened: dict[str, Lab] = {}

        def open_(kind: str) -> Lab:
            if kind not in opened:
                folder = tmp_path_factory.mktemp(kind)
                (folder / "app.db").write_bytes(sqlite_template.read_bytes())
                url = None
                if kind == "postgres":
                    url = stack.enter_context(request.getfixturevalue("clone_postgres")())
                settings = Settings(data_dir=folder, database=url)
                engine = engines.open_engine(settings.database_url)
                stack.callback(engine.dispose)
                app = App(
                    settings=settings, engine=engine, queue=queue_for(engine), clock=SystemClock()
                )
                opened[kind] = Lab(app, kind)
                stack.callback(opened[kind].close)
            return opened[kind]

        yield open_
