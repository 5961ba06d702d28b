"""States of threads whose graph nobody has: read as they are stored, with no class of a project."""

from __future__ import annotations

from langchain_core.runnables import RunnableConfig

from interlock.core.errors import NotFound
from interlock.core.graphs import projection
from interlock.core.graphs.checkpoints import INTERRUPT, Savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.graphs.snapshots import parse_time
from interlock.core.model.attached import is_field
from interlock.core.model.threads import Snapshot
from interlock.core.types import CheckpointId, Json, ThreadId


async def read_plain_snapshot(
    savers: Savers, thread_id: ThreadId, checkpoint_id: CheckpointId, *, max_bytes: int
) -> Snapshot:
    """
    Read one checkpoint's state without its graph: its fields, and what was asked there.

    What is due there only the graph could tell, so that is left empty.

    Raises:
        NotFound: There is no such checkpoint (any more).
    """
    config: RunnableConfig = {
        "configurable": {
            "thread_id": thread_id,
            "checkpoint_ns": "",
            "checkpoint_id": checkpoint_id,
        }
    }
    found = await savers.for_run(serializer_for(None, None)).aget_tuple(config)
    if found is None:
        raise NotFound("checkpoint", checkpoint_id)
    fields = {k: v for k, v in found.checkpoint["channel_values"].items() if is_field(k)}
    asked: list[dict[str, Json]] = [
        {"id": each.id, "node": "", "value": projection.to_json(each.value, max_bytes=max_bytes)}
        for _, channel, value in found.pending_writes or ()
        if channel == INTERRUPT
        for each in (value if isinstance(value, list | tuple) else [value])
        if hasattr(each, "id")
    ]
    return Snapshot(
        thread_id=thread_id,
        checkpoint_id=checkpoint_id,
        values=projection.to_json(fields, max_bytes=max_bytes),
        next=(),
        interrupts=tuple({**each, "response_schema": None} for each in asked),
        metadata=projection.to_json(dict(found.metadata), max_bytes=max_bytes),
        created_at=parse_time(found.checkpoint["ts"]),
    )
