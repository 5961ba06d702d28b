"""
The worker process: enter the project, load its graphs, publish them, work, leave in good order.

Whatever user code raises at import or in a node, SystemExit included, does not end the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, TypeVar

from interlock.core import collecting, logs
from interlock.core.bootstrap import build_app
from interlock.core.graphs.entering import enter_project
from interlock.core.graphs.loading import LoadedGraph, load_all
from interlock.core.graphs.project import Project, read_project
from interlock.core.graphs.reloading import following
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.spans import tracing
from interlock.core.graphs.stores import open_store
from interlock.core.graphs.whereabouts import current_node
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.people import SYSTEM
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.services import attaching, presence, rotating
from interlock.core.services.alert_watching import AlertWatch
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.types import WorkerId, new_id
from interlock.core.worker import answering, output, secrets
from interlock.core.worker.attaching import following as following_attached
from interlock.core.worker.breaking import Breakers
from interlock.core.worker.caching import add_hooks, open_caches
from interlock.core.worker.deadlines import watching_deadlines
from interlock.core.worker.heart import Heart, Watchman
from interlock.core.worker.holding import Place, hold_place
from interlock.core.worker.leveling import level_threads
from interlock.core.worker.limiting import Rates
from interlock.core.worker.model_gate import open_gate
from interlock.core.worker.model_keys import open_keys
from interlock.core.worker.model_turns import open_turns
from interlock.core.worker.noticing import telling_others
from interlock.core.worker.parting import coverage_of, part_of
from interlock.core.worker.publishing import Desk
from interlock.core.worker.serving import Server
from interlock.core.worker.threads import NodeThreads

GC_THRESHOLD = (5_000, 20, 20)  # objects made since the last; a run makes some thousands
EXIT_FILES_CHANGED = 75  # to `up`: start me again at once

logger = logging.getLogger(__name__)
T = TypeVar("T")


def main(settings: Settings, *, reload: bool = False) -> int:
    """
    Run a worker until SIGTERM or SIGINT, or with `reload` until the project's files change.

    Returns:
        The exit code: 0, or 75 when the files changed.

    Raises:
        InvalidInput: The project's langgraph.json is missing or wrong, or a key is missing.
        Conflict: Another worker holds the data folder, on SQLite.
        StoreUnavailable: The database does not answer or needs an upgrade.
    """
    whole = read_project(settings.config)
    project = part_of(whole, settings)
    worker_id = WorkerId(new_id())
    name = presence.session_name(worker_id)
    app = build_app(settings, name=name, origin="worker", caller=SYSTEM)
    rotating.require_keys(app)
    with hold_place(app, worker_id) as place:
        enter_project(project)
        secrets.open_variables(os.environ, app.cipher)
        logs.locate(current_node)
        output.install()
        _tell(project)
        work = _work(app, project, worker_id, place, reload=reload)
        with tracing():
            has_changed = _run(work, threads=settings.thread_count, leave=_leave_at_once)
    app.engine.dispose()
    return _exit_code(has_changed=has_changed)


def _tell(project: Project) -> None:
    for warning in project.warnings:
        logger.warning("project", extra={"reason": warning})
    if project.unused_keys:
        logger.warning(
            "project_keys_unused",
            extra={"path": str(project.path), "keys": list(project.unused_keys)},
        )
    for problem in project.policies.told:
        logger.error("policy_refused", extra={"reason": problem})


def _run(work: Coroutine[Any, Any, T], *, threads: int, leave: Callable[[T], None]) -> T:
    """
    Run the loop to its end, going on after a SystemExit or KeyboardInterrupt of user code.

    asyncio stores such an exception in its task and raises it out of the loop as well; the task's
    owner has it either way, so the loop is simply run again.

    Args:
        work: What to run.
        threads: How many sync nodes may run at once.
        leave: Given the result if a sync node runs even then; closing the loop would wait for it.
    """
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        executor = NodeThreads(threads)
        loop.set_default_executor(executor)
        task = loop.create_task(work)
        while not task.done():
            try:
                loop.run_until_complete(task)
            except (SystemExit, KeyboardInterrupt):
                if task.done():
                    raise
                logger.warning("user_code_tried_to_exit")
        result = task.result()
        if executor.work.is_going_on:
            leave(result)
        return result


def _leave_at_once(has_changed: bool) -> None:  # noqa: FBT001  the result of the work
    """End the process although a sync node runs: its run was handed over and all is written."""
    logger.warning("node_left_behind")
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_code(has_changed=has_changed))


def _exit_code(*, has_changed: bool) -> int:
    return EXIT_FILES_CHANGED if has_changed else 0


async def _work(
    app: App, project: Project, worker_id: WorkerId, place: Place, *, reload: bool
) -> bool:
    """Work until stopped; whether that was because files of the project changed."""
    attaching.require_own_folder(app)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if not reload:
        await _serve(app, project, worker_id, place, stop)
        return False
    async with following(project) as changed:
        leaving = asyncio.create_task(_stop_after(changed, stop), name="leave for a fresh worker")
        await _serve(app, project, worker_id, place, stop)
        leaving.cancel()
    return changed.is_set()


async def _stop_after(changed: asyncio.Event, stop: asyncio.Event) -> None:
    await changed.wait()
    logger.info("files_changed")
    stop.set()


async def _serve(
    app: App, project: Project, worker_id: WorkerId, place: Place, stop: asyncio.Event
) -> None:
    worker = _enter(app, project, worker_id)
    coverage = coverage_of(app.settings)
    place.guard()
    # Loading may take longer than others wait for a sign of life.
    heart = Heart(app, place)
    heart.start()
    name = presence.session_name(worker_id)
    vitals = answering.Vitals(asyncio.get_running_loop())
    async with (
        answering.answering(app, vitals),
        open_savers(
            app.settings,
            application_name=name,
            cipher=app.cipher,
            on_connect=place.ask if app.settings.attach is None else place.ask_apart,
            be_sure=None if app.settings.is_embedded else place.be_sure,
        ) as savers,
        open_store(
            app.settings,
            project.store_config,
            project=project,
            application_name=name,
            on_connect=place.ask,
        ) as store,
    ):
        graphs = await _load(project, stop)
        if graphs is None:
            place.leave()
            presence.leave(app, worker_id)
            heart.stop()
            return
        workshop = Workshop(project, graphs, savers, store, cipher=app.cipher)
        watchman = Watchman(app, worker_id)
        watchman.start()
        cards = await workshop.describe_all(app.clock.now())
        desk = Desk(app, worker, cards, coverage)
        watchman.and_then = desk.look
        breakers = Breakers(app)
        breakers.enlist(workshop.policies, cards, is_all=desk.is_alone)
        rates = Rates(app)
        guards = (*workshop.hooks.guards, breakers, rates)
        workshop.hooks = replace(workshop.hooks, guards=guards)
        caches = open_caches(app, workshop.policies)
        if caches is not None:  # nearer to the models than those that answer in their place
            workshop.hooks = add_hooks(workshop.hooks, caches, workshop.policies)
        models = [put(app, workshop.policies) for put in (open_gate, open_keys, open_turns)]
        await level_threads(app, workshop, leaves=desk.leaves)
        ready = replace(worker, status=WorkerStatus.READY, published_at=app.clock.now())
        presence.change(app, ready)
        failed = [c.name for c in cards if c.error is not None]
        logger.info("worker_ready", extra={"workflows": len(cards), "failed": failed})
        collecting.spare_what_stays(GC_THRESHOLD)
        server = Server(app, workshop, ready, on_change=breakers.notice, place=place, desk=desk)
        vitals.is_ready(server.count)
        stopping = asyncio.create_task(_stop_server(stop, server), name="stop")
        alerts = AlertWatch(app, workshop.policies)
        alerts.start()
        with ExitStack() as ends:
            ends.callback(stopping.cancel)
            if caches is not None:
                ends.callback(caches.close)
            for each in (heart, watchman, *models, rates, breakers, alerts):
                if each is not None:
                    ends.callback(each.stop)
            async with (
                watching_deadlines(app),
                telling_others(app, workshop.policies),
                following_attached(app, workshop),
            ):
                await server.serve()
    logger.info("worker_stopped")


def _enter(app: App, project: Project, worker_id: WorkerId) -> Worker:
    now = app.clock.now()
    worker = Worker(
        worker_id=worker_id,
        host=socket.gethostname(),
        pid=os.getpid(),
        status=WorkerStatus.STARTING,
        concurrency=app.settings.concurrency,
        project=str(project.path),
        started_at=now,
        heartbeat_at=now,
    )
    presence.beat(app, worker)
    return worker


async def _load(project: Project, stop: asyncio.Event) -> dict[str, LoadedGraph] | None:
    """
    Import the project's graphs; None if the worker is stopped meanwhile.

    In a thread, as `langgraph dev` does: a module may call `asyncio.run` when it is imported.
    """
    loading = asyncio.create_task(asyncio.to_thread(load_all, project))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    return {g.name: g for g in loading.result()} if loading.done() else None


async def _stop_server(stop: asyncio.Event, server: Server) -> None:
    await stop.wait()
    server.stop()
