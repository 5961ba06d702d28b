"""What a what-if could be made of: the question, and what becomes of each node on a copy."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.errors import InvalidInput
from interlock.core.model.approvals import Approval
from interlock.core.model.threads import CheckpointEntry
from interlock.core.model.what_ifs import Treatment
from interlock.core.services import forking, trying
from interlock.core.services.context import App
from interlock.core.store import engine
from interlock.core.types import CheckpointId, ThreadId


@dataclass(frozen=True, kw_only=True)
class NodePlan:
    """
    One node on a copy.

    `recorded_count` are its tasks after the point whose results can stand in; `asks`: it is the one
    that takes the answer, so an answer makes a difference only if it runs.
    """

    path: str
    treatment: Treatment
    recorded_count: int
    asks: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What can be tried: at a card, or at a point where nothing is asked; `problem` says why nothing can."""

    thread_id: ThreadId
    workflow: str
    point: CheckpointEntry
    card: Approval | None
    is_waiting: bool
    nodes: tuple[NodePlan, ...]
    problem: str


def prepare(
    app: App,
    *,
    approval_id: str | None = None,
    thread_id: str | None = None,
    checkpoint_id: str | None = None,
) -> Plan:
    """
    Tell what could be tried at a card, or at a point of a thread; nothing is written.

    A point at which a question was asked is that of its newest card.

    Raises:
        NotFound: No such card, thread or point.
    """
    with engine.read(app.engine) as conn:
        if approval_id is None and thread_id is not None and checkpoint_id is not None:
            asked = forking.fetch_asked_at(conn, ThreadId(thread_id), CheckpointId(checkpoint_id))
            approval_id = asked[-1].approval_id if asked else None
        grounds = trying.find_grounds(conn, approval_id, thread_id, checkpoint_id)
        problem = ""
        try:
            trying.require_possible(grounds)
        except InvalidInput as exc:
            problem = str(exc)
    recorded = trying.list_recorded(grounds)
    asker = grounds.card.node if grounds.card is not None and trying.must_run(grounds) else None
    return Plan(
        thread_id=grounds.thread.thread_id,
        workflow=grounds.thread.workflow,
        point=grounds.point,
        card=grounds.card,
        is_waiting=grounds.is_waiting,
        nodes=tuple(
            NodePlan(
                path=path,
                treatment=treatment,
                recorded_count=len(recorded.get(path, ())),
                asks=path == asker,
            )
            for path, treatment in trying.treatments_of(grounds).items()
        ),
        problem=problem,
    )
