"""
The past of a thread that comes from a file: its runs, cards, decisions and forks, into our tables.

They are shown as ours are, and count in no figure, as nothing of it happened here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.errors import Conflict, InterlockError, InvalidInput
from interlock.core.model.approvals import ApprovalStatus, Kind, Verb
from interlock.core.model.runs import HELD, OPEN, Run, RunStatus
from interlock.core.model.spans import EPOCH, HOUR, MINUTE, floor
from interlock.core.services import figuring, transfer_files
from interlock.core.services.context import App
from interlock.core.services.transfer_files import Row
from interlock.core.store import (
    approvals,
    decisions,
    dialect,
    forks,
    pruning,
    raw_figures,
    rollups,
    runs,
    transferring,
)
from interlock.core.store.dialect import Lock
from interlock.core.types import Json, RunId, ThreadId


def add(app: App, conn: Connection, data: bytes, thread_id: ThreadId) -> Run | None:
    """
    Add the runs, cards, decisions and forks of a file; the newest of the runs.

    Where one is here already the thread is here under another id, or was, and its past stays there.
    """
    past = [row for row in transfer_files.read_rows(data) if row.table in transferring.RECORDS]
    if not past or _is_any_known(conn, past):
        return None
    _keep_figures(app, conn, past)
    try:
        skipped: set[Json] = set()
        for row in past:
            if row.table == "approvals" and row.values["status"] == ApprovalStatus.PENDING.value:
                skipped.add(row.values["approval_id"])
                continue  # asked anew, by the run that stands there
            if row.table == "decisions" and row.values["approval_id"] in skipped:
                continue  # of a card that was asked again: its answer was refused
            transferring.insert(conn, row.table, _make_own(row, thread_id))
        return _read_back(conn, past)
    except InterlockError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise InvalidInput(f"The past in the file cannot be read: {exc!r}.") from exc


def _make_own(row: Row, thread_id: ThreadId) -> dict[str, Json]:
    values = dict(row.values)
    if "thread_id" in values:
        values["thread_id"] = thread_id
    if row.table == "runs":
        status = RunStatus(values["status"])
        if status in OPEN:
            raise InvalidInput("A run in the file is queued or running.")
        values["status"] = (RunStatus.CONTINUED if status in HELD else status).value
        values["batch_id"] = None
    return values


def _read_back(conn: Connection, past: Sequence[Row]) -> Run | None:
    """Read each record as the screens will; what they would stumble over is found here."""
    own: dict[str, list[str]] = {name: [] for name in transferring.RECORDS}
    for row in past:
        own[row.table].append(
            str(row.values[next(iter(transferring.RECORDS[row.table].primary_key)).name])
        )
    found = runs.fetch_by_ids(conn, [RunId(run_id) for run_id in own["runs"]])
    for row in past:
        if row.table == "approvals":
            approval = approvals.fetch(conn, row.values["approval_id"])
            Kind(row.values["kind"])
            if approval is not None:
                decisions.fetch_for_approval(conn, approval.approval_id)
        elif row.table == "decisions":
            Verb(row.values["verb"])
        elif row.table == "forks":
            forks.fetch_for_run(conn, row.values["run_id"])
    return max(found.values(), key=lambda run: (run.created_at, run.run_id), default=None)


def _is_any_known(conn: Connection, past: Sequence[Row]) -> bool:
    for name, table in transferring.RECORDS.items():
        key = next(iter(table.primary_key)).name
        ids = [str(row.values[key]) for row in past if row.table == name]
        if transferring.is_any_known(conn, table, ids):
            return True
    return False


def _keep_figures(app: App, conn: Connection, past: Sequence[Row]) -> None:
    """
    Let what happened elsewhere not count here: its minutes are behind what is counted.

    Raises:
        Conflict: They are not yet; they will be in a few minutes.
    """
    moments = {
        datetime.fromisoformat(value)
        for row in past
        for name in ("created_at", "ended_at", "asked_at", "decided_at")
        if (value := row.values.get(name)) is not None
    }
    dialect.lock_all(conn, Lock.FIGURES)
    until = rollups.rolled_until(conn)
    settled = floor(app.clock.now() - figuring.SETTLED, MINUTE)
    is_idle = raw_figures.find_first(conn, after=until or EPOCH) is None
    if is_idle and (until is None or until < settled):
        rollups.mark_until(conn, settled)
        until = settled
    if until is None or max(moments) >= until:
        raise Conflict(
            "The thread moved so lately that its past would count in the figures made here.",
            hint="Take it in again in two minutes.",
        )
    pruning.mark_in_parts(conn, {floor(moment, HOUR) for moment in moments})
