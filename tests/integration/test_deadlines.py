"""Deadlines that a real worker process carries out; no web process is there at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import update

from interlock.core.services import observing
from interlock.core.store.engine import write
from interlock.core.store.schema import approvals


def due_in(desk, card, **span):
    """Let something be due for a card; as if its policy had said so when it was asked."""
    at = desk.app.clock.now() + timedelta(**span)
    with write(desk.app.engine) as conn:
        conn.execute(
            update(approvals)
            .where(approvals.c.approval_id == card.approval_id)
            .values(deadline_at=at, due_at=at, on_timeout="reject")
        )
    return replace(card, deadline_at=at)


def test_a_deadline_passes_in_a_workers_death_and_is_carried_out_once_by_the_next(desk, wait_until):
    first, second = desk.open_book(), desk.open_book()
    worker = desk.spawn()
    late, soon = desk.launch("one", first), desk.launch("one", second)
    cards = [desk.card(desk.wait(run)) for run in (late, soon)]
    worker.kill()
    overdue = due_in(desk, cards[0], seconds=-1)
    desk.spawn()

    wait_until(lambda: not desk.cards(late), "the decision after the death")
    ahead = due_in(desk, cards[1], seconds=0.5)
    wait_until(lambda: not desk.cards(soon), "the decision on time")

    for run, card, book in ((late, overdue, first), (soon, ahead, second)):
        [decision] = observing.get_card(desk.app, card.approval_id).decisions
        assert (decision.actor, decision.by_deadline) == ("deadline", True)
        assert decision.decided_at >= card.deadline_at
        ended = desk.wait(decision.run_id)
        assert (ended.status, ended.thread_id) == ("done", run.thread_id)
        assert desk.values(ended)["answers"] == ["before", False, "after"]
        assert book.count("after") == 1
