"""
The long-term store that graphs ask for, in the database of the checkpoints.

It has a connection of its own, so that a slow search never holds up a checkpoint. The index of
langgraph.json is used where its embedder loads; where not, that is told and the store works
without search by meaning.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from langgraph.store.base import BaseStore
from langgraph.store.base.embed import ensure_embeddings
from langgraph.store.postgres.aio import AsyncPostgresStore
from langgraph.store.sqlite.aio import AsyncSqliteStore

from interlock.core.graphs.modules import import_file
from interlock.core.graphs.outages import PatientStore
from interlock.core.graphs.postgres_savers import (
    OnConnect,
    Pool,
    has_version,
    open_pool,
    set_up_once,
)
from interlock.core.graphs.project import Project
from interlock.core.graphs.savers import postgres_url
from interlock.core.graphs.sqlite_file import CheckpointFile
from interlock.core.graphs.sqlite_store import SqliteStore, connect
from interlock.core.settings import GRAPH_STORE_CONNECTIONS, Settings

logger = logging.getLogger(__name__)

Store = AsyncSqliteStore | AsyncPostgresStore
Warn = Callable[[str], None]
Make = Callable[[Any, Any], Awaitable[Store]]


@asynccontextmanager
async def open_store(
    settings: Settings,
    store_config: Mapping[str, Any] | None = None,
    *,
    project: Project | None = None,
    application_name: str = "interlock",
    on_connect: OnConnect | None = None,
    warn: Warn = logger.warning,
) -> AsyncIterator[BaseStore]:
    """
    Open the store with its tables made, its expired items swept if the config says so.

    Args:
        settings: Name the database.
        store_config: The `store` section of langgraph.json: `index` and `ttl`.
        project: Where an embedder given as "path.py:function" is looked for.
        application_name: As the savers' connections are called.
        on_connect: Awaited with each new session of a server.
        warn: Told in one sentence what of the config cannot be used.
    """
    config = store_config or {}
    index = await asyncio.to_thread(load_index, config.get("index"), project, warn)
    ttl = config.get("ttl") or None
    async with _open_backend(settings, application_name, on_connect) as make:
        store = await _make(make, index, ttl, warn)
        await store.start_ttl_sweeper()
        try:
            yield store
        finally:
            await store.stop_ttl_sweeper(timeout=1)
            _stop_batching(store)


def load_index(config: Any, project: Project | None, warn: Warn) -> dict[str, Any] | None:
    """The index with its embedder loaded; None, told through `warn`, where it does not load."""
    if not config:
        return None
    try:
        dims = int(config["dims"])
        embed = ensure_embeddings(_find_embedder(config["embed"], project))
    except Exception as exc:  # noqa: BLE001 - user code and foreign packages raise what they like
        reason = f"{type(exc).__name__}: {exc}"
        warn(
            f"The store's index cannot be used, so searches find no item by meaning: {reason}. "
            "Install the embedder's package, or correct store.index in langgraph.json."
        )
        return None
    fields = list(config.get("fields") or ["$"])
    # LangGraph's SQLite store reads "text_fields", its Postgres store "fields".
    return {**config, "dims": dims, "embed": embed, "fields": fields, "text_fields": fields}


def _find_embedder(embed: Any, project: Project | None) -> Any:
    module, _, name = str(embed).rpartition(":")
    if project is None or not module.endswith(".py"):
        return embed
    return getattr(import_file(project.folder / module, project), name)


async def _make(make: Make, index: dict[str, Any] | None, ttl: Any, warn: Warn) -> Store:
    if index is not None:
        try:
            return await make(index, ttl)
        except Exception as exc:  # noqa: BLE001 - pgvector may be missing in many ways
            warn(
                f"The database cannot hold the store's index ({type(exc).__name__}: {exc}), so "
                "searches find no item by meaning. Install the extension pgvector in Postgres."
            )
    return await make(None, ttl)


@asynccontextmanager
async def _open_backend(
    settings: Settings, application_name: str, on_connect: OnConnect | None
) -> AsyncIterator[Make]:
    if settings.is_embedded:
        async with connect(settings.checkpoints_path) as conn:

            async def make_embedded(index: Any, ttl: Any) -> Store:
                store = SqliteStore(conn, index=index, ttl=ttl)
                store.file = CheckpointFile(settings.checkpoints_path)
                await store.setup()
                return store

            yield make_embedded
        return
    url = postgres_url(settings)
    async with open_pool(
        url,
        max_size=GRAPH_STORE_CONNECTIONS,
        application_name=application_name,
        on_connect=on_connect,
    ) as pool:

        async def make_shared(index: Any, ttl: Any) -> Store:
            await _set_up_postgres(pool, index)
            return PatientStore(pool, index=index, ttl=ttl)

        yield make_shared


async def _set_up_postgres(pool: Pool, index: dict[str, Any] | None) -> None:
    newest = len(AsyncPostgresStore.MIGRATIONS) - 1
    newest_vector = len(AsyncPostgresStore.VECTOR_MIGRATIONS) - 1

    async def is_current(conn: Any) -> bool:
        if not await has_version(conn, "store_migrations", newest):
            return False
        return index is None or await has_version(conn, "vector_migrations", newest_vector)

    async def set_up(conn: Any) -> None:
        store = AsyncPostgresStore(conn, index=index)  # type: ignore[arg-type]
        try:
            await store.setup()
        finally:
            _stop_batching(store)

    await set_up_once(pool, is_current=is_current, set_up=set_up)


def _stop_batching(store: Store) -> None:
    # LangGraph leaves this task to the garbage collector, which may come after the loop is closed.
    if store._task is not None:  # noqa: SLF001
        store._task.cancel()  # noqa: SLF001
