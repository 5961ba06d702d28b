"""What the checkpoint database tells without loading a single state value, whatever the database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import ormsgpack
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    Checkpoint,
    CheckpointMetadata,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from interlock.core.ciphers import Cipher, open_typed
from interlock.core.graphs.ascending import go_on_above
from interlock.core.graphs.fidelity import UnstorableValue
from interlock.core.graphs.gone import name_waiting
from interlock.core.graphs.transferring import StoredRow
from interlock.core.types import CheckpointId, RunId, ThreadId

if TYPE_CHECKING:
    from interlock.core.graphs.keeping import Keeping

_UUID_EPOCH = datetime(1582, 10, 15, tzinfo=UTC)
HEADS_PER_PAGE = 500
MAX_ID = 200  # characters of an id that can be kept
MAX_STEP = 2**31 - 1
MAX_PLACES = 50  # checkpoints that are looked at for one task; a thread set back often has several
OWN_METADATA = frozenset({"run_id", "workflow"})  # what a run writes beside each checkpoint
_PLACE = ("thread_id", "checkpoint_ns", "checkpoint_id", "checkpoint_map")
ERROR = "__error__"
ERROR_SOURCE = "__error_source_node__"
INTERRUPT = "__interrupt__"
NULL_TASK_ID = "00000000-0000-0000-0000-000000000000"  # LangGraph's: a `Command`'s own writes
CONTROL_CHANNELS = frozenset({INTERRUPT, "__resume__", ERROR, ERROR_SOURCE})


@dataclass(frozen=True, kw_only=True)
class RawCheckpoint:
    """
    One root checkpoint as its row says; `size_bytes` is the state it stands for.

    `step` and `source` are LangGraph's; `run_id` is what the run wrote into its metadata.
    """

    checkpoint_id: CheckpointId
    parent_id: CheckpointId | None
    step: int
    source: str
    run_id: RunId | None
    created_at: datetime
    size_bytes: int


@dataclass(frozen=True)
class Put:
    """A root checkpoint that a saver has stored: where it belongs, its metadata, what it weighs."""

    config: RunnableConfig
    parent_config: RunnableConfig | None
    metadata: CheckpointMetadata
    timestamp: str
    size_bytes: int | None

    @property
    def thread_id(self) -> ThreadId:
        """The thread it belongs to."""
        return ThreadId(self.config["configurable"]["thread_id"])

    def as_raw(self) -> RawCheckpoint | None:
        """What its row says; None if it was not weighed."""
        if self.size_bytes is None:
            return None
        parent = self.parent_config
        return make_raw(
            checkpoint_id=self.config["configurable"]["checkpoint_id"],
            parent_id=parent["configurable"]["checkpoint_id"] if parent else None,
            metadata=self.metadata,
            timestamp=self.timestamp,
            size_bytes=self.size_bytes,
        )


class Puts:
    """What one saver has stored: all of a thread, or else only the newest."""

    def __init__(self) -> None:
        self._puts: list[Put] = []
        self._is_whole = True

    def add(self, put: Put) -> None:
        """Note the newest."""
        begins = bool(self._puts) or put.parent_config is None
        self._is_whole &= begins and put.size_bytes is not None
        if not self._is_whole:
            self._puts.clear()
        self._puts.append(put)

    def find_newest(self, thread_id: ThreadId) -> Put | None:
        """The newest, if it is of this thread."""
        put = self._puts[-1] if self._puts else None
        return put if put is not None and put.thread_id == thread_id else None

    def list_all(self, thread_id: ThreadId) -> list[RawCheckpoint] | None:
        """All checkpoints of a thread, oldest first; None if there may be others."""
        raws = [r for put in self._puts if put.thread_id == thread_id and (r := put.as_raw())]
        return raws if self._is_whole and len(raws) == len(self._puts) > 0 else None


@dataclass(frozen=True)
class Question:
    """A plain question to the tables, in the words of either database, with the same values."""

    sqlite: str
    postgres: str


class Savers(Protocol):
    """The checkpoint database of a worker: savers for runs, and plain questions to its tables."""

    async def setup(self) -> None:
        """Make or upgrade the tables; safe when several processes do it at once."""

    def for_run(
        self, serde: SerializerProtocol, keeping: Keeping | None = None
    ) -> BaseCheckpointSaver[Any]:
        """
        A saver for one run, cheap to make; call it within the event loop.

        `keeping`: where it keeps what it stores while the database is away; without it, it waits.
        """

    async def entries(
        self, thread_id: ThreadId, after: CheckpointId | None, limit: int
    ) -> list[RawCheckpoint]:
        """Root checkpoints of a thread, oldest first, those after `after` only."""

    def heads(self) -> AsyncIterator[tuple[ThreadId, CheckpointId]]:
        """Every thread with its newest root checkpoint, by thread id, read page by page."""

    async def pending_resumes(
        self, thread_id: ThreadId, checkpoint_id: CheckpointId
    ) -> dict[str, int]:
        """How many answers each task of this checkpoint, nested ones included, has taken in."""

    async def copy_thread(
        self, source: ThreadId, copy_id: ThreadId, checkpoint_id: CheckpointId
    ) -> None:
        """
        Copy a checkpoint of a thread with all that led to it into another, in one transaction.

        What its tasks wrote goes along if nothing went on from it. Done twice, it is done once.
        """

    async def find_task(self, thread_id: ThreadId, task_id: str) -> list[tuple[str, CheckpointId]]:
        """Beside which checkpoints a task wrote something: namespace and id, newest first."""

    async def find_step(self, thread_id: ThreadId, namespace: str, step: int) -> list[CheckpointId]:
        """Checkpoints of a namespace whose superstep is this one or next to it, newest first."""

    async def delete_thread(self, thread_id: ThreadId) -> None:
        """Delete all checkpoints of a thread, in all namespaces, and what was written beside them."""

    async def delete_points(self, thread_id: ThreadId, kept: Sequence[CheckpointId]) -> None:
        """Delete all checkpoints of a thread but these, and what belongs to no other."""

    async def put_rows(self, rows: Sequence[StoredRow]) -> None:
        """Write rows that were made for this database; those that are there stay as they are."""

    async def ask(self, question: Question, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows that answer a question; nothing is written."""


