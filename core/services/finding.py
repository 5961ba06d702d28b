"""One run or card by its id, or the error that says where ids are listed."""

from __future__ import annotations

from sqlalchemy import Connection

from interlock.core.errors import Conflict, NotFound
from interlock.core.model.approvals import Approval
from interlock.core.model.runs import Run
from interlock.core.model.threads import Thread
from interlock.core.store import approvals, runs
from interlock.core.types import ApprovalId, RunId

WHERE_CARDS_ARE = "`interlock inbox` lists the pending ones."


def find_run(conn: Connection, run_id: str) -> Run:
    """
    The run of this id.

    Raises:
        NotFound: There is none.
    """
    run = runs.fetch(conn, RunId(run_id))
    if run is None:
        raise NotFound("run", run_id, hint="`interlock runs` lists them.")
    return run


def find_card(conn: Connection, approval_id: str) -> Approval:
    """
    The card of this id.

    Raises:
        NotFound: There is none.
    """
    approval = approvals.fetch(conn, ApprovalId(approval_id))
    if approval is None:
        raise NotFound("card", approval_id, hint=WHERE_CARDS_ARE)
    return approval


def require_sound(thread: Thread | None) -> None:
    """
    Nothing is begun with a thread that can be read only.

    Raises:
        Conflict: It is one; the message says why.
    """
    if thread is not None and thread.trouble is not None:
        raise Conflict(f"Thread {thread.thread_id} can be read only: {thread.trouble}")
