"""
Steps of a run that is played on a simulated clock: the same transactions as of one that runs.

Only the graph is missing: whoever plays makes up what its nodes did.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.core.model import approval_rules, payloads
from interlock.core.model.approvals import Intent
from interlock.core.model.people import Permission
from interlock.core.model.runs import Run
from interlock.core.services import deciding, demonstrating, launching, recording
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.services.permitting import command
from interlock.core.services.recording import Batch
from interlock.core.store import approvals, audit, engine, workflows
from interlock.core.types import ThreadId


@command(Permission.ADMINISTER)
def launch(app: App, request: Launch, *, actor: str, variant: str = "") -> Run:
    """Start a run on a new thread, whose input is right by whoever made it up."""
    made = launching.make_run(request, actor=actor, now=app.clock.now())
    run = replace(made, variant=variant)
    with engine.write(app.engine) as conn:
        launching.add(conn, app, run)
        demonstrating.add_played(conn, [run.thread_id])
        audit.append(
            conn,
            at=run.created_at,
            actor=actor,
            action="launch",
            object_=f"run:{run.run_id}",
            after={"workflow": run.workflow, "thread_id": run.thread_id},
        )
    return run


@command(Permission.ADMINISTER)
def end_and_decide(
    app: App, batch: Batch, intent: Intent, *, later: App, thread_id: ThreadId, actor: str
) -> None:
    """
    Write how a run came to ask, and what was decided, at once: nobody else is to see its card wait.

    Args:
        app: The parts, at the time of the end.
        batch: What the run did, and its end.
        intent: The decision.
        later: The parts, at the time of the decision.
        thread_id: The run's.
        actor: Who decides.
    """
    with engine.write(app.engine) as conn:
        recording.record_in(app, conn, batch)
        (card,) = approvals.fetch_many(conn, thread_id=thread_id, limit=1)
        rules = approval_rules.answers_of(card, workflows.fetch_policy(conn, card.workflow))
        question = replace(payloads.question_of(card), answers=rules)
        answer = payloads.build_answer(question, intent)
        decided = deciding.decide_in(later, conn, card, question, intent, answer, actor=actor)
        deciding.tell(conn, decided)
