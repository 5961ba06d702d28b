"""
The guard that puts breakers around nodes and tools (`graphs.guarding`).

A healthy call stays in the event loop and asks nobody. What is none (a failure, a probe, a refusal) is
written by threads of its own (law 5).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from interlock.core.errors import BreakerOpen
from interlock.core.graphs.guarding import Call, Place
from interlock.core.model.breaker import (
    Breaker,
    BreakerState,
    Outcome,
    Pass,
    Served,
    judge,
    name_breaker,
)
from interlock.core.model.policies import NodePolicy, Policies
from interlock.core.model.workflows import Workflow
from interlock.core.services.context import App
from interlock.core.services.tripping import Wanted
from interlock.core.worker.breaker_board import Board
from interlock.core.worker.breaker_turns import Turns

THREADS = 4
T = TypeVar("T")

logger = logging.getLogger(__name__)


class Breakers:
    """A guard for every node and tool whose policy has a breaker."""

    def __init__(self, app: App) -> None:
        self._board = Board(app)
        self._turns = Turns()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="breakers")

    def enlist(self, policies: Policies, cards: Iterable[Workflow], *, is_all: bool = True) -> None:
        """
        Make known which breakers there are; blocks.

        `is_all`: and which there are no more, as no other worker serves what this one does not.
        """
        self._board.enlist(list_wanted(find_places(policies, cards)), is_all=is_all)

    def notice(self) -> None:
        """The database has moved; from any thread."""
        self._board.notice()

    def stop(self) -> None:
        """Write what is left and end; blocks."""
        self._pool.shutdown(wait=True)
        self._board.stop()

    def covers(self, place: Place) -> bool:
        """Whether the policy there has a breaker."""
        return place.policy.breaker is not None

    @asynccontextmanager
    async def around_async(self, call: Call) -> AsyncIterator[None]:
        """The context of one attempt or call."""
        wanted, run_id = _wanted(call.place), call.run.run_id
        passed = self._board.peek(wanted.name) or await self._enter(wanted, call)
        error: BaseException | None = None
        try:
            yield
        except BaseException as exc:
            error = exc
            raise
        finally:
            outcome = judge(error, wanted.rules)
            self._board.count(wanted.name, error)
            if passed.probe is not None or outcome is Outcome.FAILURE:
                say = partial(_say_change, call)
                try:
                    await self._apart(self._board.leave, wanted.name, passed, outcome, run_id, say)
                finally:
                    self._turns.end(wanted.name, call)

    async def _enter(self, wanted: Wanted, call: Call) -> Pass:
        run_id = call.run.run_id
        if self._board.may_probe(wanted.name):
            await self._turns.take(wanted.name, call, longest_s=wanted.rules.reset_s)
        give_back = partial(self._give_back, wanted.name, run_id)
        try:
            passed: Pass = await self._apart(self._board.enter, wanted, run_id, undo=give_back)
        except BaseException:
            self._turns.end(wanted.name, call)
            raise
        if passed.probe is None:
            self._turns.end(wanted.name, call)
        return passed

    def _give_back(self, name: str, run_id: str, passed: Pass) -> None:
        """Whoever wanted through was cancelled meanwhile: let another be the probe."""
        if passed.probe is not None:
            self._board.leave(name, passed, Outcome.NEUTRAL, run_id)

    async def _apart(
        self, work: Callable[..., T], *args: Any, undo: Callable[[T], None] | None = None
    ) -> T:
        """
        Do what blocks in a thread; a cancellation does not keep it from being done.

        Args:
            work: What to do.
            args: With what.
            undo: Called with the result if nobody waits for it any more.
        """
        future = self._pool.submit(work, *args)
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:
            if undo is not None:
                self._pool.submit(_undo, future, undo)
            raise


def _say_change(call: Call, breaker: Breaker, cause: str) -> None:
    """A line in the log of the run whose call changed a breaker's state."""
    moved = "opened" if breaker.state is BreakerState.OPEN else "closed again"
    call.notes.warn(f"The breaker {breaker.name!r} {moved}: {cause}.", call.place.path)


def find_places(policies: Policies, cards: Iterable[Workflow]) -> Iterator[Place]:
    """The nodes and tools of the published workflows that have a policy."""
    for card in cards:
        policy = policies.for_workflow(card.name)
        graphs = {n["id"] for n in card.graph.get("nodes", ()) if n["kind"] == "subgraph"}
        for path in dict.fromkeys([*card.nodes, *policy.node]):
            # The default is for what does the work, not for the graphs around it.
            default = None if path in graphs else policy.default
            node = policy.node.get(path) or default or NodePolicy()
            yield Place(workflow=card.name, path=path, policy=node)
            for tool, own in node.tool.items():
                yield Place(workflow=card.name, path=path, tool=tool, policy=own)


def list_wanted(places: Iterable[Place]) -> list[Wanted]:
    """The breakers that places ask for; of one that serves several the first says the rules."""
    found: dict[str, Wanted] = {}
    for place in places:
        if place.policy.breaker is None:
            continue
        new = _wanted(place)
        old = found.setdefault(new.name, new)
        if old is not new:
            found[new.name] = Wanted(old.name, old.rules, (*old.serves, *new.serves))
        if old.rules != new.rules:
            about = {"breaker": new.name, "place": str(new.serves[0])}
            logger.warning("breaker_rules_differ", extra=about)
    return list(found.values())


def _wanted(place: Place) -> Wanted:
    rules = place.policy.breaker
    assert rules is not None  # asked of what is covered alone
    served = Served(place.workflow, place.path, place.tool)
    return Wanted(name_breaker(rules, served), rules, (served,))


def _undo(future: Future[T], undo: Callable[[T], None]) -> None:
    try:
        result = future.result()
    except BreakerOpen:
        return
    undo(result)
