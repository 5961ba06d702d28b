"""One delivery of a played run: what its nodes did, and how it ended."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from interlock.core.demo.people import vary
from interlock.core.demo.scripts import Ask, Beat, Script, Step
from interlock.core.graphs.run_log import RunLog
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.failure_kinds import FailureKind
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.model.usage import NO_USAGE, Usage
from interlock.core.services.claiming import Claimed
from interlock.core.types import CheckpointId, Json

STEP_S = 0.004  # between two supersteps: a checkpoint is written
RETRY_S = 0.5  # waited before a second try, doubled before the next
DOWN_FAILS = 0.85  # of the calls to a service that is down
TIERS = ("memory", "memory", "database")

ERRORS: Mapping[str, tuple[str, str]] = {
    "payments": ("ServiceDown", "The payment provider does not answer."),
    "mail": ("ServiceDown", "The mail server does not answer."),
    "market": ("ServiceDown", "The market's feed does not answer."),
    "deployment": ("ServiceDown", "The hosts cannot be reached."),
    "knowledge": ("ServiceDown", "The knowledge base does not answer."),
    "": ("TimeoutError", "The model took longer than it may."),
}


@dataclass
class Story:
    """How far a played thread is: the steps that are left, the tasks that are open, what is asked."""

    script: Script
    steps: list[Step] = field(init=False)
    number: int = 0
    tasks: dict[str, str] = field(
        default_factory=dict
    )  # by path: of what was begun and has not ended
    asked: Beat | None = None

    def __post_init__(self) -> None:
        self.steps = list(self.script.steps)

    def answer(self, *, is_yes: bool) -> None:
        """Go on after a decision: a no leaves the script's own way."""
        if not is_yes:
            self.steps = [self.steps[0], *self.script.refused]


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a delivery came to, `at` when."""

    claimed: Claimed
    at: datetime
    status: RunStatus
    head: Head | None
    failure: Failure | None
    nodes: tuple[NodeRun, ...]
    events: tuple[RunEvent, ...]
    last_seq: int
    usage: Usage


def play(
    story: Story,
    claimed: Claimed,
    *,
    at: datetime,
    is_down: Callable[[str, datetime], bool],
    rng: random.Random,
) -> Played:
    """
    Play a run from where its thread stands until it asks somebody, fails or is done.

    Args:
        story: The thread; it is moved on.
        claimed: The run.
        at: When it begins.
        is_down: Whether a service does not answer at a moment.
        rng: What chance is drawn from.
    """
    return _Delivery(story, claimed, at, is_down, rng).play()


class _Delivery:
    def __init__(
        self,
        story: Story,
        claimed: Claimed,
        at: datetime,
        is_down: Callable[[str, datetime], bool],
        rng: random.Random,
    ) -> None:
        self._story = story
        self._claimed = claimed
        self._is_down = is_down
        self._rng = rng
        self._at = self._log_at = at
        self._begun: dict[str, datetime] = {}  # by path: the graphs that the steps stand in
        self._untold: list[NodeRun] = []
        self._failure: Failure | None = None
        self._usage = NO_USAGE
        self._log = RunLog(claimed.run, now=lambda: self._log_at, last_seq=claimed.last_seq)

    def play(self) -> Played:
        self._log.emit("status", {"status": str(RunStatus.RUNNING)}, "")
        status = RunStatus.DONE
        while self._story.steps:
            step = self._story.steps[0]
            self._leave_graphs(step, NodeStatus.OK)
            asks = next((b for b in step if b.asks and self._story.asked is not b), None)
            self._play_step(step, asks)
            if asks is not None:
                self._story.asked, status = asks, RunStatus.WAITING
                break
            if self._failure is not None:
                status = RunStatus.FAILED
                break
            self._story.asked = None
            self._story.steps.pop(0)
        return self._close(status)

    def _play_step(self, step: Step, asks: Beat | None) -> None:
        self._enter_graphs(step)
        self._story.number += 1
        begun = self._at
        ends = [self._play_beat(beat, begun, is_asking=beat is asks) for beat in step]
        self._tell()
        self._at = max(ends) + timedelta(seconds=STEP_S)

    def _play_beat(self, beat: Beat, begun: datetime, *, is_asking: bool) -> datetime:
        """Record a node's tries; when the last one ended."""
        if is_asking:
            return self._record(beat.path, begun, 1.0, NodeStatus.INTERRUPTED)
        task = self._story.tasks.pop(beat.path, None)
        if task is None and self._rng.random() < beat.cached:
            return self._record(
                beat.path, begun, 0.0, NodeStatus.CACHED, origin=self._rng.choice(TIERS)
            )
        at, waited_ms = begun, None
        for attempt in range(1, beat.tries + 1):
            ms = vary(self._rng, beat.ms)
            is_out = bool(beat.service) and self._is_down(beat.service, at)
            has_failed = self._rng.random() < (DOWN_FAILS if is_out else beat.fails)
            is_last = not has_failed or attempt == beat.tries
            at = self._record(
                beat.path,
                at,
                ms,
                NodeStatus.ERROR if has_failed else NodeStatus.OK,
                attempt=attempt,
                is_final=is_last,
                retry_wait_ms=waited_ms,
                task=task,
                beat=beat,
            )
            if not has_failed:
                break
            task = self._story.tasks.get(beat.path, task)
            waited_ms = RETRY_S * 1000 * 2 ** (attempt - 1)
            if not is_last:
                at += timedelta(milliseconds=waited_ms)
        return at

    def _record(
        self,
        path: str,
        begun: datetime,
        ms: float,
        status: NodeStatus,
        *,
        attempt: int = 1,
        is_final: bool = True,
        retry_wait_ms: float | None = None,
        origin: str | None = None,
        task: str | None = None,
        beat: Beat | None = None,
    ) -> datetime:
        has_failed = status is NodeStatus.ERROR
        kind, text = self._blame(beat) if has_failed else (None, None)
        tokens = beat.tokens if beat is not None and not has_failed else (0, 0)
        ended = begun + timedelta(milliseconds=ms)
        task_id = task or self._story.tasks.get(path) or self._new_id()
        if status is NodeStatus.INTERRUPTED or not is_final:
            self._story.tasks[path] = task_id  # the same task goes on
        else:
            self._story.tasks.pop(path, None)
        run = self._claimed.run
        self._untold.append(
            NodeRun(
                run_id=run.run_id,
                thread_id=run.thread_id,
                workflow=run.workflow,
                task_id=task_id,
                attempt=attempt,
                delivery=run.deliveries,
                node=path.rpartition("/")[2],
                path=path,
                namespace=self._namespace(path, task_id),
                step=self._story.number,
                status=status,
                started_at=begun,
                duration_ms=ms,
                ended_at=ended,
                error_type=kind,
                error_message=text,
                error_kind=str(FailureKind.NETWORK) if has_failed else None,
                is_final=is_final,
                variant=run.variant,
                retry_wait_ms=retry_wait_ms,
                tokens_in=tokens[0] or None,
                tokens_out=tokens[1] or None,
                origin=origin,
            )
        )
        self._usage += Usage(tokens_in=tokens[0], tokens_out=tokens[1])
        if has_failed and is_final and self._failure is None and kind and text:
            self._failure = Failure(type=kind, message=text, node=path, attempt=attempt)
        return ended

    def _blame(self, beat: Beat | None) -> tuple[str, str]:
        """What went wrong: a graph fails of what failed in it."""
        if beat is None and self._failure is not None:
            return self._failure.type, self._failure.message
        return ERRORS[beat.service if beat is not None else ""]

    def _tell(self) -> None:
        """Enter what ended, in the order in which it did."""
        for record in sorted(self._untold, key=lambda r: r.ended_at or self._at):
            self._log_at = record.ended_at or self._at
            self._log.add(record)
        self._untold.clear()

    def _enter_graphs(self, step: Step) -> None:
        for path in _graphs_of(step):
            if path not in self._begun:
                self._begun[path] = self._at
                self._story.tasks.setdefault(path, self._new_id())

    def _leave_graphs(self, step: Step, status: NodeStatus) -> None:
        """End the graphs that the next step does not stand in, the innermost first."""
        staying = _graphs_of(step)
        for path in [p for p in reversed(self._begun) if p not in staying]:
            begun = self._begun.pop(path)
            ms = (self._at - begun).total_seconds() * 1000
            self._record(path, begun, ms, status)
        self._tell()

    def _close(self, status: RunStatus) -> Played:
        ends = {RunStatus.WAITING: NodeStatus.INTERRUPTED, RunStatus.FAILED: NodeStatus.ERROR}
        self._leave_graphs((), ends.get(status, NodeStatus.OK))
        records = self._log.take()
        return Played(
            claimed=self._claimed,
            at=self._at,
            status=status,
            head=self._ask() if status is RunStatus.WAITING else None,
            failure=self._failure,
            nodes=tuple(r for r in records if isinstance(r, NodeRun)),
            events=tuple(r for r in records if isinstance(r, RunEvent)),
            last_seq=self._log.last_seq,
            usage=self._usage,
        )

    def _ask(self) -> Head:
        beat = self._story.asked
        assert beat is not None
        ask = beat.asks
        assert isinstance(ask, Ask)
        task = self._story.tasks[beat.path]
        interrupt = LiveInterrupt(
            interrupt_id=uuid.UUID(int=self._rng.getrandbits(128)).hex,
            value=ask.value,
            schema=None,
            node=beat.path,
            namespace=self._namespace(beat.path, task),
            is_answered=False,
        )
        due = (beat.path.partition("/")[0],)
        return Head(
            checkpoint_id=CheckpointId(self._new_id()),
            run_id=self._claimed.run.run_id,
            due=due,
            next=due,
            interrupts=(interrupt,),
        )

    def _namespace(self, path: str, task_id: str) -> str:
        *graphs, node = path.split("/")
        parts = []
        for depth, graph in enumerate(graphs, start=1):
            parts.append(f"{graph}:{self._story.tasks.get('/'.join(graphs[:depth]), task_id)}")
        return "|".join([*parts, f"{node}:{task_id}"])

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128)))


def _graphs_of(step: Step) -> list[str]:
    """The paths of the graphs that a step's nodes stand in, the outermost first."""
    found: dict[str, Json] = {}
    for beat in step:
        parts = beat.path.split("/")[:-1]
        found |= {"/".join(parts[: n + 1]): None for n in range(len(parts))}
    return sorted(found, key=lambda path: path.count("/"))
