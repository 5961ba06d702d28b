"""
What would happen if a thread were set back: told beforehand from what the database knows.

Nothing is written here. What confirms a staged change reads the same again under the thread's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from interlock.core.errors import NotFound, NoWorker, StoreUnavailable
from interlock.core.model import branching, rewind_checks, rewind_words, rewinding
from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary, Decision
from interlock.core.model.diffing import StateDiff
from interlock.core.model.history import PointFilter
from interlock.core.model.nodes import NodeRun
from interlock.core.model.rewind_checks import Problem
from interlock.core.model.rewinding import Intention, PastDecision, Preview, Situation
from interlock.core.model.workflows import Workflow
from interlock.core.services import completing, history
from interlock.core.services.context import App
from interlock.core.store import approvals, decisions, engine, nodes, runs, threads, workflows
from interlock.core.store import history as points
from interlock.core.types import CheckpointId, Json, ThreadId

MOST_POINTS = 10_000  # of one thread, the newest
MOST_NODES = 20_000  # attempts after the point, the newest
MOST_CARDS = 1000
WHERE_THREADS_ARE = "`interlock runs` names them."
BEGINNING = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, kw_only=True)
class Staged:
    """
    A change that somebody thinks of, and what is known of it; `head_id` is what it was told from.

    Where there are `problems` it cannot be carried out; `warnings` and `consequences` are sentences.
    """

    intention: Intention
    preview: Preview
    head_id: CheckpointId | None
    problems: tuple[Problem, ...]
    certain: str
    warnings: tuple[str, ...]
    consequences: tuple[str, ...]


def stage(
    app: App,
    thread_id: str,
    intention: Intention,
    *,
    with_difference: bool = False,
    wait_s: float = 10.0,
) -> Staged:
    """
    Tell what an intention would do to a thread, whether or not it is possible.

    Args:
        app: The parts.
        thread_id: The thread.
        intention: What is wanted.
        with_difference: Compare the point's state with the head's, too; a worker may have to read
            them. Without one the rest is told.
        wait_s: How long to wait for that.

    Raises:
        NotFound: No such thread.
    """
    missing = completing.complete(app, thread_id, wait_s=wait_s)
    with engine.read(app.engine) as conn:
        situation = read_situation(conn, ThreadId(thread_id), intention.checkpoint_id)
    difference = _compare(app, situation, intention, wait_s) if with_difference else None
    staged = judge(situation, intention, difference=difference)
    return replace(staged, warnings=(missing, *staged.warnings)) if missing else staged


def judge(
    situation: Situation, intention: Intention, *, difference: StateDiff | None = None
) -> Staged:
    """Put together what the rules say of an intention."""
    preview = rewinding.preview(situation, intention, difference=difference)
    return Staged(
        intention=intention,
        preview=preview,
        head_id=situation.tree.head_id,
        problems=rewind_checks.find_problems(situation, intention),
        certain=rewind_words.say_certain(preview),
        warnings=rewind_words.say_warnings(preview),
        consequences=rewind_words.say_consequences(preview),
    )


def read_situation(
    conn: Connection, thread_id: ThreadId, checkpoint_id: CheckpointId | None = None
) -> Situation:
    """
    Read where a thread stands and what is known of it.

    Args:
        conn: A transaction; that of a change has locked the thread.
        thread_id: The thread.
        checkpoint_id: Of attempts of nodes only those after this point are read.

    Raises:
        NotFound: No such thread.
    """
    thread = threads.fetch(conn, thread_id)
    if thread is None:
        raise NotFound("thread", thread_id, hint=WHERE_THREADS_ARE)
    workflow = workflows.fetch(conn, thread.workflow)
    rows = points.fetch_points(conn, thread_id, PointFilter(), limit=MOST_POINTS)
    since = next((p.created_at for p in rows if p.checkpoint_id == checkpoint_id), BEGINNING)
    cards = approvals.fetch_summaries(
        conn, statuses=(), thread_id=thread_id, limit=MOST_CARDS, newest_first=True
    )
    taken = decisions.fetch_for_thread(conn, thread_id, limit=MOST_CARDS)
    open_runs = [r for r in runs.find_open_or_held(conn, thread_id) if r.is_open]
    known = workflow.nodes if workflow is not None else ()
    policy = workflow.policy if workflow is not None else None
    subgraphs = _find_drawn(workflow, "kind", value="subgraph")
    return Situation(
        thread_id=thread_id,
        tree=branching.grow(rows),
        node_runs=_fetch_attempts(conn, thread_id, since),
        decisions=_pair(taken, cards),
        pending=[card for card in cards if card.status is ApprovalStatus.PENDING],
        side_effects=rewinding.effects_of(policy, known, graphs=subgraphs),
        nodes=known,
        subgraphs=subgraphs,
        remembering=_find_drawn(workflow, "remembers", value=True),
        cached=_find_cached(workflow),
        open_run_id=open_runs[0].run_id if open_runs else None,
        is_graph_known=workflow is not None and workflow.error is None and thread.trouble is None,
    )


def _find_drawn(workflow: Workflow | None, key: str, *, value: Json) -> list[str]:
    """The nodes of which the drawing says this."""
    drawn = workflow.graph.get("nodes", ()) if workflow is not None else ()
    return [node["id"] for node in drawn if node.get(key) == value]


def _find_cached(workflow: Workflow | None) -> frozenset[str]:
    """The nodes with a cache, of the graph's own or by a policy."""
    if workflow is None:
        return frozenset()
    own = _find_drawn(workflow, "has_cache", value=True)
    return rewinding.cached_of(workflow.policy, workflow.nodes) | frozenset(own)


def _fetch_attempts(conn: Connection, thread_id: ThreadId, since: datetime) -> list[NodeRun]:
    return nodes.fetch_for_thread(conn, thread_id, since=since, limit=MOST_NODES)


def _pair(taken: Sequence[Decision], cards: Sequence[ApprovalSummary]) -> list[PastDecision]:
    """Decisions with their cards; what the graph refused was not decided."""
    by_id = {card.approval_id: card for card in cards}
    return [
        PastDecision(
            approval_id=decision.approval_id,
            checkpoint_id=card.checkpoint_id,
            node=card.node,
            title=card.title,
            verb=str(decision.verb),
            actor=decision.actor,
            decided_at=decision.decided_at,
            by_deadline=decision.by_deadline,
        )
        for decision in taken
        if decision.refused is None and (card := by_id.get(decision.approval_id)) is not None
    ]


def _compare(
    app: App, situation: Situation, intention: Intention, wait_s: float
) -> StateDiff | None:
    head_id, point = situation.tree.head_id, intention.checkpoint_id
    if head_id is None or point not in situation.tree.entries:
        return None
    try:
        return history.compare(app, situation.thread_id, head_id, point, wait_s=wait_s).diff
    except (NoWorker, StoreUnavailable):
        return None
