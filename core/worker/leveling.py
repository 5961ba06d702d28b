"""At start: bring the index of every idle thread level with the checkpoint database (law 4)."""

from __future__ import annotations

import logging

from interlock.core.graphs.workshop import Workshop
from interlock.core.services import leveling
from interlock.core.services.context import App
from interlock.core.types import CheckpointId, ThreadId
from interlock.core.worker.indexing import read_entries

logger = logging.getLogger(__name__)


async def level_threads(app: App, workshop: Workshop) -> int:
    """
    Index what the checkpoint database holds beyond the index.

    Threads with an open run are left to that run's delivery, which does the same at its end.

    Returns:
        How many threads were behind.
    """
    behind = 0
    page: dict[ThreadId, CheckpointId] = {}
    async for thread_id, head in workshop.savers.heads():
        page[thread_id] = head
        if len(page) >= leveling.PAGE:
            behind += await _level(app, workshop, page)
            page = {}
    behind += await _level(app, workshop, page)
    if behind:
        logger.info("threads_levelled", extra={"count": behind})
    return behind


async def _level(app: App, workshop: Workshop, heads: dict[ThreadId, CheckpointId]) -> int:
    found = leveling.find_behind(app, heads)
    for thread_id, behind in found.items():
        try:
            async with workshop.open(behind.workflow, {}) as graph:
                entries = await read_entries(
                    workshop.savers,
                    graph,
                    thread_id,
                    after=behind.indexed_to,
                    head=None,
                    step_nodes={},
                )
        except Exception:  # a graph that is gone or broken must not keep the others waiting
            logger.exception("thread_not_levelled", extra={"thread_id": thread_id})
            continue
        leveling.store(app, thread_id, entries)
    return len(found)
