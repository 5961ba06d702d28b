"""
One watcher for the whole process: it looks for new heads and hands them to every open screen.

The watching thread may block; screens are served on the event loop. A screen that does not keep up
gets the newest heads later, never a queue of old ones.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

import structlog

from interlock.core.types import ApprovalId
from interlock.dashboard.http.heads import HeadSource, card_ids, run_ids

logger = structlog.get_logger(__name__)

_RETRY_S = 1.0
_REST_RATIO = 4  # looking takes at most a fifth of the thread's time, however slow the database is


class Subscription:
    """What one screen has asked for; holds at most one head a topic."""

    def __init__(self) -> None:
        self.topics: frozenset[str] = frozenset()
        self.is_lost = False
        self.person = ""  # whose screen it is
        self._sent: dict[str, int] = {}
        self._slot: dict[str, int] = {}
        self._news = asyncio.Event()

    def offer(self, heads: Mapping[str, int]) -> None:
        """Put what is new for this screen into its slot."""
        for topic in self.topics:
            head = heads.get(topic)
            if head is not None and self._sent.get(topic) != head:
                self._slot[topic] = head
        if self._slot:
            self._news.set()

    def lose(self) -> None:
        """Tell the screen that nobody looks for changes any more."""
        self.is_lost = True
        self._news.set()

    async def take(self, timeout_s: float) -> dict[str, int]:
        """What is new, as soon as anything is; empty when nothing was for `timeout_s` or it is lost."""
        try:
            await asyncio.wait_for(self._news.wait(), timeout_s)
        except TimeoutError:
            return {}
        self._news.clear()
        taken, self._slot = self._slot, {}
        self._sent.update(taken)
        return taken

    def again(self) -> dict[str, int]:
        """Everything sent so far, to be said once more."""
        return {topic: head for topic, head in self._sent.items() if topic in self.topics}


class Broadcaster:
    """Watches one source on a thread of its own; `start` and `subscribe` belong to one event loop."""

    def __init__(self, open_source: Callable[[], HeadSource], *, poll_s: float) -> None:
        self._open_source = open_source
        self._poll_s = poll_s
        self._heads: dict[str, int] = {}
        self._runs: frozenset[str] = frozenset()
        self._subscriptions: set[Subscription] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = threading.Event()
        self._is_stopping = threading.Event()
        self._is_fresh_run = False
        self._thread = threading.Thread(target=self._watch, name="interlock-heads", daemon=True)
        self.is_watching = True  # until it fails

    def start(self) -> None:
        """Begin to watch; to be called on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """End the watching thread and wait for it."""
        self._is_stopping.set()
        self._wake.set()
        await asyncio.to_thread(self._thread.join, 5)

    @property
    def count(self) -> int:
        """How many screens are open."""
        return len(self._subscriptions)

    def heads(self, topics: Collection[str]) -> dict[str, int]:
        """The newest known heads of these topics; callable from any thread."""
        known = self._heads
        return {topic: known[topic] for topic in topics if topic in known}

    def opened(self) -> frozenset[tuple[ApprovalId, str]]:
        """Which cards whose screens have open; callable from any thread."""
        return frozenset(
            (card, each.person)
            for each in tuple(self._subscriptions)
            if each.person
            for card in card_ids(each.topics)
        )

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """A subscription for as long as a screen is open; it starts without topics."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            self._note_runs()

    def follow(self, subscription: Subscription, topics: Collection[str]) -> None:
        """Change what a screen asks for; what is known is offered at once."""
        subscription.topics = frozenset(topics)
        self._note_runs()
        subscription.offer(self._heads)

    def _note_runs(self) -> None:
        wanted = run_ids({topic for s in self._subscriptions for topic in s.topics})
        is_new = not wanted <= self._runs
        self._runs = wanted
        if is_new:
            self._is_fresh_run = True
            self._wake.set()

    def _publish(self, heads: dict[str, int]) -> None:
        for subscription in self._subscriptions:
            subscription.offer(heads)

    def _lose_all(self) -> None:
        for subscription in self._subscriptions:
            subscription.lose()

    # On the watching thread ----------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._is_stopping.is_set():
            try:
                self._watch_source()
            except Exception as exc:  # whatever it is, screens must not go on as if they were live
                if self.is_watching:
                    logger.exception("the database cannot be watched", error=str(exc))
                self.is_watching = False
                self._tell(self._lose_all)
                self._is_stopping.wait(_RETRY_S)

    def _watch_source(self) -> None:
        source = self._open_source()
        try:
            while not self._is_stopping.is_set():
                started_at = time.monotonic()
                self._look(source)
                took_s = time.monotonic() - started_at
                self._wake.wait(max(self._poll_s, took_s * _REST_RATIO))
                self._wake.clear()
        finally:
            source.close()

    def _look(self, source: HeadSource) -> None:
        is_asked, self._is_fresh_run = self._is_fresh_run, False
        if not source.may_have_changed() and not is_asked:
            return
        heads = source.read(self._runs)
        self.is_watching = True
        if heads != self._heads:
            self._heads = heads
            self._tell(lambda: self._publish(heads))

    def _tell(self, what: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)


_current: Broadcaster | None = None


def current() -> Broadcaster | None:
    """The broadcaster of this process, if it serves."""
    return _current


def use(broadcaster: Broadcaster | None) -> None:
    """Make this the broadcaster of the process."""
    global _current
    _current = broadcaster


def heads_of(topics: Collection[str]) -> dict[str, int]:
    """The heads a screen is drawn with; read before the data, so that a change in between is noticed."""
    broadcaster = _current
    return {} if broadcaster is None else broadcaster.heads(topics)
