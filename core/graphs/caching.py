"""
Caches of nodes as LangGraph knows them, on whatever tiers a worker has.

LangGraph's cache is asked with a hash alone. So the key function of a run notes what each hash
stands for, and the cache of the same run asks the tiers for that: workflow, path, whose it is.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import xxhash
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.cache.base import BaseCache, FullKey, Namespace
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.types import CachePolicy

from interlock.core.errors import InterlockError
from interlock.core.graphs import cache_keys
from interlock.core.graphs.cache_asking import Asker, Question, Tiers
from interlock.core.graphs.cache_ids import Ids, renew
from interlock.core.graphs.call_caching import RunCalls, current
from interlock.core.graphs.guarding import Place as NodePlace
from interlock.core.graphs.notes import Notes
from interlock.core.model.caches import Found, Place, Tier
from interlock.core.model.policies import CacheRules, NodePolicy, WorkflowPolicy
from interlock.core.model.runs import Run, RunKind

MAX_ORIGIN_CHARS = 300

logger = logging.getLogger(__name__)


class RunCache(BaseCache[Any]):
    """The cache of one run. Keys it did not make go to the graph's own cache, if it has one."""

    def __init__(self, tiers: Tiers, run: Run, notes: Notes) -> None:
        super().__init__()
        self.inner: BaseCache[Any] | None = None
        self.asker = Asker(tiers, run)
        self._tiers = tiers
        self._run = run
        self._notes = notes
        self._questions: dict[str, Question] = {}  # by LangGraph's hash of the key
        self._left_out: set[str] = set()  # by LangGraph's hash of the key
        self._left_out_tasks: set[str] = set()
        self._tasks: dict[int, tuple[object, str]] = {}  # what a task writes into, by identity
        self._begun: set[str] = set()  # namespaces of the graphs that have taken their first step

    def beside(self, inner: BaseCache[Any] | None) -> RunCache:
        """The same cache for a graph of the run, with what the user gave that graph behind it."""
        other = copy.copy(self)
        other.inner = inner
        return other

    def policy_for(self, path: str, rules: CacheRules) -> CachePolicy[Any]:
        """The policy of one node; its key function brings workflow and path into the key."""
        place = Place(self._run.workflow, path)

        def make(*args: Any, **kwargs: Any) -> str:
            return self._note(
                place, rules, args[0] if len(args) == 1 and not kwargs else [args, kwargs]
            )

        return CachePolicy(key_func=make)

    def leave_out(self, task_ids: Iterable[str]) -> None:
        """What these tasks write is not their nodes' own: it is not kept."""
        self._left_out_tasks.update(task_ids)

    def begin(self, task_id: str, writes: object) -> None:
        """A task begins: by the object it writes into its result is known when it is to be kept."""
        self._tasks[id(writes)] = (writes, task_id)

    def clear_told(self) -> None:
        """Clear what nodes of the run have told the events of; what cannot be is told in its log."""
        for event, path in self._notes.take_cache_events():
            try:
                said = f"told in {path}" if path else "told by a node"
                self._tiers.clear(event, f"run:{self._run.run_id}", said)
            except InterlockError as exc:
                self._notes.warn(f"The cache event {event!r} cleared nothing: {exc}", path)

    def _note(self, place: Place, rules: CacheRules, node_input: object) -> str:
        try:
            made = cache_keys.make_key(node_input, rules.key, cache_keys.encoder_of(self.serde))
        except cache_keys.NoKey as exc:
            self._notes.warn(f"Its input cannot be looked up in a cache: {exc}", place.path)
            return f"no key: {id(node_input)}"
        key = cache_keys.digest(place.workflow, place.path, made.exact)
        self._questions[xxhash.xxh3_128_hexdigest(key.encode())] = Question(place, rules, made)
        return key

    # -- LangGraph's side --------------------------------------------------------------------

    async def aget(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """What is kept of these; a tier that fails is a miss."""
        own, others = self._split(keys)
        if (
            self._notes.has_cache_events
        ):  # LangGraph looks before it gives out the last step's parts
            await self._tiers.call(self.clear_told)
        own = [] if self._goes_on(own) else own
        found = await self.inner.aget(others) if others and self.inner is not None else {}
        for full, question in own:
            try:
                hit = await self.asker.find_async(question)
            except InterlockError as exc:
                self._say_failed(question, exc)
                continue
            self._take(found, full, question, hit)
        return found

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """The same in a graph that was called without asyncio."""
        own, others = self._split(keys)
        own = [] if self._goes_on(own) else own
        found = self.inner.get(others) if others and self.inner is not None else {}
        for full, question in own:
            try:
                hit = self.asker.find(question)
            except InterlockError as exc:
                self._say_failed(question, exc)
                continue
            self._take(found, full, question, hit)
        return found

    async def aset(self, pairs: Mapping[FullKey, tuple[Any, int | None]]) -> None:
        """Keep what nodes wrote; what cannot be kept is told and not kept."""
        own, others = self._split(list(pairs))
        if others and self.inner is not None:
            await self.inner.aset(self._own_results(pairs, others))
        for full, question in own:
            await self._tiers.call(self._keep, full, question, pairs[full][0])

    def set(self, pairs: Mapping[FullKey, tuple[Any, int | None]]) -> None:
        """The same in a graph that was called without asyncio."""
        own, others = self._split(list(pairs))
        if others and self.inner is not None:
            self.inner.set(self._own_results(pairs, others))
        for full, question in own:
            self._keep(full, question, pairs[full][0])

    async def aclear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Clear the graph's own cache: ours is cleared by operators."""
        if self.inner is not None:
            await self.inner.aclear(namespaces)

    def clear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """The same."""
        if self.inner is not None:
            self.inner.clear(namespaces)

    def _own_results(
        self, pairs: Mapping[FullKey, tuple[Any, int | None]], keys: Sequence[FullKey]
    ) -> dict[FullKey, tuple[Any, int | None]]:
        """What of these the nodes themselves wrote, for the cache that the user gave the graph."""
        tasks = [self._tasks.pop(id(pairs[key][0]), (None, ""))[1] for key in keys]
        return {
            key: pairs[key]
            for key, task_id in zip(keys, tasks, strict=True)
            if task_id not in self._left_out_tasks
        }

    def _goes_on(self, own: Sequence[tuple[FullKey, Question]]) -> bool:
        """
        Whether these tasks may have been held for a human, whose answer they now go on with.

        Such a task is neither served, which would pass over the answer, nor kept, which would let
        others pass without being asked. In a run that goes on they are all in the first step of
        each of its graphs.
        """
        if self._run.kind is RunKind.START:
            return False
        around = var_child_runnable_config.get() or {}
        loop = str(around.get("configurable", {}).get("checkpoint_ns", ""))
        if loop in self._begun:
            return False
        self._begun.add(loop)
        self._left_out.update(full[1] for full, _ in own)
        return True

    def _split(
        self, keys: Sequence[FullKey]
    ) -> tuple[list[tuple[FullKey, Question]], list[FullKey]]:
        own = [(full, self._questions[full[1]]) for full in keys if full[1] in self._questions]
        # Claims are taken in one order everywhere, so that no two runs wait for each other.
        own.sort(key=lambda pair: (pair[1].place, pair[1].key.exact))
        return own, [full for full in keys if full[1] not in self._questions]

    def _take(
        self, found: dict[FullKey, Any], full: FullKey, question: Question, hit: Found | None
    ) -> None:
        if hit is None:
            return
        try:
            found[full] = _restore(self.serde, hit, question.key.ids)
        except Exception as exc:  # noqa: BLE001 - what was kept before the code changed
            self._say_failed(question, exc)
            self.asker.refuse(question, hit)
            return
        node = question.place.path.rpartition("/")[2]
        self._notes.tell_hit(node, origin_of(hit, self.serde))

    def _keep(self, full: FullKey, question: Question, writes: Any) -> None:
        _, task_id = self._tasks.pop(id(writes), (None, ""))
        cost = self._notes.cost_of(task_id) if task_id else 0.0
        try:
            if full[1] in self._left_out or task_id in self._left_out_tasks:
                self._left_out.discard(full[1])
                self.asker.drop(question)
                return
            ids = question.key.ids
            kept = {"writes": list(writes), "messages": ids.messages, "calls": ids.calls}
            encoding, value = self.serde.dumps_typed(kept)
        except Exception as exc:  # noqa: BLE001 - a value without a lasting form, told by the serializer
            self._say_failed(question, exc)
            self._drop(question)
            return
        try:
            self.asker.keep(question, encoding, value, cost=cost)
        except InterlockError as exc:
            self._say_failed(question, exc)

    def _drop(self, question: Question) -> None:
        """Nothing is kept of it; that a tier cannot be told so is no matter of the run."""
        try:
            self.asker.drop(question)
        except InterlockError as exc:
            self._say_failed(question, exc)

    def _say_failed(self, question: Question, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        logger.warning("cache_failed", extra={"place": str(question.place), "reason": reason})
        self._notes.warn(f"Its cache could not be used: {reason}", question.place.path)


class NodeCaches:
    """A worker's `guarding.CacheSlot`: the caches of nodes, as their policies ask for them."""

    def __init__(self, tiers: Tiers) -> None:
        self._tiers = tiers
        self._open: dict[str, RunCache] = {}  # by run id

    def open(
        self,
        workflow: WorkflowPolicy,  # noqa: ARG002  the port
        run: Run,
        notes: Notes,
        inner: BaseCache[Any] | None = None,
    ) -> RunCache:
        """The cache of one graph of a run; what is not asked by our policies goes to `inner`."""
        return self._cache_of(run, notes).beside(inner)

    def policy_for(self, place: NodePlace, run: Run) -> CachePolicy[Any] | None:
        """The policy of a node that has a cache."""
        rules = _rules_of(place)
        return None if rules is None else self._cache_of(run, None).policy_for(place.path, rules)

    def begin(self, run: Run, task_id: str, writes: object) -> None:
        """A task of a node that has a cache begins."""
        cache = self._open.get(run.run_id)
        if cache is not None:
            cache.begin(task_id, writes)

    async def clear_told(self, run: Run) -> None:
        """Clear what nodes of the run have told the events of."""
        cache = self._open.get(run.run_id)
        if cache is not None:
            await self._tiers.call(cache.clear_told)

    def leave_out(self, run: Run, config: RunnableConfig) -> None:
        """What the task of this config writes is not its node's own, nor is what it is within."""
        cache = self._open.get(run.run_id)
        if cache is not None:
            cache.leave_out(_task_ids_of(config))

    @asynccontextmanager
    async def around(
        self, run: Run, notes: Notes, serde: SerializerProtocol
    ) -> AsyncIterator[None]:
        """What of a run is kept is kept as its checkpoints are; when it is left, all is written."""
        cache = self._cache_of(run, notes)
        cache.serde = serde
        calls = RunCalls(
            cache.asker, notes, serde, run.workflow, lambda config: self.leave_out(run, config)
        )
        token = current.set(calls)
        try:
            yield
        finally:
            current.reset(token)
            del self._open[run.run_id]
            if cache.asker.was_asked:
                await self._close(cache)

    async def _close(self, cache: RunCache) -> None:
        try:
            await self._tiers.call(cache.asker.close)
        except InterlockError as exc:  # what is counted is kept for the next time
            logger.warning("cache_not_closed", extra={"reason": str(exc)})

    def _cache_of(self, run: Run, notes: Notes | None) -> RunCache:
        cache = self._open.get(run.run_id)
        if cache is None:
            cache = self._open[run.run_id] = RunCache(self._tiers, run, notes or Notes())
        elif notes is not None:
            cache._notes = notes  # noqa: SLF001 - its own, made before they were known
        return cache


def origin_of(hit: Found, serde: SerializerProtocol) -> str:
    """
    As a node run keeps it: the tier; of a hit by meaning, how near it was and to which question.

    Not to which where what is stored is encrypted: a node run is not.
    """
    if hit.tier is not Tier.SEMANTIC:
        return str(hit.tier)
    if getattr(serde, "cipher", None) is not None:
        return f"{hit.tier} {hit.similarity or 0:.3f}"
    text = f"{hit.tier} {hit.similarity or 0:.3f}: {hit.entry.question}"
    return text[:MAX_ORIGIN_CHARS]


def _task_ids_of(config: RunnableConfig) -> list[str]:
    """A task and those around it, of the graphs that it is within: "team:<id>|writer:<id>"."""
    around = str(config.get("configurable", {}).get("checkpoint_ns", ""))
    return [part.rpartition(":")[2] for part in around.split("|") if ":" in part]


def _restore(serde: SerializerProtocol, hit: Found, now: Ids) -> list[tuple[str, Any]]:
    kept = serde.loads_typed((hit.entry.encoding, hit.entry.value))
    return renew(kept["writes"], Ids(tuple(kept["messages"]), tuple(kept["calls"])), now)


def _rules_of(place: NodePlace) -> CacheRules | None:
    if place.tool or not isinstance(place.policy, NodePolicy) or place.policy.side_effects:
        return None
    return place.policy.cache
