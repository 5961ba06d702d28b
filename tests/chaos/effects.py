"""
What may run again, and what did: the journal of all side effects held against LangGraph's semantics.

Pure: it is given the journal, when each task became durable, and what was done to which process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

ASKS = "ask"  # how the phases begin in which a node asks
ANSWERED = "answered"
UNAWARE_S = 15.0  # the longest a worker does not hear that it was taken over


@dataclass(frozen=True)
class Line:
    """One line of the journal."""

    at: float
    pid: int
    thread_id: str
    checkpoint_id: str
    task_id: str
    place: str
    phase: str
    value: Any = None


@dataclass
class Execution:
    """One time that a process ran a node: its lines from `begin` on."""

    lines: list[Line]

    @property
    def begin(self) -> Line:
        """Its first line."""
        return self.lines[0]

    @property
    def last(self) -> Line:
        """Its last line."""
        return self.lines[-1]

    @property
    def has_ended(self) -> bool:
        """Whether the node came to its end."""
        return self.last.phase == "end"

    @property
    def asks(self) -> bool:
        """Whether it ended with a question, as far as it came."""
        return self.last.phase.startswith(ASKS)


@dataclass(frozen=True)
class Fate:
    """
    What became of a process: `lost_at` are the moments from which others may do again what it had
    in flight; `gave_up_at` when it ended itself, since it had been taken over.
    """

    lost_at: Sequence[float] = ()
    gave_up_at: float | None = None

    def was_lost(self, since: float, until: float) -> bool:
        """Whether it was lost in between; who gives up has been taken over a little before."""
        if self.gave_up_at is not None and since <= self.gave_up_at < until + UNAWARE_S:
            return True
        return any(since <= at <= until for at in self.lost_at)


@dataclass(frozen=True)
class Evidence:
    """
    All there is to judge by.

    Args:
        lines: The journal.
        durable_at: When what a task wrote was committed, by task.
        fates: What became of each process.
        resumed_at: When runs that bring answers were begun, by thread.
        answers: What was decided, by thread.
    """

    lines: Iterable[Line]
    durable_at: Mapping[str, float] = field(default_factory=dict)
    fates: Mapping[int, Fate] = field(default_factory=dict)
    resumed_at: Mapping[str, Sequence[float]] = field(default_factory=dict)
    answers: Mapping[str, Iterable[Any]] = field(default_factory=dict)

    def fate(self, pid: int) -> Fate:
        """What became of a process."""
        return self.fates.get(pid, Fate())


@dataclass(frozen=True)
class Judged:
    """What is wrong, and how often something ran again as it may."""

    losses: list[str]
    executions: int
    repeated: int


def judge(evidence: Evidence) -> Judged:
    """Hold all that was noted against the rules."""
    by_thread = defaultdict(list)
    for execution in read_executions(evidence.lines):
        by_thread[execution.begin.thread_id].append(execution)
    losses: list[str] = []
    repeated = 0
    for thread_id, found in sorted(by_thread.items()):
        found.sort(key=lambda e: e.begin.at)
        losses += _find_work_after_it_was_durable(evidence, found)
        losses += _find_two_at_once(evidence, found)
        losses += _find_zombies(evidence, found)
        losses += _find_foreign_answers(evidence, thread_id, found)
        for again in _pair_repeats(found):
            if _is_answer_of_a_question(evidence, *again):
                continue
            repeated += 1
            if not _is_due_to_a_loss(evidence, *again):
                losses.append(_say(again[1], "ran again though nothing had happened to its worker"))
    return Judged(losses, sum(map(len, by_thread.values())), repeated)


def read_executions(lines: Iterable[Line]) -> Iterator[Execution]:
    """Put together what belongs together: a task in a process, from each of its begins on."""
    under_way: dict[tuple[int, str], Execution] = {}
    for line in sorted(lines, key=lambda found: found.at):
        key = (line.pid, line.task_id)
        if line.phase == "begin":
            if key in under_way:
                yield under_way[key]
            under_way[key] = Execution([line])
        elif key in under_way:
            under_way[key].lines.append(line)
    yield from under_way.values()


def _find_work_after_it_was_durable(
    evidence: Evidence, found: Sequence[Execution]
) -> Iterator[str]:
    for execution in found:
        durable_at = evidence.durable_at.get(execution.begin.task_id)
        if durable_at is not None and execution.begin.at > durable_at:
            late_s = execution.begin.at - durable_at
            yield _say(execution, f"ran again {late_s:.3f} s after what it wrote was durable")


def _find_two_at_once(evidence: Evidence, found: Sequence[Execution]) -> Iterator[str]:
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            if other.begin.at >= one.last.at:
                break
            is_lost = evidence.fate(one.begin.pid).was_lost(one.begin.at, other.begin.at)
            if other.begin.pid != one.begin.pid and not is_lost:
                yield _say(other, f"began while process {one.begin.pid} was at {one.begin.place}")


def _find_zombies(evidence: Evidence, found: Sequence[Execution]) -> Iterator[str]:
    """Work that a process began after others had taken the thread over from it."""
    for number, execution in enumerate(found):
        begin = execution.begin
        fate = evidence.fate(begin.pid)
        if fate.gave_up_at is None:
            continue
        lost_at = max((at for at in fate.lost_at if at < fate.gave_up_at), default=None)
        if lost_at is None or begin.at <= lost_at:
            continue
        others = [e.begin for e in found[:number] if e.begin.pid != begin.pid]
        if any(lost_at < other.at for other in others):
            yield _say(execution, "was begun by a worker from which the thread was taken over")


def _find_foreign_answers(
    evidence: Evidence, thread_id: str, found: Sequence[Execution]
) -> Iterator[str]:
    decided = set(evidence.answers.get(thread_id, ()))
    told: dict[tuple[str, str], Any] = {}
    for execution in found:
        for line in execution.lines:
            if not line.phase.startswith(ANSWERED):
                continue
            first = told.setdefault((line.place, line.phase), line.value)
            if line.value != first:
                yield _say(execution, f"was told {line.value!r} after {first!r}")
            if line.value not in decided:
                yield _say(execution, f"was told {line.value!r}, which nobody had decided")


def _pair_repeats(found: Sequence[Execution]) -> Iterator[tuple[Execution, Execution]]:
    by_place = defaultdict(list)
    for execution in found:
        by_place[execution.begin.place].append(execution)
    for executions in by_place.values():
        yield from pairwise(executions)


def _is_answer_of_a_question(evidence: Evidence, one: Execution, other: Execution) -> bool:
    """LangGraph runs a node that asked from its beginning with every answer to its step."""
    resumed = evidence.resumed_at.get(one.begin.thread_id, ())
    return one.asks and any(one.begin.at <= at <= other.begin.at for at in resumed)


def _is_due_to_a_loss(evidence: Evidence, one: Execution, other: Execution) -> bool:
    return evidence.fate(one.begin.pid).was_lost(one.begin.at, other.begin.at)


def _say(execution: Execution, what: str) -> str:
    begin = execution.begin
    return f"{begin.thread_id}: {begin.place} in process {begin.pid} {what}"
