"""
A worker tells people and programs of what happened, by the rules of interlock.toml, in a thread of its own.

Without rules there is no such thread: nobody pays for what nobody asked for.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from interlock.core.errors import StoreUnavailable
from interlock.core.model.policies import Policies
from interlock.core.services.context import App
from interlock.core.services.notice_sending import Courier
from interlock.core.services.notice_targets import Target, find_targets
from interlock.core.services.noticing import Collector

LOOK_S = 1.0
REST_S = 3600.0  # how often what is old is seen to
LEAVE_S = 3.0  # how long an end waits for what is on its way

logger = logging.getLogger(__name__)


@asynccontextmanager
async def telling_others(app: App, policies: Policies) -> AsyncIterator[None]:
    """Look for what is to be told and send it, for as long as the worker works."""
    targets = find_targets(policies)
    if not targets:
        yield
        return
    _warn(targets)
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(app, targets, stop), name="notices", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        await asyncio.to_thread(thread.join, LEAVE_S)


def _warn(targets: tuple[Target, ...]) -> None:
    for target in targets:
        if target.problem:
            told = {"rule": target.rule.name, "position": target.position + 1}
            logger.error("notice_rule_wrong", extra=told | {"reason": target.problem})


def _watch(app: App, targets: tuple[Target, ...], stop: threading.Event) -> None:
    collector, courier = Collector(app, targets), Courier(app, targets)
    rested_at = -REST_S
    while True:
        _try(collector.look)
        _try(courier.work)
        if time.monotonic() - rested_at >= REST_S:
            rested_at = time.monotonic()
            _try(courier.settle_rest)
        if stop.wait(LOOK_S):
            courier.wait(LEAVE_S / 2)
            return


def _try(act: Callable[[], object]) -> None:
    try:
        act()
    except StoreUnavailable as exc:  # what is to be told then is to be told still
        logger.warning("notices_wait", extra={"reason": str(exc)})
    except Exception:  # the next look may go well; who works must not be ended by this
        logger.exception("notices_not_looked_for")
