"""Keeping what was found of another application's threads: an odd one of them holds up no other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs import failing
from interlock.core.graphs.attached_rows import FoundHead
from interlock.core.graphs.attaching import config_of
from interlock.core.graphs.checkpoints import MAX_ID
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.delivery import Head
from interlock.core.services import attaching
from interlock.core.services.attaching import Finding, Known
from interlock.core.services.context import App
from interlock.core.types import ThreadId
from interlock.core.worker.indexing import read_entries
from interlock.core.worker.recorder import Call

CHUNK = 100  # threads kept in one transaction, of about 100 ms if each of them asks
NOT_KEPT = "What it says of itself cannot be kept here: {}"

logger = logging.getLogger(__name__)


def is_storable(head: FoundHead) -> bool:
    """Whether the ids of a thread can be kept; no LangGraph's are so long."""
    return max(len(head.thread_id), len(head.checkpoint_id)) <= MAX_ID


async def store_all(call: Call, app: App, findings: Sequence[Finding]) -> set[ThreadId]:
    """
    Keep findings of threads that no run holds.

    Returns:
        The threads of which what was found cannot be kept; they say so, if even that can be.

    Raises:
        StoreUnavailable: Our own database does not answer.
    """
    odd: set[ThreadId] = set()
    for start in range(0, len(findings), CHUNK):
        chunk = findings[start : start + CHUNK]
        if await _store(call, app, chunk) is None:
            continue
        for finding in chunk:
            if (why := await _store(call, app, [finding])) is not None:
                odd.add(finding.thread_id)
                await _store(call, app, [_without_what_it_says(finding, NOT_KEPT.format(why))])
    return odd


async def _store(call: Call, app: App, findings: Sequence[Finding]) -> str | None:
    """Keep findings, all or none; why they cannot be."""
    try:
        await call(attaching.store, app, findings)
    except StoreUnavailable:
        raise
    except Exception as exc:  # noqa: BLE001  whatever another application stored
        note_odd(findings[0].thread_id, exc)
        return failing.message_of(exc)
    return None


def _without_what_it_says(finding: Finding, trouble: str) -> Finding:
    return replace(
        finding,
        trouble=trouble,
        head=Head(checkpoint_id=finding.head.checkpoint_id, run_id=None, due=(), next=()),
        status=None,
        failure=None,
        snapshot=None,
        entries=(),
    )


def note_odd(thread_id: ThreadId, exc: Exception) -> None:
    """Tell in the log what could not be read or kept."""
    logger.warning("thread_not_kept", extra={"thread_id": thread_id, "reason": str(exc)[:500]})


async def with_entries(workshop: Workshop, finding: Finding, before: Known | None) -> Finding:
    """
    A finding with all that the index of a known thread lacks; of a new one, its head alone, as of
    one of whose other checkpoints something cannot be read.
    """
    if before is None:
        return finding
    finding = replace(finding, last_run_id=before.thread.last_run_id)
    if before.indexed_to is None:
        return finding
    read = partial(
        read_entries,
        workshop.savers,
        thread_id=finding.thread_id,
        after=before.indexed_to,
        head=finding.head,
        step_nodes={},
    )
    try:
        entries = await read(graph=None)
    except (ValueError, TypeError, AttributeError) as exc:  # what is stored, not a lost database
        note_odd(finding.thread_id, exc)
        return finding
    if any(not entry.next for entry in entries[:-1]) and finding.trouble is None:
        try:
            async with workshop.open(finding.workflow, config_of(finding.thread_id)) as graph:
                entries = await read(graph=graph)
        except Exception as exc:  # noqa: BLE001  a factory may raise what it likes
            note_odd(finding.thread_id, exc)
    return replace(finding, entries=entries)
