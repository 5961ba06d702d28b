"""
What a what-if starts from, and what a worker is handed to try one side of it.

What is sent to the copy is what a decision would have sent: the same answer, built by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from interlock.core.errors import InvalidInput, NotFound
from interlock.core.model import approval_rules, payloads, rewinding, what_ifs
from interlock.core.model.approvals import STANDING, Approval, ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.delivery import Delivery
from interlock.core.model.history import Fork, WhatIf, WhatIfSide
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.retracing import find_runs_after
from interlock.core.model.rewinding import RewindVerb, Situation
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import CheckpointEntry, Thread
from interlock.core.model.trials import Reply, Trial
from interlock.core.model.what_ifs import Treatment, find_runnable, read_stand_ins
from interlock.core.model.workflows import Workflow
from interlock.core.queue.port import Job
from interlock.core.services import forking, staging
from interlock.core.services.context import App
from interlock.core.services.finding import find_card
from interlock.core.store import engine, runs, threads, topics, workflows
from interlock.core.store import what_ifs as stored
from interlock.core.types import CheckpointId, Json, RunId, ThreadId

TOPIC = "what_ifs"
_SERVED = frozenset({NodeStatus.OK, NodeStatus.CACHED})


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What a what-if starts from: a point of a thread, and the card that was asked there, if one is meant."""

    thread: Thread
    workflow: Workflow | None
    point: CheckpointEntry
    card: Approval | None
    situation: Situation

    @property
    def is_waiting(self) -> bool:
        """Whether the card still waits, so that the thread stands where it is asked."""
        return self.card is not None and self.card.status is ApprovalStatus.PENDING


def find_grounds(
    conn: Connection, approval_id: str | None, thread_id: str | None, checkpoint_id: str | None
) -> Grounds:
    """
    Read where a what-if starts: at a card, or else at a point of a thread.

    Raises:
        NotFound: No such card, thread or point.
    """
    card = find_card(conn, approval_id) if approval_id is not None else None
    wanted = ThreadId(card.thread_id if card is not None else thread_id or "")
    thread = threads.fetch(conn, wanted)
    if thread is None:
        raise NotFound("thread", wanted)
    at = CheckpointId(card.checkpoint_id if card is not None else checkpoint_id or "")
    situation = staging.read_situation(conn, wanted, at)
    point = situation.tree.entries.get(at)
    if point is None:
        raise NotFound("checkpoint", at, hint="`interlock history` lists those of a thread.")
    return Grounds(
        thread=thread,
        workflow=workflows.fetch(conn, thread.workflow),
        point=point,
        card=card,
        situation=situation,
    )


def require_possible(grounds: Grounds) -> None:
    """
    See that something can be tried there at all.

    Raises:
        InvalidInput: The graph is not known, or nothing is due.
    """
    if not grounds.situation.is_graph_known:
        raise InvalidInput(
            "The thread can be read only: its graph is not loaded here.",
            hint=grounds.thread.trouble or "",
        )
    card = grounds.card
    if card is not None and card.kind in STANDING and not grounds.is_waiting:
        raise InvalidInput(
            "What was decided here was how to go on, and no question of the graph's.",
            hint="Try the point itself, without the card.",
        )
    if card is None and rewinding.is_end(grounds.situation.tree, grounds.point):
        raise InvalidInput("The thread had ended here, so there is nothing to try.")


def treatments_of(grounds: Grounds) -> dict[str, Treatment]:
    """What becomes of each node of the workflow on a copy."""
    situation = grounds.situation
    return what_ifs.treat(situation.nodes, situation.side_effects, graphs=situation.subgraphs)


def must_run(grounds: Grounds) -> bool:
    """Whether the node that asks has to run for an answer to be heard; a breakpoint asks by itself."""
    return grounds.card is not None and grounds.card.kind not in STANDING


def answer_of(conn: Connection, card: Approval, intent: Intent) -> Json:
    """
    What a decision would send.

    Raises:
        InvalidInput: The answer does not fit what is asked, or cannot be tried.
    """
    if intent.verb is Verb.FALLBACK:
        raise InvalidInput("A fallback cannot be tried: no policy holds on a copy.")
    answers = approval_rules.answers_of(card, workflows.fetch_policy(conn, card.workflow))
    return payloads.build_answer(replace(payloads.question_of(card), answers=answers), intent)


def list_recorded(grounds: Grounds) -> dict[str, list[str]]:
    """The tasks that ended well after the point the last time, by path of their node, oldest first."""
    if grounds.is_waiting:
        return {}
    found: dict[str, list[str]] = {}
    after = find_runs_after(
        grounds.situation.tree, grounds.point.checkpoint_id, grounds.situation.node_runs
    )
    for run in sorted(after, key=lambda r: (r.started_at, r.task_id)):
        if run.status in _SERVED:
            tasks = found.setdefault(run.path, [])
            if run.task_id not in tasks:
                tasks.append(run.task_id)
    return found


def read_intent(stored_intent: Mapping[str, Json]) -> Intent:
    """An intent as a side keeps it."""
    verb, each = stored_intent.get("verb"), stored_intent.get("each")
    return Intent(
        verb=Verb(verb) if verb else None,
        value=stored_intent.get("value"),
        each=tuple(each) if each is not None else None,
        reason=stored_intent.get("reason") or "",
    )


def begin(app: App, what_if_id: str, side: str) -> Trial:
    """
    Take up one side of a what-if; it is under way from here on.

    Raises:
        NotFound: It was deleted since.
        InvalidInput: It does not fit any more.
    """
    with engine.write(app.engine) as conn:
        found = stored.fetch(conn, what_if_id)
        if found is None:
            raise NotFound("what-if", what_if_id)
        chosen = next(each for each in found.sides if each.side == side)
        stored.start_side(conn, what_if_id, side)
        topics.bump(conn, TOPIC)
    with engine.read(app.engine) as conn:
        grounds = find_grounds(conn, found.approval_id, found.thread_id, found.checkpoint_id)
        return _make_trial(conn, app, found, chosen, grounds)


