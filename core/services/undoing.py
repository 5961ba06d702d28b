"""What is asked again because a rewind came to nothing: it was refused, failed or was cancelled first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.model.approvals import STANDING, Approval, ApprovalStatus
from interlock.core.model.history import Fork
from interlock.core.model.runs import Run, RunKind, RunStatus
from interlock.core.store import approvals, forks, runs, threads
from interlock.core.types import ApprovalId, CheckpointId


def put_back(conn: Connection, run: Run, *, head: CheckpointId | None, now: datetime) -> bool:
    """
    Let a thread wait again as it did before a rewind that has written nothing.

    The cards that the rewind superseded are asked anew, as their next version, and the run that
    held the thread holds it again; else nobody would be asked, and a launch would end the question
    (law 2).

    Args:
        conn: The transaction that also ends the run.
        run: The run that ended, of whatever kind.
        head: Where its worker found the thread in the end; None if no worker has begun with it.
        now: When.

    Returns:
        False if it was no rewind, if it has written, or if it superseded no card.
    """
    fork = forks.fetch_for_run(conn, run.run_id) if run.kind is RunKind.REWIND else None
    if fork is None or head not in (None, fork.left_id):
        return False
    cards = _find_superseded(conn, fork)
    for card in cards:
        again = replace(card, asked_at=now)
        approvals.reopen(conn, card.approval_id, version_from=card.version, approval=again)
    if not cards:
        return False
    is_standing = any(card.kind in STANDING for card in cards)
    held = RunStatus.PAUSED if is_standing else RunStatus.WAITING
    before = run.previous_run_id
    if before is not None and runs.move(conn, before, from_={RunStatus.CONTINUED}, to=held):
        threads.touch(conn, run.thread_id, last_run_id=before, now=now)
    return True


def _find_superseded(conn: Connection, fork: Fork) -> list[Approval]:
    told = fork.preview if isinstance(fork.preview, dict) else {}
    found = [approvals.fetch(conn, ApprovalId(str(each))) for each in told.get("superseded", ())]
    return [
        card
        for card in found
        if card is not None
        and card.status is ApprovalStatus.SUPERSEDED
        and card.closed_at == fork.created_at
    ]
