"""
Following a checkpoint database that another application fills: what is new there comes to be known here.

The database is asked once a second, by a few questions whatever there is; of a thread that has
changed nothing but its head is read. What only the graph can tell is asked of it thread by thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from interlock.core.errors import InterlockError, StoreUnavailable
from interlock.core.graphs import failing
from interlock.core.graphs.attaching import (
    Detail,
    FoundHead,
    GraphFacts,
    config_of,
    find_asked,
    read_details,
    read_plain,
    scan,
)
from interlock.core.graphs.heads import read_head
from interlock.core.graphs.running import outcome_of
from interlock.core.graphs.serde import serializer_for
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.attached import UNKNOWN, Choice, choose_graph, is_field
from interlock.core.model.delivery import Head
from interlock.core.model.history import AttachedSource
from interlock.core.model.runs import Failure, RunOptions, RunStatus
from interlock.core.model.what_ifs import is_sandbox
from interlock.core.services import attaching, leveling
from interlock.core.services.attaching import Finding, Known
from interlock.core.services.context import App
from interlock.core.types import CheckpointId, ThreadId
from interlock.core.worker.attached_heads import (
    end_held,
    is_to_be_read,
    say_not_finished,
    says_nothing_new,
)
from interlock.core.worker.attached_keeping import (
    CHUNK,
    is_storable,
    note_odd,
    store_all,
    with_entries,
)
from interlock.core.worker.indexing import make_entry
from interlock.core.worker.recorder import Call

FOLLOW_S = 1.0  # between two looks
SHARE = 10  # a look that takes long is followed by a pause so many times as long
NOTE_S = 30.0  # between two notes of when the database was looked at, where nothing is new
AT_ONCE = 8  # graphs that are asked at the same time
CLOSELY = 100  # threads at one look whose graph is asked; the others wait for the next
QUIET = timedelta(seconds=60)  # a node that is at work for longer is taken for cut off
AGAIN_S = 2.0  # the other application is at work on a thread: look at it anew after this
FAILED_THERE = "A node failed in the other application."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """A thread as it was kept last."""

    head: CheckpointId
    print: bytes


@asynccontextmanager
async def following(app: App, workshop: Workshop) -> AsyncIterator[None]:
    """Follow the other application's database while the block runs, if there is one."""
    if app.settings.attach is None:
        yield
        return
    with ThreadPoolExecutor(1, thread_name_prefix="follow") as pool:

        async def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(pool, lambda: function(*args, **kwargs))

        task = asyncio.create_task(Follower(app, workshop, call).serve(), name="follow")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


