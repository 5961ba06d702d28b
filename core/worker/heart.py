"""The signs of life of a worker, by which others know that it works."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from interlock.core.errors import StoreUnavailable
from interlock.core.model.workers import Worker
from interlock.core.services import presence
from interlock.core.services.context import App
from interlock.core.types import WorkerId

logger = logging.getLogger(__name__)


class Heart:
    """Writes signs of life from a thread of its own: user code may block the loop, not this."""

    def __init__(
        self, app: App, worker: Worker, *, keep_place: Callable[[], None] = lambda: None
    ) -> None:
        """`keep_place` is called with every beat, in the heart's thread."""
        self._app = app
        self._worker = worker
        self._keep_place = keep_place
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._stop.set()
        self._thread.join(timeout=self._app.settings.heartbeat_s * 2)

    @property
    def worker_id(self) -> WorkerId:
        """Whose heart it is."""
        return self._worker.worker_id

    def _beat(self) -> None:
        while not self._stop.wait(self._app.settings.heartbeat_s):
            try:
                presence.beat(self._app, replace(self._worker, heartbeat_at=self._app.clock.now()))
                self._keep_place()
            except StoreUnavailable as exc:  # the next beat may get through
                logger.warning("heartbeat_failed", extra={"reason": str(exc)})
            except Exception:  # silence is noticed by others
                logger.exception("heartbeat_failed")
