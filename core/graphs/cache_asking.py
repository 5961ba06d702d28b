"""Asking the tiers of a worker's caches on behalf of one run: whose question it is, and what is being made."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.core.graphs import cache_keys
from interlock.core.model.caches import Asked, Found, Place
from interlock.core.model.policies import CacheRules
from interlock.core.model.runs import Run

WAIT_S = (
    0.02,
    0.5,
)  # between two looks whether somebody else's result is there: first, and longest


class Tiers(Protocol):
    """Where results are kept. Only `recall`, `miss`, `refuse` and the properties may be used in the event loop."""

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run one of the others in a thread."""

    @property
    def is_fresh(self) -> bool:
        """Whether `recall` may be used: it was asked just now whether there was a clearing."""

    @property
    def clears(self) -> int:
        """The number of clearings known."""

    def begin(self, run: Run) -> str:
        """Look for clearings, and tell who launched what a run goes on with."""

    def recall(self, asked: Asked) -> Found | None:
        """A hit that costs no I/O."""

    def find(self, asked: Asked) -> Found | None:
        """A hit in whichever tier."""

    def claim(self, asked: Asked) -> bool:
        """Be the only one who makes a result."""

    def release(self, ids: Sequence[tuple[str, str]]) -> None:
        """Give claims back."""

    def miss(self, place: Place) -> None:
        """Count a miss."""

    def refuse(self, found: Found) -> None:
        """Count a hit that could not be used as the miss that it is."""

    def keep(
        self, asked: Asked, encoding: str, value: bytes, *, cost_ms: float, cost: float, clears: int
    ) -> bool:
        """Keep a result, unless there was a clearing since the number `clears`."""

    def clear(self, event: str, actor: str, reason: str) -> None:
        """Clear what an event stands for, and use nothing of it from here on."""

    def flush(self) -> None:
        """Write what was counted."""


@dataclass(frozen=True)
class Question:
    """What is asked of a place, before it is known whose it is."""

    place: Place
    rules: CacheRules
    key: cache_keys.Key


@dataclass(frozen=True)
class _Making:
    """A result that is being made."""

    asked: Asked
    started: float  # time.perf_counter()
    clears: int


class Asker:
    """Asks the tiers for one run: knows whose questions they are, and what is being made."""

    def __init__(self, tiers: Tiers, run: Run) -> None:
        self._tiers = tiers
        self._run = run
        self._context = json.dumps(run.context, sort_keys=True)
        self._user: str | None = None
        self._making: dict[tuple[str, str], _Making] = {}
        self._claiming = threading.Lock()
        self._is_closed = False

    def _ask(self, question: Question, user: str) -> Asked:
        rules, key, place = question.rules, question.key, question.place
        scope = [user if "user" in rules.scope else ""]
        scope += [_tenant_of(self._run.context) if "tenant" in rules.scope else ""]
        scope += [self._context if "context" in rules.scope else ""]
        base = cache_keys.digest(place.workflow, place.path, *scope, *sorted(rules.scope))
        is_near = rules.semantic is not None and bool(key.texts)
        return Asked(
            place=place,
            namespace=cache_keys.digest(base, key.rest) if is_near else base,
            key=key.exact,
            question=key.question,
            texts=key.texts if is_near else (),
            semantic=rules.semantic if is_near else None,
            ttl_s=rules.ttl_s,
            max_entries=rules.max_entries,
            once=rules.once,
        )

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run something that does I/O in a thread."""
        return await self._tiers.call(function, *args)

    async def find_async(self, question: Question, *, patience_s: float = math.inf) -> Found | None:
        """
        A hit; without one, the caller makes the result and gives it to `keep`.

        Args:
            question: What is asked.
            patience_s: How long it waits where another makes the result; after that the caller makes
                one for himself, and nothing is kept of it.
        """
        if self._user is None:
            self._user = str(await self._tiers.call(self._tiers.begin, self._run))
        asked = self._ask(question, self._user)
        if asked.id in self._making:  # asked by another task of this run, which waits for no one
            self._tiers.miss(asked.place)
            return None
        if self._tiers.is_fresh and (hit := self._tiers.recall(asked)) is not None:
            return hit
        wait_s, begun = WAIT_S[0], time.monotonic()
        while True:
            found: Found | None = await self._tiers.call(self._tiers.find, asked)
            if found is not None:
                return found
            may_wait = asked.once  # on the database
            if await self._tiers.call(self._begin, asked) if may_wait else self._begin(asked):
                return None
            if time.monotonic() - begun >= patience_s:
                self._tiers.miss(asked.place)
                return None
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, WAIT_S[1])

    def find(self, question: Question, *, patience_s: float = math.inf) -> Found | None:
        """The same from a thread."""
        if self._user is None:
            self._user = self._tiers.begin(self._run)
        asked = self._ask(question, self._user)
        if asked.id in self._making:
            self._tiers.miss(asked.place)
            return None
        wait_s, begun = WAIT_S[0], time.monotonic()
        while True:
            found = self._tiers.find(asked)
            if found is not None:
                return found
            if self._begin(asked):
                return None
            if time.monotonic() - begun >= patience_s:
                self._tiers.miss(asked.place)
                return None
            time.sleep(wait_s)
            wait_s = min(wait_s * 2, WAIT_S[1])

    def _begin(self, asked: Asked) -> bool:
        """
        Let the caller make a result, if nobody else does; from a thread.

        A claim is noted in the thread that takes it: whoever asked may have been cancelled meanwhile,
        and then it is given back when the run is closed, or at once if that is over, too.
        """
        if asked.once and not self._tiers.claim(asked):
            return False
        self._tiers.miss(asked.place)
        with self._claiming:
            if not self._is_closed:
                self._making[asked.id] = _Making(asked, time.perf_counter(), self._tiers.clears)
                return True
        if asked.once:
            self._tiers.release([asked.id])
        return True

    def keep(self, question: Question, encoding: str, value: bytes, *, cost: float = 0.0) -> None:
        """Keep a result and what its model calls cost, from a thread."""
        if self._user is None:
            return
        making = self._making.pop(self._ask(question, self._user).id, None)
        if making is None:
            return
        cost_ms = (time.perf_counter() - making.started) * 1000
        self._tiers.keep(
            making.asked, encoding, value, cost_ms=cost_ms, cost=cost, clears=making.clears
        )

    def refuse(self, question: Question, hit: Found) -> None:
        """A hit that cannot be used is a miss: what the caller makes takes its place."""
        self._tiers.refuse(hit)
        asked = self._ask(question, self._user or "")
        self._making[asked.id] = _Making(asked, time.perf_counter(), self._tiers.clears)

    def drop(self, question: Question) -> None:
        """A result did not come about, or is not to be kept; from a thread."""
        if self._user is None:
            return
        making = self._making.pop(self._ask(question, self._user).id, None)
        if making is not None and making.asked.once:
            self._tiers.release([making.asked.id])

    @property
    def was_asked(self) -> bool:
        """Whether there is anything to close."""
        return self._user is not None

    def close(self) -> None:
        """The run has left its graph: what was not made by now is not; what was counted is written."""
        with self._claiming:
            self._is_closed = True
            held = [m.asked.id for m in self._making.values() if m.asked.once]
            self._making.clear()
        self._tiers.release(held)
        self._tiers.flush()


def _tenant_of(context: Any) -> str:
    tenant = (
        context.get("tenant") if isinstance(context, Mapping) else getattr(context, "tenant", None)
    )
    return "" if tenant is None else str(tenant)
