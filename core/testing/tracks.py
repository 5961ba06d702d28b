"""Which nodes of a graph ran, in an order that does not depend on which of them was faster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class _Visit:
    """One task of LangGraph, which may be begun several times before it ends."""

    path: str
    has_ended: bool = False


class Track:
    """
    Listens to the `tasks` stream of a graph and its subgraphs.

    Tasks stand in the order in which LangGraph began them, what ran within a task right behind it;
    one that was held by a question and begun again after the answer ran once.
    """

    def __init__(self) -> None:
        self._visits: dict[str, _Visit] = {}
        self._within: dict[str, list[str]] = {"": []}
        self._askers: dict[str, tuple[int, str]] = {}

    def hear(self, namespace: Sequence[str], task: Mapping[str, Any]) -> None:
        """Take one event; `namespace` are the tasks around it ("team:<id>"), outermost first."""
        around = [part.rpartition(":") for part in namespace if not part.isdigit()]
        path = "/".join([*(name for name, _, _ in around), task["name"]])
        parent = around[-1][2] if around and around[-1][2] in self._visits else ""
        task_id = task["id"]
        if task_id not in self._visits:
            self._visits[task_id] = _Visit(path)
            self._within.setdefault(parent, []).append(task_id)
        if "triggers" in task:  # its beginning
            return
        for interrupt in task["interrupts"]:
            known = self._askers.get(interrupt["id"], (0, ""))
            self._askers[interrupt["id"]] = max(known, (len(around) + 1, path))
        if not task["interrupts"]:
            self._visits[task_id].has_ended = True

    @property
    def askers(self) -> dict[str, str]:
        """The path of the innermost node that asked, by id of the interrupt."""
        return {interrupt_id: path for interrupt_id, (_, path) in self._askers.items()}

    @property
    def path(self) -> tuple[str, ...]:
        """The paths of the nodes that ran to an end, or failed; what a cache served did not run."""
        return tuple(self._walk(""))

    @property
    def last(self) -> tuple[str, ...]:
        """Where it was last, for a message."""
        return tuple(visit.path for visit in list(self._visits.values())[-6:])

    def _walk(self, parent: str) -> Iterator[str]:
        for task_id in self._within.get(parent, ()):
            visit = self._visits[task_id]
            if visit.has_ended:
                yield visit.path
            yield from self._walk(task_id)
