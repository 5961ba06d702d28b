"""Whether the server has the connections that a process may ask for: stated and checked at its start."""

from __future__ import annotations

import logging
from dataclasses import replace

from interlock.core.errors import InvalidInput
from interlock.core.model import connections
from interlock.core.model.connections import Need, Room
from interlock.core.services.context import App
from interlock.core.settings import GRAPH_STORE_CONNECTIONS, Settings
from interlock.core.store import capacity, engine

SPARE_THREADS = 16  # beside one a run: LangGraph's own work, and a run's branches (law 5)

logger = logging.getLogger(__name__)
WEB, WORKER = "web", "worker"  # the processes that stay; a command asks for one at a time


def need_of(settings: Settings, process: str) -> Need:
    """The most connections that a process of this kind opens under these settings."""
    need = Need(tables=settings.pool_size, overflow=settings.pool_overflow)
    if process == WEB:
        return need
    return replace(
        need, checkpoints=settings.checkpoint_connections, memory=GRAPH_STORE_CONNECTIONS
    )


def look(app: App) -> Room:
    """
    What the server allows, and how many other processes of ours are connected.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    with engine.read(app.engine) as conn:
        return capacity.fetch_room(conn)


def check(app: App, process: str) -> None:
    """
    State what this process may ask for; warn where all together may ask for more than there is.

    Of commands nothing is asked.

    Raises:
        InvalidInput: Not even this one alone could have it.
        StoreUnavailable: The database does not answer.
    """
    if process not in {WEB, WORKER}:
        return
    settings = app.settings
    if process == WORKER:
        _check_threads(settings)
    if settings.is_embedded:
        return
    need, room = need_of(settings, process), look(app)
    if refusal := connections.find_refusal(need, room):
        raise InvalidInput(refusal)
    logger.info("connections", extra={"most": str(need), "allowed": str(room)})
    if warning := find_warning(settings, _with_this(room, process)):
        logger.warning("connections_short", extra={"reason": warning})


def find_warning(settings: Settings, room: Room) -> str | None:
    """What would happen once all processes that are connected are busy, if they have these settings."""
    return connections.find_warning(
        worker=need_of(settings, WORKER), web=need_of(settings, WEB), room=room
    )


def _with_this(room: Room, process: str) -> Room:
    if process == WEB:
        return replace(room, webs=room.webs + 1)
    return replace(room, workers=room.workers + 1)


def _check_threads(settings: Settings) -> None:
    warning = connections.find_thread_warning(
        threads=settings.thread_count, runs=settings.concurrency, spare=SPARE_THREADS
    )
    if warning:
        logger.warning("threads_short", extra={"reason": warning})
