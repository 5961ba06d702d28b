"""Whether the database answers, as a worker sees it, and what it says of that (MISSION R7)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from interlock.core.errors import StoreBusy, StoreUnavailable

RETRY_S = 0.5  # between two looks whether it is back
HOLDS = "The database does not answer. The run holds where it stands until it does."
GOES_ON = (
    "The database does not answer. By its policy the run may go on in memory until it does; what it"
    " does meanwhile is not durable."
)

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Outage:
    """Begins with the first that finds the database away, ends when all was set right. Loop only."""

    def __init__(
        self, tell: Callable[[str], None], *, on_begin: Callable[[], None] = lambda: None
    ) -> None:
        """`on_begin` is called when one begins, `tell` is told in a sentence when it ends."""
        self._tell = tell
        self._on_begin = on_begin
        self._began_at: float | None = None

    @property
    def is_on(self) -> bool:
        """Whether the database was away when it was asked last."""
        return self._began_at is not None

    def suffer(self, error: StoreUnavailable) -> None:
        """The database does not answer; that others are in the way is no outage."""
        if self._began_at is None and not isinstance(error, StoreBusy):
            self._began_at = time.monotonic()
            logger.warning("store_unavailable", extra={"reason": str(error)})
            self._on_begin()

    def end(self) -> None:
        """It answers, and what it may have left half done was set right."""
        if self._began_at is not None:
            lasted_s = time.monotonic() - self._began_at
            self._began_at = None
            logger.warning("store_is_back", extra={"seconds": round(lasted_s, 1)})
            self._tell(f"The database answers again after {lasted_s:.1f} s; the run goes on.")

    async def outlast(self, call: Callable[[], Awaitable[T]]) -> T:
        """Do something that may be done twice, however long the database does not answer."""
        while True:
            try:
                return await call()
            except StoreUnavailable as exc:
                self.suffer(exc)
                await asyncio.sleep(RETRY_S)


def patient(call: Callable[..., Awaitable[Any]], outage: Outage) -> Callable[..., Awaitable[Any]]:
    """A `call` for store functions that may be done twice."""

    async def outlasting(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await outage.outlast(lambda: call(function, *args, **kwargs))

    return outlasting
