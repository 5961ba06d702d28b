"""Open the checkpoint database that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from interlock.core.ciphers import Cipher
from interlock.core.graphs.attached_savers import open_attached_file, open_attached_server
from interlock.core.graphs.checkpoints import RawCheckpoint, Savers
from interlock.core.graphs.postgres_savers import BeSure, OnConnect, open_postgres_savers
from interlock.core.graphs.sqlite_savers import open_sqlite_savers
from interlock.core.settings import Settings

__all__ = ["RawCheckpoint", "Savers", "open_savers", "postgres_url"]


@asynccontextmanager
async def open_savers(
    settings: Settings,
    *,
    application_name: str = "interlock",
    cipher: Cipher | None = None,
    on_connect: OnConnect | None = None,
    be_sure: BeSure | None = None,
) -> AsyncIterator[Savers]:
    """
    Open the checkpoint database, with its tables made; that of another application as it is.

    With `cipher`, what is written into our own is encrypted; another application has not our keys.
    `on_connect` is awaited with each new session of a server, `be_sure` before a run goes on after
    an answer of ours.

    Raises:
        StoreUnavailable: It does not answer, or another application's does not fit.
    """
    size = settings.checkpoint_connections
    if settings.attached_path is not None:
        async with open_attached_file(settings.attached_path) as file:
            yield file
        return
    if settings.attached_url is not None:
        async with open_attached_server(
            settings.attached_url,
            max_size=size,
            application_name=application_name,
            on_connect=on_connect,
        ) as server:
            yield server
        return
    if settings.is_embedded:
        async with open_sqlite_savers(settings.checkpoints_path, cipher=cipher) as embedded:
            yield embedded
        return
    url = postgres_url(settings)
    async with open_postgres_savers(
        url,
        max_size=size,
        application_name=application_name,
        cipher=cipher,
        on_connect=on_connect,
        be_sure=be_sure,
    ) as shared:
        yield shared


def postgres_url(settings: Settings) -> str:
    """The database's URL as libpq reads it, without SQLAlchemy's driver name."""
    return settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
