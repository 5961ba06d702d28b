"""
The guard that keeps the rates of nodes and tools (`graphs.guarding`).

A start is counted in the database, in a thread of its own (law 5); where a policy has no rate it is
never asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs.guarding import Call, Place
from interlock.core.model.rates import limits_of_call
from interlock.core.services import keeping, limiting
from interlock.core.services.context import App

THREADS = 4
AGAIN_S = 1.0  # between two tries while the database does not answer

logger = logging.getLogger(__name__)


class Rates:
    """A guard for every node and tool whose policy has a rate."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="rates")

    def stop(self) -> None:
        """End; blocks."""
        self._pool.shutdown(wait=True)

    def covers(self, place: Place) -> bool:
        """Whether the policy there has a rate."""
        rate = place.policy.rate
        return rate is not None and bool(rate.per_minute or rate.per_user_hour)

    @asynccontextmanager
    async def around_async(self, call: Call) -> AsyncIterator[None]:
        """
        The context of one attempt or call.

        Raises:
            RateLimited: On entering: it was started too often lately.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(self._pool, self._take, call)
                break
            except StoreUnavailable as exc:  # nobody can count: hold, as runs do (MISSION R7)
                logger.warning("store_unavailable", extra={"reason": str(exc)})
                await asyncio.sleep(AGAIN_S)
        yield

    def _take(self, call: Call) -> None:
        place, run = call.place, call.run
        rate = place.policy.rate
        assert rate is not None  # asked of what is covered alone
        # Who answered a card, or retries, does not pay for who launched: not looked up for nothing.
        user = run.created_by if not rate.per_user_hour else keeping.find_launcher(self._app, run)
        wanted = limits_of_call(
            rate, workflow=place.workflow, path=place.path, tool=place.tool, user=user
        )
        limiting.take(self._app, wanted)