def end(app: App, job: Job, what_if_id: str, side: str, outcome: Mapping[str, Any]) -> None:
    """Keep what a side came to, and close its job, together."""
    with engine.write(app.engine) as conn:
        stored.end_side(conn, what_if_id, side, {**outcome, "ended_at": app.clock.now()})
        app.queue.finish(conn, job.job_id)
        topics.bump(conn, TOPIC)


def _make_trial(
    conn: Connection,
    app: App,
    what_if: WhatIf,
    side: WhatIfSide,
    grounds: Grounds,
) -> Trial:
    treatments = treatments_of(grounds)
    given = read_stand_ins(side.stand_ins, treatments)
    runnable = find_runnable(treatments, given)
    sandbox_id = what_ifs.sandbox_of(what_if.what_if_id, side.side)
    card = grounds.card
    delivery = _make_rerun(app, what_if, sandbox_id)
    verb: Mapping[str, Json] | None = None
    replies: tuple[Reply, ...] = ()
    if card is not None:
        intent = read_intent(side.intent)
        answer = answer_of(conn, card, intent)
        if not grounds.is_waiting:
            replies = _plan_replies(conn, card, answer)
        else:
            delivery, verb = _make_delivery(card, intent, answer, RunId(sandbox_id))
    asked = forking.fetch_asked_at(conn, grounds.thread.thread_id, grounds.point.checkpoint_id)
    recorded = list_recorded(grounds)
    return Trial(
        run=_make_run(conn, app, grounds, sandbox_id, delivery.kind),
        original_id=grounds.thread.thread_id,
        checkpoint_id=grounds.point.checkpoint_id,
        delivery=delivery,
        verb=verb,
        askers=frozenset(each.namespace for each in asked if each.namespace),
        replies=replies,
        runs=runnable,
        given=given,
        recorded={path: tasks for path, tasks in recorded.items() if path not in runnable},
    )


def _make_delivery(
    card: Approval, intent: Intent, answer: Json, run_id: RunId
) -> tuple[Delivery, Mapping[str, Json] | None]:
    """What the run that a decision queues would be handed."""
    is_standing = card.kind in STANDING
    is_retry = card.kind is Kind.FAILURE and intent.verb is Verb.APPROVE
    is_verb = is_standing and not is_retry
    delivery = Delivery(
        kind=RunKind.PROCEED if is_verb else RunKind.RESUME,
        is_first=not is_retry,
        is_retry=is_retry,
        own_run_ids=frozenset({run_id}),
        answers={} if is_standing or card.interrupt_id is None else {card.interrupt_id: answer},
        card_checkpoint_id=card.checkpoint_id if is_verb else None,
        is_after_failure=is_verb and card.kind is Kind.FAILURE,
        head=None,
    )
    if not is_verb:
        return delivery, None
    kept = card.payload if card.kind is Kind.FAILURE else {}
    return delivery, {**answer, "skips": kept.get("skips"), "node": kept.get("node")}


def _make_rerun(app: App, what_if: WhatIf, sandbox_id: ThreadId) -> Delivery:
    """The copy's head is the point, and it goes on from there."""
    run_id = RunId(sandbox_id)
    return Delivery(
        kind=RunKind.REWIND,
        is_first=True,
        is_retry=False,
        own_run_ids=frozenset({run_id}),
        answers={},
        card_checkpoint_id=None,
        head=None,
        fork=Fork(
            fork_id=what_if.what_if_id,
            thread_id=sandbox_id,
            run_id=run_id,
            verb=RewindVerb.RERUN,
            target_id=what_if.checkpoint_id,
            left_id=what_if.checkpoint_id,
            actor=what_if.created_by,
            reason="",
            created_at=app.clock.now(),
        ),
    )


def _plan_replies(conn: Connection, card: Approval, answer: Json) -> tuple[Reply, ...]:
    """The new answer for the card's question, and for those beside it what was answered then."""
    found: list[Reply] = []
    seen: list[Approval] = []
    for asked in forking.fetch_asked_at(conn, card.thread_id, CheckpointId(card.checkpoint_id)):
        nth = sum(1 for other in seen if forking.asks_the_same(other, asked.node, asked.payload))
        seen.append(asked)
        if asked.approval_id == card.approval_id:
            sent = answer
        elif (decision := forking.newest_decision(conn, asked)) is not None:
            sent = decision.answer
        else:
            continue
        found.append(Reply(node=asked.node, payload=asked.payload, nth=nth, answer=sent))
    return tuple(found)


def _make_run(
    conn: Connection, app: App, grounds: Grounds, sandbox_id: ThreadId, kind: RunKind
) -> Run:
    """A run like the last of the thread, for the copy; it is in no table."""
    held = runs.find_open_or_held(conn, grounds.thread.thread_id)
    last_id = grounds.thread.last_run_id
    last = held[-1] if held else runs.fetch(conn, last_id) if last_id is not None else None
    now = app.clock.now()
    return Run(
        run_id=RunId(sandbox_id),
        thread_id=sandbox_id,
        workflow=grounds.thread.workflow,
        kind=kind,
        status=RunStatus.RUNNING,
        input=None,
        context=last.context if last is not None else None,
        options=last.options if last is not None else RunOptions(),
        priority=0,
        created_at=now,
        created_by="",
        started_at=now,
        deliveries=1,
        variant=last.variant if last is not None else "",
    )
