"""One side of a what-if as a worker tries it: what is sent to a copy, and what stands in there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from interlock.core.model.delivery import Delivery
from interlock.core.model.runs import Run
from interlock.core.model.what_ifs import StandIn
from interlock.core.types import CheckpointId, Json, ThreadId


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer for a question that is asked anew: of a node, with this payload, the nth such."""

    node: str
    payload: Json
    nth: int
    answer: Json


@dataclass(frozen=True, kw_only=True)
class Trial:
    """
    One side of a what-if.

    `run` is the run that would carry it out, with the copy's thread id; it is in no table. `delivery`
    is what it would be handed, `replies` answers what is asked anew. `runs` are paths of the nodes
    that may run, `given` what an operator says of nodes, `recorded` the ids of the tasks of the
    original after the point, by path of their node, in order.
    """

    run: Run
    original_id: ThreadId
    checkpoint_id: CheckpointId
    delivery: Delivery
    verb: Mapping[str, Json] | None = None
    askers: frozenset[str] = frozenset()
    replies: tuple[Reply, ...] = ()
    runs: frozenset[str] = frozenset()
    given: Mapping[str, StandIn] = field(default_factory=dict)
    recorded: Mapping[str, Sequence[str]] = field(default_factory=dict)
