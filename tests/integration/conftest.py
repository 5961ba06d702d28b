"""A worker with a real project on a real file database, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import replace
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest

import interlock.core.worker  # noqa: F401  first: it sets what langgraph reads when imported
from interlock.core.clock import SystemClock
from interlock.core.graphs.entering import enter_project
from interlock.core.graphs.loading import LoadedGraph, load_all
from interlock.core.graphs.project import Project, read_project
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.stores import open_store
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.approvals import Approval, Intent, Verb
from interlock.core.model.runs import OPEN, Run
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.queue.choosing import queue_for
from interlock.core.services import claiming, deciding, launching, observing, presence
from interlock.core.services.context import App
from interlock.core.services.deciding import Decided
from interlock.core.services.launching import Launch
from interlock.core.settings import ENV_PREFIX, Settings
from interlock.core.store import engine as engines
from interlock.core.types import WorkerId, new_id
from interlock.core.worker import main as worker_main
from interlock.core.worker import output
from interlock.core.worker.attaching import following
from interlock.core.worker.carrying import Carrier, Tools
from interlock.core.worker.leveling import level_threads
from interlock.core.worker.recorder import Recorder
from interlock.core.worker.serving import Server

PROJECTS = Path(__file__).parent / "projects"
WAIT_S = 60.0  # far beyond what anything here takes on a busy machine
POLL_S = 0.01


def wait_until(is_so: Callable[[], Any], what: str = "it") -> Any:
    """Poll until something is so, and give it back."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = is_so()
        if found:
            return found
        time.sleep(POLL_S)
    raise AssertionError(f"{what} did not happen within {WAIT_S:g} s")


