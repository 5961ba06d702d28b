"""Taking a thread in from a file: its checkpoints first, as often as need be, then the thread itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice

from interlock.core.errors import Conflict, InterlockError
from interlock.core.graphs import failing
from interlock.core.graphs.transferring import POSTGRES, SQLITE, Converter, StoredRow, convert_all
from interlock.core.queue.port import Job
from interlock.core.services import reading, transferring
from interlock.core.services.context import App
from interlock.core.services.transferring import Arrival
from interlock.core.worker.carrying import Tools
from interlock.core.worker.indexing import read_raws

logger = logging.getLogger(__name__)

AT_ONCE = 200  # rows that are written in one transaction: the runs come between


async def answer_import(tools: Tools, job: Job) -> None:
    """Take one file in; a failure is the job's result."""
    try:
        arrival: Arrival = await tools.call(transferring.begin, tools.app, job)
        known = await tools.call(_look_through, tools.app, arrival)
        await _put(tools, arrival, known)
        await tools.call(transferring.finish, tools.app, job, arrival)
    except InterlockError as exc:
        logger.warning("thread_not_imported", extra={"reason": str(exc)})
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))
    except Exception as exc:
        logger.exception("thread_not_imported")
        await tools.call(reading.fail_job, tools.app, job, failing.message_of(exc))


async def _put(tools: Tools, arrival: Arrival, known: set[str]) -> None:
    """Write the checkpoints of a file; a failure leaves none where none was before."""
    savers = tools.workshop.savers
    is_first = await tools.call(transferring.mark, tools.app, arrival)
    has_begun, there = False, known
    try:
        there = {raw.checkpoint_id for raw in await read_raws(savers, arrival.thread_id, None)}
        if there - known:
            raise Conflict(transferring.OTHER, hint="Give another id with --as-thread.")
        rows = _convert(tools.app, arrival)
        has_begun = True
        while batch := await tools.call(list, islice(rows, AT_ONCE)):
            await savers.put_rows(batch)
    except Exception:
        if has_begun and not there:
            await savers.delete_thread(arrival.thread_id)
        if not there or (is_first and not has_begun):
            await tools.call(transferring.abandon, tools.app, arrival)
        raise


def _look_through(app: App, arrival: Arrival) -> set[str]:
    """Make every row once before the first is written; the thread's own checkpoints."""
    for _ in _convert(app, arrival):
        pass
    return {str(checkpoint_id) for checkpoint_id in arrival.point_ids()}


def _convert(app: App, arrival: Arrival) -> Iterator[StoredRow]:
    target = SQLITE if app.settings.is_embedded else POSTGRES
    converter = Converter(arrival.thread_id, source=arrival.head.layout, target=target)
    return convert_all(converter, arrival.point_rows())
