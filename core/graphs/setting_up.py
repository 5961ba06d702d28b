"""
Makes LangGraph's own tables in a shared database, for `interlock db upgrade`.

A worker then finds them as it needs them, and its role needs no right to make any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from interlock.core.graphs.postgres_savers import open_postgres_savers
from interlock.core.graphs.savers import postgres_url
from interlock.core.graphs.stores import open_store
from interlock.core.settings import Settings

APPLICATION = "interlock-db"
CONNECTIONS = 2


async def set_up(
    settings: Settings, store_config: Mapping[str, Any] | None, *, warn: Callable[[str], None]
) -> None:
    """
    Make or upgrade the tables of checkpoints and of the long-term store; several processes take turns.

    Nothing of the project is imported: of an index the tables alone are made.

    Args:
        settings: Name the database, which is a shared one.
        store_config: The `store` section of langgraph.json.
        warn: Told in one sentence what the database cannot hold.

    Raises:
        StoreUnavailable: The database does not answer, or does not allow it.
    """
    url = postgres_url(settings)
    async with open_postgres_savers(url, max_size=CONNECTIONS, application_name=APPLICATION):
        pass
    index = (store_config or {}).get("index")
    config = {"index": {**index, "embed": _embed_nothing}} if index else None
    async with open_store(settings, config, application_name=APPLICATION, warn=warn):
        pass


def _embed_nothing(_texts: list[str]) -> list[list[float]]:
    raise NotImplementedError("only the tables are made here")
