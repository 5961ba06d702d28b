"""Calls of tools that ended in this worker are added to the installation's, now and then and at the end."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from interlock.core.errors import InterlockError
from interlock.core.graphs import tool_calls
from interlock.core.model.totals import ToolKey
from interlock.core.services import tool_counting
from interlock.core.services.context import App

logger = logging.getLogger(__name__)

PAUSE_S = 5.0


class ToolBook:
    """What of the calls is written already. For the event loop only."""

    def __init__(self, app: App, call: Callable[..., Awaitable[Any]]) -> None:
        self._app = app
        self._call = call
        self._written: Counter[ToolKey] = Counter()
        self._stopping = asyncio.Event()
        self._note_all()

    async def keep(self) -> None:
        """Write now and then, until stopped, and then what is left."""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), PAUSE_S)
            await self._write()

    def stop(self) -> None:
        """Let `keep` come to its end."""
        self._stopping.set()

    async def _write(self) -> None:
        before = self._written
        new = self._note_all() - before
        if not new:
            return
        try:
            await self._call(tool_counting.add, self._app, new)
        except InterlockError as exc:
            # For the next time. A commit whose answer was lost is added again (docs/watching.md).
            self._written = before
            logger.warning("tool_calls_wait", extra={"reason": str(exc)})

    def _note_all(self) -> Counter[ToolKey]:
        self._written = Counter(
            {ToolKey(*call): count for call, count in tool_calls.counted().items()}
        )
        return self._written
