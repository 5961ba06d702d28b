"""Figures are rolled up beside the runs, on the store's threads; after a downtime it catches up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from interlock.core.errors import StoreUnavailable
from interlock.core.services import figuring
from interlock.core.services.context import App

logger = logging.getLogger(__name__)

PAUSE_S = 10.0  # between two looks for what is settled
STEP_S = 0.05  # between two steps of catching up: the runs come first


async def keep(app: App, call: Callable[..., Awaitable[Any]]) -> None:
    """Roll up until cancelled; what fails is tried again."""
    while True:
        has_more = False
        try:
            has_more = await call(figuring.roll, app)
        except StoreUnavailable as exc:
            logger.warning("figures_wait", extra={"reason": str(exc)})
        except Exception:
            logger.exception("figures_not_rolled")
        await asyncio.sleep(STEP_S if has_more else PAUSE_S)
