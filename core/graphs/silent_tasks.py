"""
Tasks that call nobody back: called functions, nodes that a cache served, and what was done before.

Only the stream tells of them. Kept for a tracker, which uses all of this under its lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from interlock.core.graphs import attempts
from interlock.core.graphs.namespaces import join
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import Run


@dataclass(frozen=True)
class Silent:
    """A task that was started and has not called back."""

    name: str
    loop: str  # the namespace of the graph it runs in
    step: int
    started_at: datetime
    started: float  # time.perf_counter()


class SilentTasks:
    """Those of one run, and what they turned out to be."""

    def __init__(self, run: Run, *, now: Callable[[], datetime]) -> None:
        self._run = run
        self._now = now
        self._open: dict[str, Silent] = {}  # by task id
        self._may_be_cached: Callable[[str], bool] = lambda _: False
        self._finished_before: frozenset[str] = frozenset()
        self.unfinished: dict[str, str] = {}  # task id -> name, of called functions
        self.has_cached = False

    def expect_cached(
        self, may_be_cached: Callable[[str], bool], finished_before: Collection[str]
    ) -> None:
        """
        Tell which tasks that start without running were served from a cache.

        Args:
            may_be_cached: Whether a node of this name may be.
            finished_before: Ids of tasks whose stored result is used again, which looks the same.
        """
        self._may_be_cached = may_be_cached
        self._finished_before = frozenset(finished_before)

    def start(self, task_id: str, name: str, loop: str, step: int) -> None:
        """The stream says that a task starts, and it has not called back."""
        self._open[task_id] = Silent(name, loop, step, self._now(), time.perf_counter())

    def take(self, task_id: str) -> Silent | None:
        """A task that is silent no longer: it has called back, or come to its end."""
        return self._open.pop(task_id, None)

    def end_call(
        self,
        task_id: str,
        call: Silent,
        error: BaseException | None,
        text: str | None,
        nodes: Iterable[str],
    ) -> NodeRun:
        """
        A function called as a task ended.

        Args:
            task_id: Its id.
            call: Its beginning.
            error: What it raised.
            text: The text of that.
            nodes: The namespaces of the nodes that run: who called it is known only where a single
                one of them could have.
        """
        callers = {node for node in nodes if node.rpartition("|")[0] == call.loop}
        caller = callers.pop() if len(callers) == 1 else call.loop
        if error is not None:
            self.unfinished[task_id] = call.name
        return attempts.end(
            self._begin(task_id, call, caller),
            NodeStatus.OK if error is None else NodeStatus.ERROR,
            started=call.started,
            at=self._now(),
            error=error,
            text=text,
        )

    def close(self, take_hit: Callable[[str], str | None]) -> list[NodeRun]:
        """
        The stream has ended: the records of the nodes that a cache served.

        Args:
            take_hit: Gives the tier of the oldest hit of a node that was not taken yet.
        """
        found: list[NodeRun] = []
        for task_id, silent in self._open.items():
            if task_id in self._finished_before:
                continue
            if self._may_be_cached(silent.name):
                found.append(self._serve(task_id, silent, take_hit(silent.name)))
            else:
                self.unfinished[task_id] = silent.name
        self._open.clear()
        self.has_cached |= bool(found)
        return found

    def _serve(self, task_id: str, silent: Silent, tier: str | None) -> NodeRun:
        return replace(
            self._begin(task_id, silent, silent.loop),
            step=silent.step + 1,  # it was started before its step had called back
            status=NodeStatus.CACHED,
            duration_ms=0.0,
            ended_at=self._now(),
            origin=tier,
        )

    def _begin(self, task_id: str, silent: Silent, outer: str) -> NodeRun:
        return attempts.begin(
            self._run,
            task_id=task_id,
            node=silent.name,
            namespace=join(outer, f"{silent.name}:{task_id}"),
            step=silent.step,
            attempt=1,
            at=silent.started_at,
        )