class Book:
    """The side effects of one run, and the orders a test gives to its nodes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def count(self, what: str) -> int:
        """How often a side effect was done."""
        path = self.folder / f"{what}.done"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def pids(self, what: str) -> list[int]:
        """Which processes did a side effect."""
        return [int(line) for line in (self.folder / f"{what}.done").read_text().splitlines()]

    def wait_for(self, what: str, *, times: int = 1) -> None:
        """Wait until a side effect was done so often."""
        wait_until(lambda: self.count(what) >= times, f"{what!r}")

    def close(self, gate: str) -> None:
        """Let nodes wait at this gate."""
        (self.folder / f"{gate}.closed").touch()

    def open(self, gate: str) -> None:
        """Let them go on."""
        (self.folder / f"{gate}.closed").unlink(missing_ok=True)

    def kill(self, where: str, *, times: int = 1) -> None:
        """Let a node kill its process."""
        (self.folder / f"{where}.kill").write_text(str(times))

    def stop(self, where: str) -> None:
        """Let a process stop in its tracks, before a node."""
        (self.folder / f"{where}.stop").touch()

    def fail(self, where: str, *, times: int = 1) -> None:
        """Let a node fail."""
        (self.folder / f"{where}.fail").write_text(str(times))


class Desk:
    """One data folder: launch, look, decide, and let workers work, live and die."""

    def __init__(self, app: App, tmp_path: Path, *, project: str = "counted") -> None:
        self.app = app
        self._tmp_path = tmp_path
        self._books = 0
        self.config = PROJECTS / project / "langgraph.json"
        self._threads: list[WorkerThread] = []
        self._processes: list[WorkerProcess] = []
        presence.publish(app, list(_describe(self.config)))

    # -- what an operator does -----------------------------------------------------------------

    def open_book(self) -> Book:
        """A new book for the side effects of a run."""
        self._books += 1
        return Book(self._tmp_path / f"book {self._books}")

    def launch(self, workflow: str, book: Book, **options: Any) -> Run:
        """Start a run that keeps this book."""
        values = options.pop("input", {})
        request = Launch(workflow=workflow, input={"book": str(book.folder), **values}, **options)
        return launching.launch(self.app, request, actor="anna")

    def run(self, run: Run | str) -> Run:
        """A run as it is now."""
        return observing.get_run(self.app, run if isinstance(run, str) else run.run_id)

    def wait(self, run: Run | str) -> Run:
        """Wait until a run is neither queued nor running."""
        ended = observing.wait_for_run(
            self.app, run if isinstance(run, str) else run.run_id, timeout_s=WAIT_S
        )
        assert ended.status not in OPEN, f"it is {ended.status}"
        return ended

    def finish(self, workflow: str, book: Book, **options: Any) -> Run:
        """Launch a run and wait for it."""
        return self.wait(self.launch(workflow, book, **options))

    def cards(self, run: Run, *statuses: str) -> list[Approval]:
        """The cards of a run's thread, pending ones unless told otherwise."""
        return observing.list_inbox(
            self.app, thread_id=run.thread_id, statuses=statuses or ("pending",)
        )

    def card(self, run: Run) -> Approval:
        """The one pending card of a run's thread."""
        (found,) = self.cards(run)
        return found

    def decide(self, card: Approval, value: Any = None, **given: Any) -> Decided:
        """Decide a card as it was seen: `verb` is answer unless given."""
        verb = given.pop("verb", Verb.ANSWER)
        intent = Intent(verb=verb, value=value, reason=given.pop("reason", ""))
        return deciding.decide(
            self.app,
            card.approval_id,
            intent,
            version=card.version,
            actor=given.pop("actor", "ben"),
        )

    def values(self, run: Run) -> Any:
        """The state a run ended with."""
        snapshot = observing.run_detail(self.app, run.run_id).snapshot
        assert snapshot is not None
        return snapshot.values

    def nodes(self, run: Run) -> list[tuple[str, str]]:
        """Path and status of every attempt of a run, in order."""
        detail = observing.run_detail(self.app, run.run_id)
        return [(node.path, str(node.status)) for node in detail.nodes]

    # -- workers -------------------------------------------------------------------------------

    def start(self, **settings: Any) -> WorkerThread:
        """Start a worker in a thread of this process."""
        worker = WorkerThread(replace(self.app, settings=self._settings(settings)), self.config)
        self._threads.append(worker)
        return worker

    def spawn(self, **settings: Any) -> WorkerProcess:
        """Start a worker as a process of its own."""
        worker = WorkerProcess(self._settings(settings))
        self._processes.append(worker)
        return worker

    def carry_unrecorded(self, *, lose: str = "end", die_at: int | None = None) -> list[str]:
        """
        Claim what is due, carry it out with the real savers, die before its end is recorded.

        Args:
            lose: `end`: all but the end was written; `all`: not even an event.
            die_at: The write to the checkpoint database, counted from 0, before which the worker
                dies; None for after all of them.

        Returns:
            How each delivery would have ended; `dead` if it died on the way.
        """
        return _run(_carry(self.app, self.config, lose, Death(die_at)))

    def read_truth(self, run: Run) -> list[Any]:
        """The checkpoints of a run's thread as the checkpoint database has them, oldest first."""
        return _run(_read_truth(self.app, run))

    def count_writes(self, run: Run, channel: str) -> int:
        """How many results for a channel lie beside the thread's checkpoints, not yet taken in."""
        path = f"file:{self.app.settings.checkpoints_path}?mode=ro"
        with closing(sqlite3.connect(path, uri=True)) as conn:
            query = "SELECT count(*) FROM writes WHERE thread_id = ? AND channel = ?"
            found: int = conn.execute(query, (run.thread_id, channel)).fetchone()[0]
        return found

    async def on_graph(self, workflow: str, act: Callable[[Any], Any]) -> Any:
        """Let a hand that is not ours work on the checkpoint database."""
        async with (
            _open_workshop(self.app, self.config) as workshop,
            workshop.open(workflow, {}) as graph,
        ):
            return await act(graph)

    def by_hand(self, workflow: str, act: Callable[[Any], Any]) -> Any:
        """The same, from sync code: `act` takes the graph and gives an awaitable."""
        return _run(self.on_graph(workflow, act))

    def close(self) -> None:
        """Stop and end all workers that were started here."""
        for worker in self._threads:
            worker.stop()
        for process in self._processes:
            process.kill()

    def _settings(self, changes: dict[str, Any]) -> Settings:
        return self.app.settings.model_copy(update={"config": self.config, **changes})


