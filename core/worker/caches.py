"""
The tiers of a worker's caches: its memory, the database, Redis where there is one.

A hit of a lower tier is put into those above it. Nothing here knows LangGraph; `graphs.caching` asks.
Everything but `recall` and `count` does I/O and belongs into a thread (law 5).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from interlock.core.errors import InterlockError, StoreUnavailable
from interlock.core.model import embedding
from interlock.core.model.caches import Asked, Counts, Entry, Found, Place, Tier
from interlock.core.model.runs import Run
from interlock.core.services import caching, keeping
from interlock.core.services.context import App
from interlock.core.store.caches import Touch
from interlock.core.store.redis_caches import RedisCaches
from interlock.core.types import new_id
from interlock.core.worker.memory_tier import MemoryTier

THREADS = 4  # SQLite has one writer anyway
CLAIM_S = 30.0  # after this a claim of a worker that died is free
RENEW_S = CLAIM_S / 3
FRESH_S = 1.0  # how long memory is used without asking whether there was a clearing
TIDY_S = 600.0  # between two deletions of what has expired
MAX_EXACT_BOUND = 10_000  # of a larger cache the bound is held at every thousandth part of it

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
logger = logging.getLogger(__name__)


class Caches:
    """All caches of one worker; from any thread."""

    def __init__(
        self,
        app: App,
        *,
        embed: Embed = embedding.embed,
        redis: RedisCaches | None = None,
        memory_bytes: int = 64_000_000,
    ) -> None:
        self._app = app
        self._embed = embed
        self._redis = redis
        self._owner = new_id()
        self._memory = MemoryTier(memory_bytes)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="cache")
        self._lock = threading.Lock()
        self._counts: dict[tuple[Place, datetime], Counts] = {}
        self._touches: dict[tuple[str, str], Touch] = {}
        self._claims: set[tuple[str, str]] = set()
        self._stores: dict[Place, int] = {}
        self._clears = 0
        self._fresh_until = float("-inf")  # time.monotonic()
        self._tidy_at = 0.0  # time.monotonic()
        self._closed = threading.Event()
        self._renewing: threading.Thread | None = None

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run one of the functions that do I/O in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: function(*args))

    def close(self) -> None:
        """Write what is counted, give claims back, let go of the connections."""
        self._closed.set()
        if self._renewing is not None:
            self._renewing.join()
        try:
            self.release(list(self._claims))
            self.flush()
        except InterlockError as exc:
            logger.warning("cache_counts_lost", extra={"reason": str(exc)})
        self._pool.shutdown(wait=True)
        if self._redis is not None:
            self._redis.close()

    def begin(self, run: Run) -> str:
        """Look for clearings, as those before the run must hold for it; who launched it."""
        self._note_clears(keeping.count_clears(self._app))
        return keeping.find_launcher(self._app, run)

    # -- looking up ------------------------------------------------------------------------

    @property
    def is_fresh(self) -> bool:
        """Whether memory may be used without asking the database for clearings."""
        return time.monotonic() < self._fresh_until

    def recall(self, asked: Asked) -> Found | None:
        """A hit in memory, counted; None if `find` has to be asked."""
        entry = self._memory.get(asked.id, now=self._app.clock.now())
        return None if entry is None else self._hit(Found(entry=entry, tier=Tier.MEMORY))

    def find(self, asked: Asked) -> Found | None:
        """
        A hit in whichever tier, counted.

        A miss is counted by `miss`, when it is known that the asker makes the entry.
        """
        now = self._app.clock.now()
        looked = keeping.look_up(self._app, [asked.id], now=now)
        self._note_clears(looked.clears)
        entry = self._memory.get(asked.id, now=now)
        if entry is not None:
            return self._hit(Found(entry=entry, tier=Tier.MEMORY))
        entry = looked.entries.get(asked.id)
        if entry is not None:
            self._memory.put(entry, clears=looked.clears, max_entries=asked.max_entries)
            return self._hit(Found(entry=entry, tier=Tier.DATABASE))
        entry = self._find_in_redis(asked, looked.clears, now)
        if entry is not None:
            self._put(entry, asked, clears=looked.clears)
            return self._hit(Found(entry=entry, tier=Tier.REDIS))
        found = self._find_near(asked, now)
        return None if found is None else self._hit(found)

    @property
    def clears(self) -> int:
        """How many clearings this worker knows of."""
        return self._clears

    def clear(self, event: str, actor: str, reason: str) -> None:
        """Clear what an event stands for; this worker uses none of it from here on."""
        caching.clear(self._app, event=event, actor=actor, reason=reason)
        self._note_clears(keeping.count_clears(self._app))

    def _note_clears(self, clears: int) -> None:
        with self._lock:
            if clears > self._clears:
                self._clears = clears
                self._memory.forget(before=clears)
            self._fresh_until = time.monotonic() + FRESH_S

    def _find_in_redis(self, asked: Asked, clears: int, now: datetime) -> Entry | None:
        if self._redis is None:
            return None
        one = (asked.place, asked.namespace, asked.key)
        found = self._redis.fetch_many([one], clears=clears, now=now)
        return found.get(asked.id)

    def _find_near(self, asked: Asked, now: datetime) -> Found | None:
        if asked.semantic is None or not asked.texts:
            return None
        wanted = self._vector_of(asked)
        vectors = keeping.list_vectors(self._app, asked.namespace, now=now)
        nearest = embedding.find_nearest(wanted, [v for _, v in vectors]) if wanted else None
        if nearest is None or nearest[1] < asked.semantic:
            return None
        key = vectors[nearest[0]][0]
        looked = keeping.look_up(self._app, [(asked.namespace, key)], now=now)
        entry = looked.entries.get((asked.namespace, key))
        if entry is None:
            return None
        return Found(entry=entry, tier=Tier.SEMANTIC, similarity=nearest[1])

    def _vector_of(self, asked: Asked) -> bytes | None:
        if asked.semantic is None or not asked.texts:
            return None
        try:
            vectors = [embedding.normalise(v) for v in self._embed(asked.texts)]
            return embedding.pack(vectors)
        except Exception as exc:  # noqa: BLE001 - an embedder of the user's raises what it likes
            logger.warning("embedder_failed", extra={"reason": repr(exc)})
            return None

    # -- keeping ---------------------------------------------------------------------------

    def keep(
        self,
        asked: Asked,
        encoding: str,
        value: bytes,
        *,
        cost_ms: float,
        clears: int,
        cost: float = 0.0,
    ) -> bool:
        """Keep what was made, in every tier; False if there was a clearing since `clears`."""
        now = self._app.clock.now()
        until = None if asked.ttl_s is None else now + timedelta(seconds=asked.ttl_s)
        entry = Entry(
            place=asked.place,
            namespace=asked.namespace,
            key=asked.key,
            encoding=encoding,
            value=value,
            cost_ms=cost_ms,
            cost=cost,
            question=asked.question,
            vector=self._vector_of(asked),
            created_at=now,
            expires_at=until,
        )
        try:
            is_kept = self._put(entry, asked, clears=clears)
        except InterlockError:
            with self._lock:  # who cannot write now cannot give a claim back: it ends by itself
                self._claims.discard(asked.id)
            raise
        if is_kept:
            with self._lock:
                self._claims.discard(asked.id)
            self._count(asked.place, stores=1)
            if self._redis is not None:
                self._redis.keep(entry, clears=clears, now=now)
        else:
            self.release([asked.id])
        self._tidy(now)
        return is_kept

    def _put(self, entry: Entry, asked: Asked, *, clears: int) -> bool:
        bound = asked.max_entries if self._is_bound_due(asked) else None
        evicted = keeping.keep(self._app, entry, clears=clears, max_entries=bound)
        if evicted is None:
            return False
        if evicted:
            self._count(asked.place, evictions=evicted)
        self._memory.put(entry, clears=clears, max_entries=asked.max_entries)
        return True

    def _is_bound_due(self, asked: Asked) -> bool:
        with self._lock:
            count = self._stores[asked.place] = self._stores.get(asked.place, 0) + 1
        every = 1 if asked.max_entries <= MAX_EXACT_BOUND else asked.max_entries // 1000
        return count % every == 0

    def _tidy(self, now: datetime) -> None:
        with self._lock:
            if time.monotonic() < self._tidy_at:
                return
            self._tidy_at = time.monotonic() + TIDY_S
        keeping.tidy(self._app, now=now)

    # -- once ------------------------------------------------------------------------------

    def claim(self, asked: Asked) -> bool:
        """Be the one of all workers who makes an entry; False: somebody else is, or it is there."""
        now = self._app.clock.now()
        with self._lock:
            if asked.id in self._claims:
                return False  # another run of this worker
        until = now + timedelta(seconds=CLAIM_S)
        is_ours = keeping.claim(
            self._app, asked.id, asked.place, owner=self._owner, now=now, until=until
        )
        if is_ours:
            with self._lock:
                self._claims.add(asked.id)
                if self._renewing is None:
                    self._renewing = threading.Thread(
                        target=self._renew, name="cache-claims", daemon=True
                    )
                    self._renewing.start()
        return is_ours

    def release(self, ids: Sequence[tuple[str, str]]) -> None:
        """Let others make what did not come about."""
        with self._lock:
            held = [each for each in ids if each in self._claims]
            self._claims.difference_update(held)
        if held:
            keeping.drop_claims(self._app, held, owner=self._owner)

    def _renew(self) -> None:
        while not self._closed.wait(RENEW_S):
            with self._lock:
                held = list(self._claims)
            if held:
                until = self._app.clock.now() + timedelta(seconds=CLAIM_S)
                try:
                    keeping.hold_claims(self._app, held, owner=self._owner, until=until)
                except StoreUnavailable as exc:
                    logger.warning("store_unavailable", extra={"reason": str(exc)})

    # -- counting --------------------------------------------------------------------------

    def miss(self, place: Place) -> None:
        """Count a miss."""
        self._count(place, misses=1)

    def refuse(self, found: Found) -> None:
        """Count a hit that could not be used as the miss that it is."""
        hit = Counts()
        hit.add_hit(found)
        taken_back = Counts(**{name: -value for name, value in vars(hit).items()})
        with self._lock:
            minute = _minute(self._app.clock.now())
            self._add(found.entry.place, minute, replace(taken_back, misses=1))

    def flush(self) -> None:
        """Write what was counted; whoever sees a run's end sees its figures."""
        with self._lock:
            counts, self._counts = self._counts, {}
            touches, self._touches = self._touches, {}
        if not counts and not touches:
            return
        try:
            keeping.note(self._app, counts, list(touches.values()))
        except InterlockError:
            with self._lock:  # for the next time
                for (place, start), lost in counts.items():
                    self._add(place, start, lost)
                for touch in touches.values():
                    self._add_touch(touch)
            raise

    def _hit(self, found: Found) -> Found:
        now = self._app.clock.now()
        one = Counts()
        one.add_hit(found)
        entry = found.entry
        with self._lock:
            self._add(entry.place, _minute(now), one)
            self._add_touch(Touch(namespace=entry.namespace, key=entry.key, count=1, at=now))
        return found

    def _count(self, place: Place, **more: int) -> None:
        with self._lock:
            self._add(place, _minute(self._app.clock.now()), Counts(**more))

    def _add(self, place: Place, start: datetime, more: Counts) -> None:
        known = self._counts.setdefault((place, start), Counts())
        self._counts[place, start] = replace(
            known, **{name: value + getattr(known, name) for name, value in vars(more).items()}
        )

    def _add_touch(self, more: Touch) -> None:
        entry_id = more.namespace, more.key
        known = self._touches.get(entry_id)
        if known is not None:
            more = replace(more, count=known.count + more.count, at=max(known.at, more.at))
        self._touches[entry_id] = more


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
