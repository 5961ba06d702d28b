"""What a worker sees to now and then: finished jobs, what is kept for a time, the head of the audit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from interlock.core.errors import StoreUnavailable
from interlock.core.services import auditing, presence, pruning
from interlock.core.services.context import App
from interlock.core.worker.recorder import Call

CLEAR_S = 600.0  # between two clearings

logger = logging.getLogger(__name__)


async def keep(app: App, call: Call, *, on_outage: Callable[[StoreUnavailable], None]) -> None:
    """See to it again and again, until cancelled."""
    while True:
        await asyncio.sleep(CLEAR_S)
        for see_to in (presence.clear_finished_jobs, pruning.retain, auditing.note_head):
            try:
                await call(see_to, app)
            except StoreUnavailable as exc:
                on_outage(exc)
            except Exception:  # the others are due all the same, and it again the next time
                logger.exception("not_seen_to", extra={"what": see_to.__name__})