class Follower:
    """Follows one database; `serve` runs until it is cancelled."""

    def __init__(self, app: App, workshop: Workshop, call: Call) -> None:
        self._app = app
        self._workshop = workshop
        self._call = call
        self._facts: dict[str, GraphFacts] = {}
        self._seen: dict[ThreadId, Seen] = {}
        self._has_compared = False  # what was known before with what is there
        self._moving: dict[ThreadId, float] = {}  # when to look again, time.monotonic()
        self._unknown: set[ThreadId] = set()
        self._plain_serde = serializer_for(None, None)
        self._noted_at = -NOTE_S
        self._error: str | None = None
        self._has_changed = False
        self._is_more = False  # threads wait for the next look

    async def serve(self) -> None:
        """Look once a second, less often where a look takes long."""
        await self._learn()
        while True:
            started = time.monotonic()
            self._has_changed = False
            try:
                self._has_changed = await self.look() > 0
                await self._note(started)
            except Exception as exc:  # noqa: BLE001  it is told, and the next look may do better
                await self._note_failure(exc)
            if not self._is_more:
                idle_s = 0.0 if self._has_changed else time.monotonic() - started
                await asyncio.sleep(max(FOLLOW_S, idle_s * SHARE))

    async def look(self) -> int:
        """
        Look at the whole database once.

        Returns:
            How many threads were new or had changed.
        """
        if not self._facts:
            await self._learn()
        before: set[ThreadId] = set()
        if not self._has_compared:
            before = await self._call(attaching.list_followed, self._app)
        there: set[ThreadId] = set()
        changed = 0
        budget = CLOSELY
        self._is_more = False
        async for found in scan(self._workshop.savers):
            page = [head for head in found if not is_sandbox(head.thread_id)]
            there.update(head.thread_id for head in page)
            new = [head for head in page if self._is_new(head)]
            taken, asked = await self._take(new, budget)
            changed += taken
            budget -= asked
        gone = sorted((self._seen.keys() | before) - there)
        for start in range(0, len(gone), CHUNK):
            await self._call(attaching.note_gone, self._app, gone[start : start + CHUNK])
        for thread_id in gone:
            self._forget(thread_id)
        self._has_compared = True
        return changed + len(gone)

    async def _learn(self) -> None:
        """What there is to know of each graph; one that cannot be opened has no threads."""
        for name in list(self._workshop.graphs):
            try:
                async with self._workshop.open(name, {}) as graph:
                    self._facts[name] = GraphFacts.of(graph)
            except Exception as exc:  # noqa: BLE001  a factory may raise what it likes
                logger.warning("graph_not_attached", extra={"workflow": name, "reason": str(exc)})

    def _is_new(self, head: FoundHead) -> bool:
        seen = self._seen.get(head.thread_id)
        if seen is None or seen.print != head.print:
            return True
        return self._moving.get(head.thread_id, float("inf")) <= time.monotonic()

    async def _take(self, heads: list[FoundHead], budget: int) -> tuple[int, int]:
        """Keep what is new of a page; how many threads were, and of how many the graph was asked."""
        if not heads:
            return 0, 0
        known = await self._call(attaching.look_up, self._app, [head.thread_id for head in heads])
        due = []
        for head in heads:
            if not is_storable(head):
                self._remember(head)
                self._unknown.add(head.thread_id)
                continue
            if self._is_settled(head, known.get(head.thread_id)):
                self._remember(head)
            elif is_to_be_read(head, known.get(head.thread_id)):
                due.append(head)
        details = await read_details(self._workshop.savers, due)
        due = [h for h in due if (d := details.get(h.thread_id)) and not self._has_just_begun(d)]
        findings: list[tuple[FoundHead, Finding]] = []
        closely: list[tuple[FoundHead, Choice]] = []
        for head in due:
            detail = details[head.thread_id]
            choice = self._choose(detail, known.get(head.thread_id))
            plain = self._read_plain(head, detail, choice)
            if plain is None:
                closely.append((head, choice))
            else:
                findings.append((head, self._find(head, detail, choice, plain)))
        await self._keep(findings, known)
        near = closely[: max(0, budget)]
        self._is_more |= len(near) < len(closely)
        for start in range(0, len(near), AT_ONCE):
            asked = near[start : start + AT_ONCE]
            looks = (self._look_closely(h, details[h.thread_id], c) for h, c in asked)
            found = zip(asked, await asyncio.gather(*looks), strict=True)
            await self._keep([(h, f) for (h, _), f in found if f is not None], known)
        return len(findings) + len(near), len(near)

    def _asks_the_same(self, head: FoundHead, known: Known) -> bool:
        """Whether the cards of a thread ask what it asks."""
        asked = find_asked(head, self._plain_serde)
        return known.thread.trouble is None and bool(asked) and known.asked == asked

    def _is_settled(self, head: FoundHead, known: Known | None) -> bool:
        """Whether a run's end has told all there is to know of a head: ours, or an earlier look's."""
        if known is None or known.is_open or known.last_end != head.checkpoint_id:
            return False
        seen = self._seen.get(head.thread_id)
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
            self._remember(head, is_moving=finding.status is None and not is_odd)
            if finding.trouble is not None or is_odd:
                self._unknown.add(head.thread_id)
            else:
                self._unknown.discard(head.thread_id)
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

    def _remember(self, head: FoundHead, *, is_moving: bool = False) -> None:
        self._seen[head.thread_id] = Seen(head.checkpoint_id, head.print)
        if is_moving:
            self._moving[head.thread_id] = time.monotonic() + AGAIN_S
        else:
            self._moving.pop(head.thread_id, None)

    def _forget(self, thread_id: ThreadId) -> None:
        self._seen.pop(thread_id, None)
        self._moving.pop(thread_id, None)
        self._unknown.discard(thread_id)

    async def _note_failure(self, exc: Exception) -> None:
        """Say on the screens that the database cannot be read; ours may be away as well."""
        is_ours = isinstance(exc, InterlockError)
        logger.warning("attached_not_followed", exc_info=None if is_ours else exc)
        with suppress(StoreUnavailable):
            await self._note(time.monotonic(), error=failing.message_of(exc))

    async def _note(self, started: float, *, error: str | None = None) -> None:
        now = time.monotonic()
        if not self._has_changed and error == self._error and now - self._noted_at < NOTE_S:
            return
        self._noted_at, self._error = now, error
        address = attaching.address_of(self._app.settings) or ""
        source = AttachedSource(
            source_id=attaching.source_id_of(address),
            address=address,
            looked_at=self._app.clock.now(),
            took_ms=(now - started) * 1000,
            thread_count=len(self._seen),
            unknown_count=len(self._unknown),
            error=error,
        )
        await self._call(attaching.note_source, self._app, source)
