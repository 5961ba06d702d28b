"""All that is known of a thread, in the order in which it happened: for whoever finds out what went wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ledger import read_journal, read_told
from stage import Database

MOST = 20  # threads
_IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # of a card or a run
_THREADS = re.compile(r"\bt\d{5}\b")

_SOURCES = {
    "run": """
        SELECT created_at AS at, run_id, kind, status, started_at, ended_at, deliveries, error_type,
            previous_run_id, end_checkpoint_id FROM runs WHERE thread_id = %s
    """,
    "card": """
        SELECT asked_at AS at, approval_id, interrupt_id, node, namespace, checkpoint_id, run_id,
            status, version, closed_at FROM approvals WHERE thread_id = %s
    """,
    "decision": """
        SELECT d.decided_at AS at, d.approval_id, d.version, d.actor, d.answer, d.run_id, d.refused
        FROM decisions d JOIN approvals a ON a.approval_id = d.approval_id WHERE a.thread_id = %s
    """,
    "node": """
        SELECT started_at AS at, run_id, delivery, task_id, attempt, path, status, is_final, ended_at
        FROM node_runs WHERE thread_id = %s
    """,
    "event": """
        SELECT e.at, e.run_id, e.seq, e.kind, e.path FROM run_events e
        JOIN runs r ON r.run_id = e.run_id WHERE r.thread_id = %s
    """,
    "checkpoint": """
        SELECT pg_xact_commit_timestamp(xmin) AS at, checkpoint_ns, checkpoint_id,
            parent_checkpoint_id, metadata FROM checkpoints WHERE thread_id = %s
    """,
    "write": """
        SELECT pg_xact_commit_timestamp(xmin) AS at, checkpoint_ns, checkpoint_id, task_id,
            task_path, idx, channel FROM checkpoint_writes WHERE thread_id = %s
    """,
    "job": """
        SELECT created_at AS at, job_id, status, claimed_by, deliveries, progress FROM jobs
        WHERE lock = %s
    """,
}


def keep(database: Database, folder: Path, losses: Iterable[str]) -> None:
    """Write what is known of the threads that losses name, a file each."""
    kept = folder / "losses"
    kept.mkdir(exist_ok=True)
    for thread_id in sorted(set(_find_threads(database, losses)))[:MOST]:
        lines = sorted(_tell(database, folder, thread_id))
        (kept / f"{thread_id}.txt").write_text("\n".join(lines) + "\n")


def _find_threads(database: Database, losses: Iterable[str]) -> Iterator[str]:
    for loss in losses:
        yield from _THREADS.findall(loss)
        for found in _IDS.findall(loss):
            rows = database.ask(
                "SELECT thread_id FROM approvals WHERE approval_id = %(id)s"
                " UNION SELECT thread_id FROM runs WHERE run_id = %(id)s",
                {"id": found},
            )
            yield from (row["thread_id"] for row in rows)


def _tell(database: Database, folder: Path, thread_id: str) -> Iterator[str]:
    for kind, query in _SOURCES.items():
        for row in database.ask(query, (thread_id,)):
            at = row.pop("at")
            yield f"{_shown(at)} {kind} {json.dumps(row, default=str)}"
    for line in read_journal(folder / "journal"):
        if line.thread_id == thread_id:
            at = datetime.fromtimestamp(line.at, UTC)
            told = f"{line.phase} {line.place} in {line.pid} {line.value or ''}"
            yield f"{_shown(at)} did {told} {line.task_id} {line.checkpoint_id}"
    for entry in read_told(folder):
        if entry["thread_id"] == thread_id:
            yield f"{_shown(datetime.fromtimestamp(entry['at'], UTC))} told {json.dumps(entry)}"


def _shown(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at is not None else "-"
