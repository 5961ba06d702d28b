"""
The breakers as a worker knows them: their states at hand, so that a healthy call costs no query.

Everything here may block and is called from threads, never from the event loop (law 5). What other
workers and operators do is read when it moves. While the database does not answer, a breaker stays as
it was seen last.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from interlock.core.errors import BreakerOpen, InterlockError, StoreUnavailable
from interlock.core.model.breaker import (
    PROBE_LEASE_S,
    Answer,
    Breaker,
    Outcome,
    Pass,
    ask,
    find_end,
    wait_until,
)
from interlock.core.services import tripping
from interlock.core.services.context import App
from interlock.core.services.tripping import Known, Wanted
from interlock.core.worker.breaker_counts import CallCounts

GAP_S = 0.1  # between two looks at what others did, however much happens
COUNT_S = 5.0  # between two writings of what came to the breakers
MEASURE_EVERY = timedelta(minutes=1)
LOOK_S = 1.0  # the longest without a look, should word of a change be missed

logger = logging.getLogger(__name__)


class Board:
    """All breakers of one worker. `peek`, `may_probe` and `notice` never block."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._known: dict[str, Breaker] = {}
        self._head = -1
        self._ahead = timedelta()  # of the database's clock, before this machine's
        self._measured_at = app.clock.now()  # when this machine's clock was compared with it
        self._refused: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._calls = CallCounts()
        self._probes: dict[Pass, str] = {}
        self._thread: threading.Thread | None = None
        self._news = threading.Event()
        self._is_stopping = threading.Event()

    # -- the worker's side -------------------------------------------------------------------

    def enlist(self, wanted: Sequence[Wanted], *, is_all: bool) -> None:
        """Make breakers known, and follow what happens to them from now on."""
        self._take(tripping.enlist(self._app, wanted, is_all=is_all))
        if wanted:
            self._start()

    def notice(self) -> None:
        """The database has moved: others may have done something."""
        self._news.set()

    def stop(self) -> None:
        """Write what is left, and follow no more."""
        self._is_stopping.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(timeout=LOOK_S * 5)
        self._write_refusals()
        self._write_calls()

    # -- one call ----------------------------------------------------------------------------

    def peek(self, name: str) -> Pass | None:
        """What a call goes through with if its breaker is known to be closed; asks nobody."""
        breaker = self._known.get(name)
        if breaker is None or ask(breaker, self._now()) is not Answer.PASS:
            return None
        return Pass(breaker.epoch)

    def may_probe(self, name: str) -> bool:
        """Whether a call may be the probe now, or one is; asks nobody."""
        breaker = self._known.get(name)
        return (
            breaker is None
            or breaker.probe_by is not None
            or ask(breaker, self._now()) is Answer.PROBE
        )

    def enter(self, wanted: Wanted, run_id: str) -> Pass:
        """
        Ask a breaker, and the database where it has to be.

        Raises:
            BreakerOpen: It lets nothing through, or another call is its probe. It is counted.
        """
        try:
            breaker = self._known.get(wanted.name) or self._find(wanted)
            answer = ask(breaker, self._now())
            if answer is Answer.PASS:
                return Pass(breaker.epoch)
            if answer is Answer.PROBE:
                passed, breaker = tripping.claim_probe(self._app, wanted.name, run_id=run_id)
                self._learn(breaker)
                if passed is not None:
                    self._probes[passed] = wanted.name
                    return passed
                if ask(breaker, self._now()) is Answer.PASS:
                    return Pass(breaker.epoch)  # another worker's probe went well just now
        except StoreUnavailable as exc:
            logger.warning("store_unavailable", extra={"reason": str(exc)})
            known = self._known.get(wanted.name)
            if known is None:
                return Pass(-1)  # nobody knows of a failure, and what follows counts for nothing
            breaker = known
        self._count_refusal(breaker.name)
        raise self._refusal(breaker)

    def leave(
        self,
        name: str,
        passed: Pass,
        outcome: Outcome,
        run_id: str,
        on_change: Callable[[Breaker, str], None] | None = None,
    ) -> None:
        """Tell how a call ended, as `tripping.tell`; needed of failures and of the probe only."""
        self._probes.pop(passed, None)
        try:
            after = tripping.tell(
                self._app, name, passed, outcome, run_id=run_id, on_change=on_change
            )
        except InterlockError as exc:  # the lease of a probe ends by itself
            logger.warning("breaker_not_told", extra={"breaker": name, "reason": str(exc)})
        else:
            self._learn(after)

    def count(self, name: str, error: BaseException | None) -> None:
        """A call is over that went through; for what screens show, and without asking anybody."""
        has_failed = find_end(error)
        if has_failed is not None:
            self._calls.note(name, self._now(), has_failed=has_failed)

    def _find(self, wanted: Wanted) -> Breaker:
        """A breaker of a node that was not there when the worker started."""
        self.enlist([wanted], is_all=False)
        return self._known[wanted.name]

    def _refusal(self, breaker: Breaker) -> BreakerOpen:
        retry_at = wait_until(breaker, self._now())
        if retry_at is None:
            what = "is held open by an operator"
        elif breaker.probe_by is not None:
            what = "is half open, and its one probe is in flight"
        else:
            what = f"is open; it lets a probe through at {retry_at:%H:%M:%S} UTC"
        text = f"The breaker {breaker.name!r} {what}."
        return BreakerOpen(text, name=breaker.name, retry_at=retry_at)

    def _count_refusal(self, name: str) -> None:
        """Count it in the database before anybody sees it; those of a moment together."""
        with self._lock:
            self._refused[name] += 1
        self._calls.note_refusal(name, self._now())
        self._write_refusals()

    def _write_refusals(self) -> None:
        with self._counting:  # who comes second finds his own written
            with self._lock:
                counts, self._refused = self._refused, Counter()
            if not counts:
                return
            try:
                tripping.count_refusals(self._app, counts)
            except InterlockError as exc:
                logger.warning("refusals_not_counted", extra={"reason": str(exc)})
                with self._lock:
                    self._refused += counts

    def _write_calls(self) -> None:
        counts = self._calls.take()
        if not counts:
            return
        try:
            tripping.count_calls(self._app, counts)
        except InterlockError as exc:
            logger.warning("calls_not_counted", extra={"reason": str(exc)})
            self._calls.put_back(counts)

    # -- following ---------------------------------------------------------------------------

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._is_stopping.is_set():
                self._thread = threading.Thread(target=self._follow, name="breakers", daemon=True)
                self._thread.start()

    def _follow(self) -> None:
        """See what others do, and say that our probes still run, until stopped."""
        renewed_at = counted_at = self._app.clock.now()
        while not self._is_stopping.is_set():
            self._news.wait(LOOK_S)
            self._news.clear()
            try:
                self._look()
                now = self._app.clock.now()
                if (now - renewed_at).total_seconds() >= PROBE_LEASE_S / 3:
                    renewed_at = now
                    self._renew()
                if (now - counted_at).total_seconds() >= COUNT_S:
                    counted_at = now
                    self._write_calls()
            except InterlockError as exc:  # the next look may succeed
                logger.warning("breakers_not_read", extra={"reason": str(exc)})
            except Exception:
                logger.exception("breakers_not_read")
            self._is_stopping.wait(GAP_S)

    def _look(self) -> None:
        # The two clocks drift apart: now and then all is read, whether it has moved or not.
        is_measured = timedelta() <= self._app.clock.now() - self._measured_at < MEASURE_EVERY
        known = tripping.read_known(self._app, head=self._head if is_measured else -1)
        if known is not None:
            self._take(known)
        if self._refused:  # from when the database did not answer
            self._write_refusals()

    def _renew(self) -> None:
        for passed, name in tuple(self._probes.items()):
            if not tripping.renew_probe(self._app, name, passed):
                self._probes.pop(passed, None)

    def _now(self) -> datetime:
        """The time as the database has it; nobody is asked."""
        return self._app.clock.now() + self._ahead

    def _take(self, known: Known) -> None:
        self._measured_at = self._app.clock.now()
        self._ahead = known.at - self._measured_at
        for breaker in known.breakers.values():
            self._learn(breaker)
        self._head = known.head

    def _learn(self, breaker: Breaker) -> None:
        """Keep the newer of two: what was read may be older than what a call has written since."""
        with self._lock:
            old = self._known.get(breaker.name)
            if old is None or breaker.epoch >= old.epoch:
                self._known[breaker.name] = breaker
