"""Adding the calls of tools that a worker has seen end to the totals of the installation."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.core.model.totals import ToolKey
from interlock.core.services.context import App
from interlock.core.store import engine, tool_totals


def add(app: App, calls: Mapping[ToolKey, int]) -> None:
    """
    Add calls to the totals.

    Raises:
        StoreUnavailable: The database does not answer; nothing was added.
    """
    with engine.write(app.engine) as conn:
        tool_totals.add(conn, calls)
