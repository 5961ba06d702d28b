"""A run of this worker that goes on in memory while the database is away (MISSION R7)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from interlock.core.graphs.keeping import MAX_BYTES, MAX_WORKER_BYTES, MAX_WRITES, Keeping, Room
from interlock.core.services.claiming import Claimed

ComeBack = Callable[[Claimed, int], Awaitable[bool]]
T = TypeVar("T")

logger = logging.getLogger(__name__)


class RunMemory:
    """What is kept of one run, and what is said of it. On the event loop only, but for `tell_loss`."""

    def __init__(
        self,
        claimed: Claimed,
        come_back_to: ComeBack,
        warn: Callable[[str], None],
        room: Room,
    ) -> None:
        """
        Make it; nothing is kept yet.

        Args:
            claimed: The run.
            come_back_to: Marks the run by the number of its steps that were kept, as long as it is
                this worker's; whether it is.
            warn: Says something in the run's log.
            room: What all runs of the worker keep together.
        """
        self.keeping = Keeping(self, room)
        self._claimed = claimed
        self._come_back_to = come_back_to
        self._warn = warn
        self._task: asyncio.Task[Any] | None = None

    async def around(self, carried: Awaitable[T]) -> T:
        """Carry the run out; what is still kept at its end is gone."""
        self._task = asyncio.current_task()
        try:
            return await carried
        finally:
            await self.keeping.close()

    async def come_back(self, steps: int) -> bool:
        """Mark the run, as long as it is this worker's; whether it is."""
        return await self._come_back_to(self._claimed, steps)

    def on_memory(self) -> None:
        """From here on the run goes on in memory."""
        self._warn(
            "Not durable: while the database is away, what the run does is kept in the memory of its"
            f" worker, at most {MAX_WRITES} writes or {MAX_BYTES // 1_000_000} MB, and"
            f" {MAX_WORKER_BYTES // 1_000_000} MB of all its runs. If the worker ends before"
            " it is back, the run goes on from its last stored step, and does again what it did since."
        )

    def tell_death(self) -> None:
        """The worker that had the run died; what was kept there is not known."""
        self._warn(
            "The worker that had the run ended. As its workflow goes on in memory while the database is"
            " away, steps that were kept there are lost, and the run may do them again."
        )

    def on_stored(self, steps: int, seconds: float) -> None:
        """All that was kept is stored."""
        what = "1 step" if steps == 1 else f"{steps} steps"
        self._warn(
            f"Stored late: {what} of the run, kept in the memory of its worker for {seconds:.1f} s."
        )

    def on_lost(self, steps: int) -> None:  # noqa: ARG002  the log has the number
        """Another worker has the run: stop here."""
        if self._task is not None:
            self._task.cancel("another worker has the run")

    def tell_loss(self) -> None:
        """Log that what is kept of the run ends with this process."""
        if self.keeping.is_on:
            extra = {"run_id": self._claimed.run.run_id, "steps": self.keeping.steps}
            logger.critical("kept_steps_lost", extra={**extra, "reason": "taken over"})
