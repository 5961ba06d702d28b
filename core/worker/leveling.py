"""At start: bring every idle thread level with the checkpoint database (law 4)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from interlock.core.graphs.heads import read_head
from interlock.core.graphs.outcomes import outcome_of
from interlock.core.graphs.running import config_for
from interlock.core.graphs.workshop import Workshop
from interlock.core.services import leveling
from interlock.core.services.context import App
from interlock.core.services.recording import Ending
from interlock.core.types import CheckpointId, ThreadId
from interlock.core.worker.indexing import read_entries

logger = logging.getLogger(__name__)


async def level_threads(
    app: App, workshop: Workshop, *, leaves: Callable[[str], bool] = lambda _workflow: False
) -> int:
    """
    Index what the checkpoint database holds beyond the index; where a run holds, its cards follow.

    Threads with an open run are left to that run's delivery, which does the same at its end. The
    database of another application is followed instead (`attaching`).

    Args:
        app: The parts.
        workshop: The project's graphs.
        leaves: Whether the threads of a workflow are left to other workers.

    Returns:
        How many threads were behind.
    """
    if app.settings.attach is not None:
        return 0
    behind = 0
    page: dict[ThreadId, CheckpointId] = {}
    async for thread_id, head in workshop.savers.heads():
        page[thread_id] = head
        if len(page) >= leveling.PAGE:
            behind += await _level(app, workshop, page, leaves)
            page = {}
    behind += await _level(app, workshop, page, leaves)
    if behind:
        logger.info("threads_levelled", extra={"count": behind})
    return behind


async def _level(
    app: App,
    workshop: Workshop,
    heads: dict[ThreadId, CheckpointId],
    leaves: Callable[[str], bool],
) -> int:
    all_found = leveling.find_behind(app, heads)
    found = {key: behind for key, behind in all_found.items() if not leaves(behind.workflow)}
    for thread_id, behind in found.items():
        try:
            await _level_one(app, workshop, thread_id, behind)
        except Exception:  # a graph that is gone or broken must not keep the others waiting
            logger.exception("thread_not_levelled", extra={"thread_id": thread_id})
    return len(found)


async def _level_one(
    app: App, workshop: Workshop, thread_id: ThreadId, behind: leveling.Behind
) -> None:
    run = behind.held
    async with workshop.open(behind.workflow, {} if run is None else config_for(run)) as graph:
        reading = None
        if run is not None:
            reading = await read_head(
                graph, config_for(run), run.options, workshop.savers.pending_resumes
            )
        entries = await read_entries(
            workshop.savers,
            graph,
            thread_id,
            after=behind.indexed_to,
            head=reading.head if reading is not None else None,
            step_nodes={},
        )
    if run is None or reading is None:
        leveling.store(app, thread_id, behind, entries)
        return
    outcome = outcome_of(thread_id, reading, app.settings.max_snapshot_bytes)
    ending = Ending(
        run=run,
        job=None,
        status=outcome.status,
        head=outcome.head,
        snapshot=outcome.snapshot,
        failure=outcome.failure,
        reason="moved by another hand",
        entries=entries,
    )
    leveling.settle(app, ending, behind)
