"""
The gate before calls to models (`graphs.model_limits`): those that wait stand in one line a model.

One thread a model asks the database for the first in its line, so that many that wait ask no more often
than one. Nothing here runs in the event loop but handing over a future (law 5).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from interlock.core.errors import InterlockError
from interlock.core.graphs import model_limits
from interlock.core.model.policies import ModelRules, Policies
from interlock.core.services import limiting
from interlock.core.services.context import App
from interlock.core.types import new_id

AGAIN_S = 1.0  # between two tries while the database does not answer
RENEW_S = limiting.CALL_LEASE.total_seconds() / 3
TELL_S = 1.0  # who waited longer is told of in the log

logger = logging.getLogger(__name__)


def open_gate(app: App, policies: Policies) -> ModelGate | None:
    """The gate before this worker's calls to models, put in place; None where no policy has a limit."""
    limited = {
        name: rules
        for name, rules in policies.models.items()
        if rules.per_minute or rules.in_flight
    }
    if not limited:
        return None
    gate = ModelGate(app, limited)
    model_limits.install(limited, gate)
    return gate


class ModelGate:
    """All limited models of one worker."""

    def __init__(self, app: App, models: Mapping[str, ModelRules]) -> None:
        self._lines = {name: _Line(app, name, rules) for name, rules in models.items()}

    def enter(self, model: str, call_id: str | None) -> None:
        """Wait in this thread until the call may start."""
        self._lines[model].join(call_id).result()

    async def enter_async(self, model: str, call_id: str | None) -> None:
        """The same in the event loop; who is cancelled meanwhile leaves the line."""
        future = self._lines[model].join(call_id)
        try:
            await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if call_id is not None:
                self.leave(call_id)
            raise

    def leave(self, call_id: str) -> None:
        """A call ended, well or not; any call, from any thread."""
        for line in self._lines.values():
            line.leave(call_id)

    def stop(self) -> None:
        """Let nobody wait any longer, and write what ended; blocks."""
        for line in self._lines.values():
            line.stop()


class _Line:
    def __init__(self, app: App, model: str, rules: ModelRules) -> None:
        self._app = app
        self._model = model
        self._rules = rules
        self._lock = threading.Condition()
        self._waiting: deque[tuple[Future[None], str, float]] = deque()
        self._inside: set[str] = set()
        self._ended: list[str] = []
        self._renewed_at = time.monotonic()
        self._is_stopping = False
        self._is_stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def join(self, call_id: str | None) -> Future[None]:
        future: Future[None] = Future()
        with self._lock:
            if self._is_stopping:
                future.cancel()
                return future
            # Of a call whose end nobody tells only the start counts.
            self._waiting.append((future, call_id or f"-{new_id()}", time.monotonic()))
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="models", daemon=True)
                self._thread.start()
            self._lock.notify()
        return future

    def leave(self, call_id: str) -> None:
        with self._lock:
            if call_id in self._inside:
                self._inside.discard(call_id)
                self._ended.append(call_id)
                self._lock.notify()

    def stop(self) -> None:
        with self._lock:
            self._is_stopping = True
            self._is_stopped.set()
            while self._waiting:
                self._waiting.popleft()[0].cancel()
            self._lock.notify()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _serve(self) -> None:
        ask_at = 0.0  # time.monotonic(): not before then is asked for the first in the line
        while True:
            with self._lock:
                self._rest(ask_at)
                if self._is_stopping and not self._ended:
                    return
                ask_at = 0.0 if self._ended else ask_at  # there is room again
            try:
                self._tell()
                if time.monotonic() >= ask_at:
                    ask_at = time.monotonic() + (self._let_in() or 0.0)
            except InterlockError as exc:  # nobody can count: hold, as runs do (MISSION R7)
                logger.warning("model_not_counted", extra={"reason": str(exc)})
                if self._is_stopping:
                    return
                self._is_stopped.wait(AGAIN_S)

    def _rest(self, ask_at: float) -> None:
        """Wait until there is something to do; the lock is held."""
        while not (self._is_stopping or self._ended):
            now = time.monotonic()
            until = self._renewed_at + RENEW_S if self._inside else now + RENEW_S
            if self._waiting:
                until = min(until, ask_at)
            if until <= now:
                return
            self._lock.wait(until - now)

    def _tell(self) -> None:
        """Write who left, and that the others are still at it."""
        with self._lock:
            ended, self._ended = self._ended, []
            inside = list(self._inside)
        is_due = time.monotonic() - self._renewed_at >= RENEW_S
        if not (ended or (inside and is_due)):
            return
        try:
            limiting.keep_calls(self._app, inside if is_due else (), ended)
        except BaseException:
            with self._lock:
                self._ended += ended
            raise
        if is_due:
            self._renewed_at = time.monotonic()

    def _let_in(self) -> float | None:
        """Let in whoever is first; the seconds to wait if he may not, yet."""
        with self._lock:
            while self._waiting and self._waiting[0][0].cancelled():
                self._waiting.popleft()
            if not self._waiting:
                return None
            future, call_id, since = self._waiting[0]
        wait_s = limiting.enter_model(self._app, self._model, self._rules, call_id)
        if wait_s is not None:
            return wait_s
        waited_s = time.monotonic() - since
        if waited_s > TELL_S:
            about: dict[str, Any] = {"model": self._model, "waited_s": round(waited_s, 3)}
            logger.info("model_waited_for", extra=about)
        with self._lock:
            if self._waiting and self._waiting[0][0] is future:
                self._waiting.popleft()
            is_wanted = future.set_running_or_notify_cancel() if not future.cancelled() else False
            is_told = self._rules.in_flight is not None
            if is_told and is_wanted and not call_id.startswith("-"):
                if not self._inside:
                    self._renewed_at = time.monotonic()
                self._inside.add(call_id)
            elif is_told:
                self._ended.append(call_id)
        if is_wanted:
            future.set_result(None)
        return None
