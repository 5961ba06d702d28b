"""A worker carries out what is to happen at deadlines, in a thread of its own (law 5)."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from interlock.core.errors import StoreUnavailable
from interlock.core.services import deadlines
from interlock.core.services.context import App

LOOK_S = 1.0  # the longest it does not look: a card may be asked with a deadline that is nearer
SOON_S = 0.02  # the shortest: one that is due at the very moment
LEAVE_S = 5.0  # how long an end waits for a decision that is being made

logger = logging.getLogger(__name__)


@asynccontextmanager
async def watching_deadlines(app: App) -> AsyncIterator[None]:
    """Carry out what is due, at once and then as it comes, for as long as the worker works."""
    stop = threading.Event()
    watch = threading.Thread(target=_watch, args=(app, stop), name="deadlines", daemon=True)
    watch.start()
    try:
        yield
    finally:
        stop.set()
        await asyncio.to_thread(watch.join, LEAVE_S)


def _watch(app: App, stop: threading.Event) -> None:
    while not stop.wait(_look(app)):
        pass


def _look(app: App) -> float:
    """Look once; in how many seconds to look again."""
    try:
        next_s = deadlines.carry_out_due(app).next_s
    except StoreUnavailable as exc:  # what is due then is due still
        logger.warning("deadlines_wait", extra={"reason": str(exc)})
        return LOOK_S
    except Exception:  # the next look may go well; who works must not be ended by a watch
        logger.exception("deadlines_not_carried_out")
        return LOOK_S
    return LOOK_S if next_s is None else min(LOOK_S, max(SOON_S, next_s))