class NamesChannels:
    """
    Mixed into a saver: a value that cannot be stored is named with its channel, and what a run was
    configured with is not stored. `puts` are the root checkpoints it has stored, `waiting` what the
    checkpoints lead to that were read last, by their namespaces.
    """

    serde: SerializerProtocol
    puts: Puts
    waiting: dict[str, frozenset[str]]

    async def aget_tuple(self, config: Any) -> Any:
        """Read a checkpoint; what is stored from then on sorts above it."""
        found = await super().aget_tuple(config)  # type: ignore[misc]
        if found is not None:
            go_on_above(found.config["configurable"]["checkpoint_id"])
            namespace = config["configurable"].get("checkpoint_ns", "")
            self.waiting[namespace] = name_waiting(found.checkpoint)
        return found

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        """Store a checkpoint."""
        plain: Any = _without_settings(config)
        try:
            stored = await super().aput(plain, checkpoint, metadata, new_versions)  # type: ignore[misc]
        except UnstorableValue as exc:
            raise self._name(exc, list(checkpoint["channel_values"].items())) from exc
        if not plain["configurable"].get("checkpoint_ns"):
            parent = plain if plain["configurable"].get("checkpoint_id") else None
            told = get_checkpoint_metadata(plain, metadata)
            self.puts.add(Put(stored, parent, told, checkpoint["ts"], self._weigh(checkpoint)))
        return stored

    def as_stored(self, values: Any) -> Any:
        """A state that this run has stored, as the database holds it; None if that is not known."""
        return values

    def _weigh(self, checkpoint: Checkpoint) -> int | None:  # noqa: ARG002
        """The bytes of the state in a checkpoint, if that is known without asking the database."""
        return None

    async def aput_writes(
        self, config: Any, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """
        Store what a task wrote; of one that failed, only that it did, and its answers.

        A node whose conditional edge fails has written its result by then. Stored beside the error
        it would read as finished (LangGraph's `_task_status`), and a retry would skip the edge.
        """
        if any(channel == ERROR for channel, _ in writes):
            writes = [write for write in writes if write[0] in CONTROL_CHANNELS]
        try:
            await super().aput_writes(config, writes, task_id, task_path)  # type: ignore[misc]
        except UnstorableValue as exc:
            raise self._name(exc, writes) from exc

    def _name(self, exc: UnstorableValue, values: Sequence[tuple[str, Any]]) -> UnstorableValue:
        for channel, value in values:
            try:
                self.serde.dumps_typed(value)
            except UnstorableValue as found:
                return found.within(channel)
        return exc


def _without_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """
    A config whose `configurable` says where a checkpoint belongs, and nothing else.

    LangGraph copies all plain values of it into the metadata that is stored in clear, and a run's
    context, which is there for graphs that read it so, may hold an API key.
    """
    given = config["configurable"]
    told = config.get("metadata") or {}
    return {
        **config,
        "configurable": {key: given[key] for key in _PLACE if key in given},
        "metadata": {key: told[key] for key in told if key in OWN_METADATA or key not in given},
    }


def make_raw(
    *,
    checkpoint_id: str,
    parent_id: str | None,
    metadata: Mapping[str, Any],
    timestamp: str | None,
    size_bytes: int | None,
) -> RawCheckpoint:
    """Read one row; `timestamp` is needed only where the id does not hold the time."""
    run_id = metadata.get("run_id")
    return RawCheckpoint(
        checkpoint_id=CheckpointId(checkpoint_id),
        parent_id=CheckpointId(parent_id) if parent_id else None,
        step=_read_step(metadata.get("step")),
        source=str(metadata.get("source", "")),
        run_id=RunId(str(run_id)) if run_id and len(str(run_id)) <= MAX_ID else None,
        created_at=read_time(checkpoint_id) or _parse_time(timestamp),
        size_bytes=size_bytes or 0,
    )


def _read_step(step: Any) -> int:
    """The number of a step; -1 where another application wrote something else there."""
    try:
        number = int(step)
    except (TypeError, ValueError, OverflowError):
        return -1
    return number if abs(number) <= MAX_STEP else -1


def read_time(checkpoint_id: str) -> datetime | None:
    """The moment in a version 6 UUID, which LangGraph's checkpoint ids are; None for other ids."""
    try:
        uuid = UUID(checkpoint_id)
    except ValueError:
        return None
    if uuid.version != 6:
        return None
    value = uuid.int
    ticks = (value >> 96) << 28 | ((value >> 80) & 0xFFFF) << 12 | ((value >> 64) & 0x0FFF)
    return _UUID_EPOCH + timedelta(microseconds=ticks // 10)  # a tick is 100 ns


def count_resumes(kind: str, data: bytes, cipher: Cipher | None = None) -> int:
    """How many answers a stored resume write holds; they are counted, not restored."""
    kind, data = open_typed(cipher, kind, data)
    if kind != "msgpack":
        return 1
    value = ormsgpack.unpackb(
        data, ext_hook=lambda _code, _data: None, option=ormsgpack.OPT_NON_STR_KEYS
    )
    return len(value) if isinstance(value, list) else 1


def read_timestamp(kind: str, data: bytes, cipher: Cipher | None = None) -> str | None:
    """The `ts` of a whole stored checkpoint, for ids that do not hold the time."""
    kind, data = open_typed(cipher, kind, data)
    if kind != "msgpack":
        return None
    value = ormsgpack.unpackb(
        data, ext_hook=lambda _code, _data: None, option=ormsgpack.OPT_NON_STR_KEYS
    )
    return value.get("ts") if isinstance(value, dict) else None


def read_metadata(value: bytes | str | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Checkpoint metadata as a mapping, from JSON text where the driver does not decode it."""
    if value is None:
        return {}
    return value if isinstance(value, Mapping) else json.loads(value)


def _parse_time(timestamp: str | None) -> datetime:
    try:
        at = datetime.fromisoformat(timestamp or "")
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
