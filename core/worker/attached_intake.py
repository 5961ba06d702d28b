"""
Taking in the threads of another application that have changed: read, told whose graph's, and kept.

Of most what is written beside their head says all; what only the graph can tell is asked of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from interlock.core.errors import InterlockError, StoreUnavailable
from interlock.core.graphs import failing
from interlock.core.graphs.attached_rows import Detail, FoundHead, read_details, read_writes
from interlock.core.graphs.attaching import GraphFacts, config_of, find_asked, read_plain
from interlock.core.graphs.heads import read_head
from interlock.core.graphs.outcomes import outcome_of
from interlock.core.graphs.serde import serializer_for
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.attached import UNKNOWN, Choice, choose_graph, is_field
from interlock.core.model.delivery import Head
from interlock.core.model.runs import Failure, RunOptions, RunStatus
from interlock.core.services import attaching, leveling
from interlock.core.services.attaching import Finding, Known
from interlock.core.services.context import App
from interlock.core.types import ThreadId
from interlock.core.worker.attached_heads import (
    end_held,
    is_to_be_read,
    say_not_finished,
    says_nothing_new,
)
from interlock.core.worker.attached_keeping import is_storable, note_odd, store_all, with_entries
from interlock.core.worker.attached_memory import Memory
from interlock.core.worker.indexing import make_entry
from interlock.core.worker.recorder import Call

AT_ONCE = 8  # graphs that are asked at the same time
QUIET = timedelta(seconds=60)  # a node that is at work for longer is taken for cut off
FAILED_THERE = "A node failed in the other application."

logger = logging.getLogger(__name__)


class Intake:
    """Takes threads in, a page at a time; what became of each is remembered."""

    def __init__(self, app: App, workshop: Workshop, call: Call, memory: Memory) -> None:
        self._app = app
        self._workshop = workshop
        self._call = call
        self._memory = memory
        self._facts: dict[str, GraphFacts] = {}
        self._plain_serde = serializer_for(None, None)

    async def learn(self) -> None:
        """What there is to know of each graph; one that cannot be opened has no threads."""
        if self._facts:
            return
        for name in list(self._workshop.graphs):
            try:
                async with self._workshop.open(name, {}) as graph:
                    self._facts[name] = GraphFacts.of(graph)
            except Exception as exc:  # noqa: BLE001  a factory may raise what it likes
                logger.warning("graph_not_attached", extra={"workflow": name, "reason": str(exc)})

    async def take(self, heads: list[FoundHead], budget: int) -> tuple[int, int, bool]:
        """
        Keep what is new of a page.

        Args:
            heads: Of the threads that have changed.
            budget: Of how many threads the graph may be asked.

        Returns:
            How many threads were kept, of how many the graph was asked, and whether others wait.
        """
        for head in heads:
            if not is_storable(head):
                self._memory.remember(head, is_unknown=True)
        heads = [head for head in heads if is_storable(head)]
        if not heads:
            return 0, 0, False
        known = await self._call(attaching.look_up, self._app, [head.thread_id for head in heads])
        due = await self._find_due(heads, known)
        details = await read_details(self._workshop.savers, due)
        findings: list[tuple[FoundHead, Finding]] = []
        closely: list[tuple[FoundHead, Choice]] = []
        for head in due:
            detail = details.get(head.thread_id)
            if detail is None or self._has_just_begun(detail):
                continue
            choice = self._choose(detail, known.get(head.thread_id))
            plain = self._read_plain(head, detail, choice)
            if plain is None:
                closely.append((head, choice))
            else:
                findings.append((head, self._find(head, detail, choice, plain)))
        await self._keep(findings, known)
        near = closely[: max(0, budget)]
        for start in range(0, len(near), AT_ONCE):
            asked = near[start : start + AT_ONCE]
            looks = (self._look_closely(h, details[h.thread_id], c) for h, c in asked)
            found = zip(asked, await asyncio.gather(*looks), strict=True)
            await self._keep([(h, f) for (h, _), f in found if f is not None], known)
        return len(findings) + len(near), len(near), len(near) < len(closely)

    async def _find_due(
        self, heads: list[FoundHead], known: Mapping[ThreadId, Known]
    ) -> list[FoundHead]:
        """Those to be read, with what is written there; what is settled is remembered."""
        ours = {thread_id for thread_id, each in known.items() if each.is_open}
        free = [head for head in heads if head.thread_id not in ours]
        due = []
        for head in await read_writes(self._workshop.savers, free):
            if self._is_settled(head, known.get(head.thread_id)):
                self._memory.remember(head)
            elif is_to_be_read(head, known.get(head.thread_id)):
                due.append(head)
        return due

    def _asks_the_same(self, head: FoundHead, known: Known) -> bool:
        """Whether the cards of a thread ask what it asks."""
        asked = find_asked(head, self._plain_serde)
        return known.thread.trouble is None and bool(asked) and known.asked == asked

    def _is_settled(self, head: FoundHead, known: Known | None) -> bool:
        """Whether a run's end has told all there is to know of a head: ours, or an earlier look's."""
        if known is None or known.is_open or known.last_end != head.checkpoint_id:
            return False
        seen = self._memory.find(head.thread_id)
        if seen is None and known.held is not None:
            return self._asks_the_same(head, known)
        if seen is None:
            return known.thread.trouble is None
        return seen.head != head.checkpoint_id

    def _has_just_begun(self, detail: Detail) -> bool:
        """Whether nothing tells yet which graph made it: its input is stored and nothing else."""
        has_fields = any(is_field(name) for name in detail.channels)
        return (
            detail.trouble is None
            and not has_fields
            and detail.raw.step < 0
            and self._is_young(detail)
        )

    def _is_young(self, detail: Detail) -> bool:
        return self._app.clock.now() - detail.raw.created_at < QUIET

    def _choose(self, detail: Detail, known: Known | None) -> Choice:
        if detail.trouble is not None:
            return Choice(UNKNOWN if known is None else known.thread.workflow, detail.trouble)
        if known is not None and known.thread.trouble is None:
            return Choice(known.thread.workflow)
        channels = {name: facts.channels for name, facts in self._facts.items()}
        return choose_graph(detail.metadata, detail.channels, channels)

    def _read_plain(self, head: FoundHead, detail: Detail, choice: Choice) -> Head | None:
        facts = None if choice.trouble is not None else self._facts.get(choice.workflow)
        if facts is None and choice.trouble is None:
            return None  # a graph of ours that cannot be opened: say so, closely
        return read_plain(head, detail, facts, self._plain_serde)

    def _find(
        self,
        found: FoundHead,
        detail: Detail,
        choice: Choice,
        head: Head,
        *,
        status: RunStatus | None = None,
        failure: Failure | None = None,
    ) -> Finding:
        if status is None and head.has_failed:
            status = RunStatus.FAILED
            failure = Failure(type="Error", message=FAILED_THERE)
        elif status is None:
            status = RunStatus.WAITING if head.open_ids else RunStatus.DONE
        return Finding(
            thread_id=found.thread_id,
            workflow=choice.workflow,
            trouble=choice.trouble,
            at=detail.raw.created_at,
            head=head,
            status=status,
            failure=failure,
            entries=(make_entry(found.thread_id, detail.raw, head.due),),
        )

    async def _keep(
        self, findings: list[tuple[FoundHead, Finding]], known: Mapping[ThreadId, Known]
    ) -> None:
        """Keep findings: those of a thread that a run holds end that run, one by one."""
        free = []
        odd: set[ThreadId] = set()
        for head, finding in findings:
            before = known.get(head.thread_id)
            if before is not None and says_nothing_new(before, finding):
                continue
            if before is None or before.held is None:
                free.append(await with_entries(self._workshop, finding, before))
            elif not await self._settle(before, finding):
                odd.add(head.thread_id)
        odd |= await store_all(self._call, self._app, free)
        for head, finding in findings:
            is_odd = head.thread_id in odd
            self._memory.remember(
                head,
                is_moving=finding.status is None and not is_odd,
                is_unknown=finding.trouble is not None or is_odd,
            )
            if head.thread_id in known:
                await self._call(attaching.warn_of_doubles, self._app, head.thread_id)

    async def _settle(self, before: Known, finding: Finding) -> bool:
        """A run that held stands elsewhere by now: it ends there, its cards with it, if it can."""
        finding = await with_entries(self._workshop, finding, before)
        try:
            await self._call(leveling.settle, self._app, end_held(before, finding))
        except StoreUnavailable:
            raise
        except Exception as exc:  # noqa: BLE001  whatever another application stored
            note_odd(finding.thread_id, exc)
            return False
        return True

    async def _look_closely(
        self, found: FoundHead, detail: Detail, choice: Choice
    ) -> Finding | None:
        """Ask the graph where a thread stands; None if it has just come on."""
        try:
            return await self._read_closely(found, detail, choice)
        except (
            Exception
        ) as exc:  # its graph is broken, or does not fit: it can be read all the same
            logger.warning(
                "thread_not_followed",
                exc_info=not isinstance(exc, InterlockError),
                extra={"thread_id": found.thread_id},
            )
            refused = Choice(
                choice.workflow, f"Its graph cannot read it: {failing.message_of(exc)}"
            )
            plain = read_plain(found, detail, None, self._plain_serde)
            assert plain is not None  # without a graph there is nothing to ask
            return self._find(found, detail, refused, plain)

    async def _read_closely(
        self, found: FoundHead, detail: Detail, choice: Choice
    ) -> Finding | None:
        config = config_of(found.thread_id)
        async with self._workshop.open(choice.workflow, config) as graph:
            read = await read_head(
                graph, config, RunOptions(), self._workshop.savers.pending_resumes
            )
        if read is None or read.head.checkpoint_id != found.checkpoint_id:
            return None
        outcome = outcome_of(found.thread_id, read, self._app.settings.max_snapshot_bytes)
        head = read.head
        status: RunStatus | None = outcome.status
        failure = outcome.failure
        is_due = bool(head.due) and not head.has_failed and not head.is_at_breakpoint
        if is_due and (head.has_unfinished or not head.open_ids):
            if self._is_young(detail):
                status = None
            elif not head.open_ids:
                status, failure = RunStatus.FAILED, say_not_finished(head)
        finding = self._find(found, detail, choice, head, status=status, failure=failure)
        return replace(
            finding, status=status, snapshot=outcome.snapshot if status is not None else None
        )
