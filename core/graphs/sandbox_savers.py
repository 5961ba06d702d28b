"""
Where a copy of a thread lives: in memory, over a checkpoint database that is only read.

Law 6: what is tried on a copy never touches the original. So nothing here has a way to write to the
database; what is needed of the original is taken into memory when it is first read, and from then on
the copy is all its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    CheckpointTuple,
    get_checkpoint_id,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.base import BaseStore, Op, PutOp, Result

from interlock.core.errors import NotAllowed
from interlock.core.graphs.checkpoints import NamesChannels, Puts, count_resumes
from interlock.core.types import CheckpointId, ThreadId

RESUME = "__resume__"


class SandboxSaver(NamesChannels, InMemorySaver):
    """The checkpoints of a copy, which begins as the original stood at one point."""

    def __init__(
        self,
        original: BaseCheckpointSaver[Any],
        *,
        original_id: ThreadId,
        sandbox_id: ThreadId,
        at: CheckpointId,
    ) -> None:
        """
        Make it; nothing is read yet.

        Args:
            original: The saver of the original; it is asked, never told.
            original_id: The original's thread.
            sandbox_id: The copy's.
            at: The point of the original that is the copy's head.
        """
        super().__init__(serde=original.serde)
        self.puts = Puts()
        self.waiting = {}
        self._original = original
        self._original_id = original_id
        self._sandbox_id = sandbox_id
        self._at = at
        self._asked: set[tuple[str, str]] = set()

    def get_next_version(self, current: Any, channel: Any) -> Any:
        """As the original numbers its versions."""
        return self._original.get_next_version(current, channel)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """A checkpoint of the copy; what it has not got yet comes from the original."""
        missing = self._find_missing(config)
        if missing is not None:
            self._adopt(await self._original.aget_tuple(missing))
        return super().get_tuple(config)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The same for a sync subgraph, in a thread."""
        missing = self._find_missing(config)
        if missing is not None:
            self._adopt(self._original.get_tuple(missing))
        return super().get_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Checkpoints, newest first; of the original those up to the point alone."""
        place, until = self._place_of(config), self._until(config, before)
        async for found in self._original.alist(place, filter=filter, before=until, limit=limit):
            self._adopt(found)
        for kept in super().list(config, filter=filter, before=before, limit=limit):
            yield kept

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """The same for a sync subgraph, in a thread."""
        place, until = self._place_of(config), self._until(config, before)
        for found in self._original.list(place, filter=filter, before=until, limit=limit):
            self._adopt(found)
        yield from super().list(config, filter=filter, before=before, limit=limit)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, Any]:
        """What channels that store changes hold is added up back into the original."""
        own = super().get_delta_channel_history(config=config, channels=channels)
        edge, open_ = self._find_edge(config, own)
        if edge is None:
            return own
        older = await self._original.aget_delta_channel_history(config=edge, channels=open_)
        return _join(own, older)

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, Any]:
        """The same for a sync subgraph, in a thread."""
        own = super().get_delta_channel_history(config=config, channels=channels)
        edge, open_ = self._find_edge(config, own)
        if edge is None:
            return own
        older = self._original.get_delta_channel_history(config=edge, channels=open_)
        return _join(own, older)

    async def count_answers(
        self,
        thread_id: ThreadId,
        checkpoint_id: CheckpointId,
    ) -> dict[str, int]:
        """How many answers each task of a checkpoint, nested ones included, has taken in."""
        found: dict[str, int] = {}
        for (thread, namespace, at), writes in tuple(self.writes.items()):
            if thread != thread_id or not self._belongs(namespace, at, checkpoint_id):
                continue
            for task_id, channel, (kind, data), _ in writes.values():
                if channel == RESUME:
                    found[task_id] = count_resumes(kind, data)
        return found

    def _belongs(self, namespace: str, at: str, checkpoint_id: str) -> bool:
        if not namespace:
            return at == checkpoint_id
        kept = self.storage[self._sandbox_id][namespace].get(at)
        metadata = self.serde.loads_typed(kept[1]) if kept is not None else {}
        return bool((metadata.get("parents") or {}).get("") == checkpoint_id)

    def _find_missing(self, config: RunnableConfig) -> RunnableConfig | None:
        """What to ask the original for; None if it is here, or was asked for before."""
        namespace = str(config["configurable"].get("checkpoint_ns") or "")
        wanted = get_checkpoint_id(config)
        known = self.storage[self._sandbox_id][namespace]
        if wanted in known or (not wanted and known):
            return None
        if not wanted and not namespace:
            wanted = self._at
        if (namespace, wanted or "") in self._asked:
            return None
        self._asked.add((namespace, wanted or ""))
        return self._address(namespace, wanted)

    def _address(self, namespace: str, checkpoint_id: str | None) -> RunnableConfig:
        place = {"thread_id": self._original_id, "checkpoint_ns": namespace}
        if checkpoint_id:
            place["checkpoint_id"] = CheckpointId(checkpoint_id)
        return {"configurable": place}

    def _place_of(self, config: RunnableConfig | None) -> RunnableConfig:
        given = (config or {}).get("configurable", {})
        return {"configurable": {**given, "thread_id": self._original_id}}

    def _until(
        self, config: RunnableConfig | None, before: RunnableConfig | None
    ) -> RunnableConfig | None:
        """Of the graph itself nothing newer than the point is the copy's."""
        if (config or {}).get("configurable", {}).get("checkpoint_ns"):
            return before
        given = get_checkpoint_id(before) if before else None
        return self._address("", min(given or self._at, self._at))

    def _adopt(self, found: CheckpointTuple | None) -> None:
        """Take a checkpoint of the original into memory, with what its tasks wrote."""
        if found is None:
            return
        place = found.config["configurable"]
        namespace, checkpoint_id = str(place.get("checkpoint_ns") or ""), place["checkpoint_id"]
        kept = self.storage[self._sandbox_id][namespace]
        if checkpoint_id in kept:
            return
        checkpoint: dict[str, Any] = {**found.checkpoint}
        values = checkpoint.pop("channel_values")
        for channel, version in checkpoint["channel_versions"].items():
            self.blobs[self._sandbox_id, namespace, channel, version] = (
                self.serde.dumps_typed(values[channel]) if channel in values else ("empty", b"")
            )
        parent = (
            found.parent_config["configurable"]["checkpoint_id"] if found.parent_config else None
        )
        kept[checkpoint_id] = (
            self.serde.dumps_typed(checkpoint),
            self.serde.dumps_typed(found.metadata),
            parent,
        )
        self._adopt_writes((self._sandbox_id, namespace, checkpoint_id), found)

    def _adopt_writes(self, place: tuple[str, str, str], found: CheckpointTuple) -> None:
        counts: dict[str, int] = {}
        for task_id, channel, value in found.pending_writes or ():
            nth = counts[task_id] = counts.get(task_id, -1) + 1
            at = WRITES_IDX_MAP.get(channel, nth)
            self.writes[place][task_id, at] = (
                task_id,
                channel,
                self.serde.dumps_typed(value),
                "",
            )

    def _find_edge(
        self, config: RunnableConfig, own: Mapping[str, Any]
    ) -> tuple[RunnableConfig | None, Sequence[str]]:
        """Where the copy's checkpoints end and the original's begin, for channels still open there."""
        open_ = [channel for channel, told in own.items() if "seed" not in told]
        namespace = str(config["configurable"].get("checkpoint_ns") or "")
        kept = self.storage[self._sandbox_id][namespace]
        at = get_checkpoint_id(config) or max(kept, default="")
        while at in kept and kept[at][2] in kept:
            at = str(kept[at][2])
        is_open = bool(open_) and at in kept and kept[at][2] is not None
        return (self._address(namespace, at) if is_open else None), open_


def _join(own: Mapping[str, Any], older: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(own)
    for channel, told in older.items():
        writes = [*told["writes"], *own[channel]["writes"]]
        seed = {"seed": told["seed"]} if "seed" in told else {}
        joined[channel] = {"writes": writes, **seed}
    return joined


class ReadOnlyStore(BaseStore):
    """The project's long-term store, for a copy: what is there can be read."""

    def __init__(self, inner: BaseStore) -> None:
        self._inner = inner
        self.supports_ttl = inner.supports_ttl

    def batch(self, ops: Collection[Op]) -> list[Result]:  # type: ignore[override]
        """Read."""
        _refuse_writes(ops)
        return self._inner.batch(ops)

    async def abatch(self, ops: Collection[Op]) -> list[Result]:  # type: ignore[override]
        """Read."""
        _refuse_writes(ops)
        return await self._inner.abatch(ops)


def _refuse_writes(ops: Collection[Op]) -> None:
    if any(isinstance(op, PutOp) for op in ops):
        raise NotAllowed(
            "A what-if writes nothing to the store.",
            hint="This node has side effects; say so in its policy, then something stands in for it.",
        )