class WorkerThread:
    """A worker in a thread with a loop of its own, as `interlock worker` runs it."""

    def __init__(self, app: App, config: Path) -> None:
        self._app = app
        self._config = config
        self._server: Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        assert self._ready.wait(WAIT_S)

    @property
    def is_alive(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop as SIGTERM does, and wait for the end."""
        if self._thread.is_alive():
            assert self._loop is not None
            assert self._server is not None
            self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _live(self) -> None:
        try:
            worker_main._run(
                self._work(), threads=self._app.settings.thread_count, leave=self._refuse
            )
        except BaseException as exc:
            self._error = exc
        finally:
            self._ready.set()

    def _refuse(self, _: None) -> None:
        raise AssertionError("a sync node still runs")

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        worker = make_worker(self._app)
        async with _open_workshop(self._app, self._config) as workshop:
            presence.beat(self._app, worker)
            presence.take_over(self._app, worker.worker_id)
            await level_threads(self._app, workshop)
            self._server = Server(self._app, workshop, worker)
            async with following(self._app, workshop):
                self._ready.set()
                await self._server.serve()


class WorkerProcess:
    """A worker process, forked from a server that has imported all it needs."""

    def __init__(self, settings: Settings) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["interlock.core.worker.main"])
        self._process = context.Process(target=worker_main.main, args=(settings,), daemon=True)
        self._process.start()

    @property
    def exit_code(self) -> int | None:
        """None while it lives, minus the signal's number if one ended it."""
        return self._process.exitcode

    def wait(self) -> int:
        """Wait for its end; the exit code."""
        self._process.join(WAIT_S)
        assert self._process.exitcode is not None, "the worker lives on"
        return self._process.exitcode

    def kill(self) -> None:
        """End it at once, as the kernel does when memory is short."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join(WAIT_S)

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def terminate(self) -> None:
        """Ask it to stop."""
        os.kill(self.pid, signal.SIGTERM)

    def pause(self) -> None:
        """Stop it in its tracks, as a machine does that is out of memory or moved to another host."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on as if nothing had been."""
        os.kill(self.pid, signal.SIGCONT)


class Dead(BaseException):
    """The worker is dead; nothing of it reaches the checkpoint database any more."""


class Death:
    """Comes before a given write of all savers of a worker."""

    def __init__(self, die_at: int | None) -> None:
        self._left = die_at
        self.has_come = False

    def pass_by(self) -> None:
        """One more write is about to happen."""
        if self._left is not None:
            self._left -= 1
            self.has_come = self._left < 0
        if self.has_come:
            raise Dead


class MortalSavers:
    """The real savers, until death comes."""

    def __init__(self, savers: Any, death: Death) -> None:
        self._savers = savers
        self._death = death

    def __getattr__(self, name: str) -> Any:
        return getattr(self._savers, name)

    def for_run(self, serde: Any) -> Any:
        saver = self._savers.for_run(serde)
        for name in ("aput", "aput_writes"):
            setattr(saver, name, self._mortal(getattr(saver, name)))
        return saver

    def _mortal(self, write: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(write)  # LangGraph looks whether it takes a task's path
        async def mortal(*args: Any, **kwargs: Any) -> Any:
            self._death.pass_by()
            return await write(*args, **kwargs)

        return mortal


class Forgetful(Recorder):
    """Loses the end of every run, as a worker does that dies before its last commit."""

    def __init__(self, app: App, *, call: Any, lose: str) -> None:
        super().__init__(app, call=call, limit=1000)
        self._lose = lose
        self.endings: list[str] = []

    async def put(self, records: Sequence[Any]) -> None:
        if self._lose != "all":
            await super().put(records)

    async def end(self, ending: Any) -> Any:
        self.endings.append(str(ending.status))
        return ending.status


def make_worker(app: App) -> Worker:
    """A worker of this process."""
    now = app.clock.now()
    return Worker(
        worker_id=WorkerId(new_id()),
        host=socket.gethostname(),
        pid=os.getpid(),
        status=WorkerStatus.READY,
        concurrency=app.settings.concurrency,
        project="",
        started_at=now,
        heartbeat_at=now,
    )


async def _carry(app: App, config: Path, lose: str, death: Death) -> list[str]:
    async def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    worker = make_worker(app)
    async with _open_workshop(app, config) as workshop:
        presence.beat(app, worker)
        presence.take_over(app, worker.worker_id)
        workshop.savers = MortalSavers(workshop.savers, death)
        recorder = Forgetful(app, call=call, lose=lose)
        writing = asyncio.create_task(recorder.serve())
        tools = Tools(app=app, workshop=workshop, recorder=recorder, call=call)
        claim = claiming.claim_jobs(app, worker.worker_id, limit=20)
        await asyncio.gather(*(Carrier(claimed, tools).carry() for claimed in claim.runs))
        recorder.stop()
        await writing
    return ["dead"] if death.has_come else recorder.endings


async def _read_truth(app: App, run: Run) -> list[Any]:
    async with open_savers(app.settings) as savers:
        return await savers.entries(run.thread_id, None, 10_000)


def _run(work: Any) -> Any:
    with asyncio.Runner() as runner:
        return runner.run(work)


@cache
def _load(config: Path) -> tuple[Project, dict[str, LoadedGraph]]:
    project = read_project(config)
    enter_project(project)
    return project, {graph.name: graph for graph in load_all(project)}


@cache
def _describe(config: Path) -> tuple[Any, ...]:
    project, graphs = _load(config)
    workshop = Workshop(project, graphs, None, None)  # type: ignore[arg-type]
    cards = _run(workshop.describe_all(SystemClock().now()))
    assert [card.error for card in cards] == [None] * len(cards)
    return tuple(cards)


@asynccontextmanager
async def _open_workshop(app: App, config: Path) -> AsyncIterator[Workshop]:
    project, graphs = _load(config)
    async with (
        open_savers(app.settings) as savers,
        open_store(app.settings, project.store_config, project=project) as store,
    ):
        yield Workshop(project, graphs, savers, store)


@pytest.fixture
def make_desk(tmp_path, monkeypatch) -> Iterator[Callable[..., Desk]]:
    """Make a desk with a project, `counted` or another, without a worker yet; its database as a URL or ours."""
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    made: list[Desk] = []

    def make(database: str | None = None, *, project: str = "counted") -> Desk:
        settings = Settings(data_dir=tmp_path / ".interlock", heartbeat_s=0.5, database=database)
        settings.data_dir.mkdir(exist_ok=True)
        engine = engines.open_engine(settings.database_url)
        app = App(settings=settings, engine=engine, queue=queue_for(engine), clock=SystemClock())
        made.append(Desk(app, tmp_path, project=project))
        return made[-1]

    yield make
    for desk in made:
        desk.close()
        desk.app.engine.dispose()


@pytest.fixture
def desk(make_desk, tmp_path, sqlite_template) -> Desk:
    """A desk on a fresh data folder."""
    folder = tmp_path / ".interlock"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "app.db")
    return make_desk()


@pytest.fixture(scope="module")
def open_module_desk(tmp_path_factory, sqlite_template) -> Iterator[Callable[[str], Desk]]:
    """Open a desk on a project, with one worker, that lasts for all tests of a module."""
    opened: list[Desk] = []

    def open_(project: str) -> Desk:
        folder = tmp_path_factory.mktemp(project)
        settings = Settings(data_dir=folder / ".interlock")
        settings.data_dir.mkdir()
        shutil.copyfile(sqlite_template, settings.data_dir / "app.db")
        engine = engines.open_engine(settings.database_url)
        app = App(settings=settings, engine=engine, queue=queue_for(engine), clock=SystemClock())
        opened.append(Desk(app, folder, project=project))
        opened[-1].start()
        return opened[-1]

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
            patch.delenv(name)
        yield open_
    for desk in opened:
        desk.close()
        desk.app.engine.dispose()


@pytest.fixture
def ears() -> Callable[[], AbstractContextManager[None]]:
    """
    Hear what user code prints and logs, as a worker process does.

    To be entered by the test: pytest puts its own streams in place for each phase.
    """

    @contextmanager
    def hearing() -> Iterator[None]:
        streams, handlers = (sys.stdout, sys.stderr), list(logging.getLogger().handlers)
        output.install()
        try:
            yield
        finally:
            sys.stdout, sys.stderr = streams
            logging.getLogger().handlers = handlers

    return hearing


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., Any]:
    """Poll until something is so."""
    return wait_until


@pytest.fixture
def by_question() -> Callable[[Sequence[Approval]], dict[str, Approval]]:
    """Cards by the question they ask."""
    return lambda cards: {card.payload["question"]: card for card in cards}
