"""
Whether a database's books agree: what must hold of any, whoever filled it (DESIGN.md section 2).

`find_faults` names every row that breaks a rule. It reads the tables as they are, by SQL of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from interlock.core.store import audit

RULES = {
    "a decided card has exactly one decision of its version": """
        SELECT a.approval_id FROM approvals a
        WHERE a.status = 'decided' AND (SELECT count(*) FROM decisions d
            WHERE d.approval_id = a.approval_id AND d.version = a.version AND d.refused IS NULL) <> 1
    """,
    "a card that waits is asked by a run that holds": """
        SELECT a.approval_id FROM approvals a JOIN runs r ON r.run_id = a.run_id
        WHERE a.status = 'pending' AND r.status NOT IN ('waiting', 'paused', 'running', 'queued')
    """,
    "a run that holds has a card": """
        SELECT r.run_id FROM runs r WHERE r.status IN ('waiting', 'paused') AND NOT EXISTS
            (SELECT 1 FROM approvals a WHERE a.thread_id = r.thread_id AND a.status = 'pending')
    """,
    "a decision is carried by a run of its thread": """
        SELECT d.decision_id FROM decisions d JOIN approvals a ON a.approval_id = d.approval_id
        WHERE NOT EXISTS
            (SELECT 1 FROM runs r WHERE r.run_id = d.run_id AND r.thread_id = a.thread_id)
    """,
    "a decision is in the audit": """
        SELECT d.decision_id FROM decisions d WHERE NOT EXISTS (SELECT 1 FROM audit e
            WHERE e.object = 'approval:' || d.approval_id AND e.actor = d.actor)
    """,
    "a launch is in the audit": """
        SELECT r.run_id FROM runs r WHERE r.kind = 'start' AND r.batch_id IS NULL AND NOT EXISTS
            (SELECT 1 FROM audit e WHERE e.action = 'launch' AND e.object = 'run:' || r.run_id)
    """,
    "a continued run was gone on from": """
        SELECT r.run_id FROM runs r WHERE r.status = 'continued' AND NOT EXISTS
            (SELECT 1 FROM runs n WHERE n.thread_id = r.thread_id AND n.previous_run_id = r.run_id)
    """,
    "a run's times are in order": """
        SELECT run_id FROM runs
        WHERE started_at < created_at OR ended_at < started_at
            OR (status IN ('done', 'failed') AND ended_at IS NULL)
    """,
    "a failed run says why": "SELECT run_id FROM runs WHERE status = 'failed' AND error IS NULL",
    "a thread has one run under way at most": """
        SELECT thread_id FROM runs WHERE status = 'running' GROUP BY thread_id HAVING count(*) > 1
    """,
    "a node's attempts have ended where its run has": """
        SELECT n.task_id FROM node_runs n JOIN runs r ON r.run_id = n.run_id
        WHERE n.status = 'running' AND r.status IN ('done', 'failed', 'cancelled', 'continued')
    """,
    "a node's times are within its run's": """
        SELECT n.task_id FROM node_runs n JOIN runs r ON r.run_id = n.run_id
        WHERE n.started_at < r.created_at OR n.ended_at < n.started_at
    """,
    "of a task's attempts the last one alone is final": """
        SELECT task_id FROM node_runs WHERE origin IS NULL AND status <> 'interrupted'
        GROUP BY run_id, delivery, task_id HAVING sum(CASE WHEN is_final THEN 1 ELSE 0 END) > 1
    """,
    "a run's events are numbered without a gap": """
        SELECT run_id FROM run_events GROUP BY run_id HAVING max(seq) <> count(*) OR min(seq) <> 1
    """,
    "a thread's head is in its index": """
        SELECT t.thread_id FROM threads t
        WHERE t.head_checkpoint_id IS NOT NULL AND t.origin <> 'simulated' AND NOT EXISTS
            (SELECT 1 FROM checkpoints_index c WHERE c.thread_id = t.thread_id
                AND c.checkpoint_id = t.head_checkpoint_id)
    """,
    "a thread that was played has no checkpoint, and says that it can only be read": """
        SELECT t.thread_id FROM threads t WHERE t.origin = 'simulated' AND (t.trouble IS NULL
            OR EXISTS (SELECT 1 FROM checkpoints_index c WHERE c.thread_id = t.thread_id))
    """,
}


def find_faults(conn: Connection) -> list[str]:
    """What is wrong, a line a rule; nothing in a database that is as it must be."""
    return list(_find(conn))


def _find(conn: Connection) -> Iterator[str]:
    for rule, query in RULES.items():
        found = conn.execute(text(query)).scalars().fetchmany(3)
        if found:
            yield f"Not so: {rule} ({', '.join(map(str, found))})"
    broken = audit.verify(conn)
    if broken is not None:
        yield f"The audit is broken at entry {broken}"
