"""
What piled up of one run since it was last handed over: records of attempts, and events in order.

Not locked: whoever fills it from several threads does that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from interlock.core.model.nodes import NodeRun, RunEvent
from interlock.core.model.runs import Run
from interlock.core.types import Json

FULL = 200  # records of one run that are handed over at once, pulse or not

Record = NodeRun | RunEvent


class RunLog:
    """The records of one run, oldest first; events are numbered from the newest there was."""

    def __init__(self, run: Run, *, now: Callable[[], datetime], last_seq: int) -> None:
        self._run = run
        self._now = now
        self._seq = last_seq
        self._records: list[Record] = []
        self._untold: dict[str, dict[str, Json]] = {}  # by task id: the last event of it not taken

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self._seq

    @property
    def is_full(self) -> bool:
        """Whether so much has piled up that it should not wait for the next pulse."""
        return len(self._records) >= FULL

    def take(self) -> list[Record]:
        """Hand over what has piled up."""
        records, self._records = self._records, []
        self._untold.clear()
        return records

    def emit(self, kind: str, data: Json, path: str) -> None:
        """Add an event with the next number."""
        self._seq += 1
        self._records.append(
            RunEvent(
                run_id=self._run.run_id,
                seq=self._seq,
                kind=kind,
                path=path,
                at=self._now(),
                data=data,
            )
        )

    def add(self, record: NodeRun) -> None:
        """Add the record of an attempt, and the event that tells of it."""
        self._records.append(record)
        data: dict[str, Json] = {
            "task_id": record.task_id,
            "attempt": record.attempt,
            "status": str(record.status),
            "step": record.step,
            "duration_ms": record.duration_ms,
        }
        told = {
            "error_kind": record.error_kind,
            "origin": record.origin,
            "retry_wait_ms": record.retry_wait_ms,
            "variant": record.variant or None,
        }
        data |= {name: value for name, value in told.items() if value is not None}
        self.emit("node", data, record.path)
        self._untold[record.task_id] = data

    def amend(self, record: NodeRun) -> None:
        """Bring the record of an attempt up to date, which was told already."""
        self._records.append(record)

    def tell_output(self, task_id: str, output: Json, path: str) -> None:
        """What a task gave out: with its last event, if that was not handed over yet."""
        ended = self._untold.get(task_id)
        if ended is not None:
            ended["output"] = output
        else:
            self.emit("update", {"task_id": task_id, "output": output}, path)
