"""Which of the waiting jobs come first, when there is not room for all: fair shares, no I/O."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.core.queue.port import Serves


@dataclass(frozen=True)
class Waiting:
    """A job that could be taken; `age` sorts the older one first, `ref` is whatever the queue knows it by."""

    workflow: str
    priority: int
    age: Any
    ref: Any
    is_run: bool = True


def choose(
    waiting: Iterable[Waiting], *, running: Mapping[str, int], serves: Serves, limit: int
) -> list[Waiting]:
    """
    The jobs to take, in the order in which to take them.

    Args:
        waiting: What could be taken, of each workflow in the order in which it would take them.
        running: How many runs of each workflow are carried already.
        serves: Whose the workflows are, and their shares.
        limit: How many to take at most.

    Returns:
        The highest priority first. Of the same, that of the tenant with the fewest runs, then of the
        workflow with the fewest for its share, then the oldest; what is taken counts for the next. What
        is no run belongs to no share: it comes when all runs that waited before it have been taken.
    """
    lanes: defaultdict[str, deque[Waiting]] = defaultdict(deque)
    others: list[Waiting] = []
    for each in waiting:
        if each.is_run:
            lanes[each.workflow].append(each)
        else:
            others.append(each)
    chores = deque(sorted(others, key=_in_turn))
    of_workflow = Counter(running)
    of_tenant: Counter[str] = Counter()
    for workflow, count in running.items():
        of_tenant[serves.tenants.get(workflow, "")] += count

    def rank(workflow: str) -> tuple[Any, ...]:
        first = lanes[workflow][0]
        share = max(1, serves.shares.get(workflow, 1))
        tenant = serves.tenants.get(workflow, "")
        return -first.priority, of_tenant[tenant], of_workflow[workflow] / share, first.age

    taken: list[Waiting] = []
    while (lanes or chores) and len(taken) < limit:
        oldest = min((lane[0] for lane in lanes.values()), key=_in_turn, default=None)
        if chores and (oldest is None or _in_turn(chores[0]) < _in_turn(oldest)):
            taken.append(chores.popleft())
            continue
        workflow = min(lanes, key=rank)
        taken.append(lanes[workflow].popleft())
        of_workflow[workflow] += 1
        of_tenant[serves.tenants.get(workflow, "")] += 1
        if not lanes[workflow]:
            del lanes[workflow]
    return taken


def _in_turn(each: Waiting) -> tuple[Any, ...]:
    return -each.priority, each.age
