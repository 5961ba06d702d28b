"""Whether all books agree: the app's tables, the checkpoints, the journal, and what clients were told."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import books
import effects
from effects import Evidence, Fate, Judged, Line
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg import connect
from psycopg.rows import dict_row
from stage import Database

from interlock.core.store import engine as engines

# What a thread has done when it has ended, and how often it asks.
PLACES = {
    "refund": ("prepare", "review", "charge", "notify"),
    "panel": ("split", "index", "member 0", "member 1", "member 2", "gather"),
    "interview": ("open", "interview", "close"),
    "office": ("receive", "unfold", "sign", "file", "archive"),
    "report": ("plan", "left", "middle", "right", "bind"),
}

RULES = {
    "a thread has ended or waits": """
        SELECT run_id FROM runs WHERE status NOT IN ('done', 'waiting', 'continued')
    """,
    "a thread that has ended asks nothing": """
        SELECT t.thread_id FROM threads t JOIN runs r ON r.run_id = t.last_run_id
        WHERE r.status = 'done' AND EXISTS (SELECT 1 FROM approvals a
            WHERE a.thread_id = t.thread_id AND a.status = 'pending')
    """,
    "no job is open": "SELECT job_id FROM jobs WHERE status IN ('todo', 'doing')",
    "a card is decided once": """
        SELECT approval_id FROM decisions GROUP BY approval_id HAVING count(*) > 1
    """,
    "a card is asked once": """
        SELECT thread_id || ' ' || interrupt_id FROM approvals
        GROUP BY thread_id, interrupt_id HAVING count(*) > 1 OR max(version) > 1
    """,
    "no card was withdrawn": """
        SELECT approval_id FROM approvals WHERE status NOT IN ('pending', 'decided')
    """,
    "a decision is once in the audit": """
        SELECT object FROM audit WHERE action LIKE 'decide:%'
        GROUP BY object HAVING count(*) > 1
    """,
    "a checkpoint has one child": """
        SELECT thread_id || ' ' || parent_checkpoint_id FROM checkpoints
        WHERE parent_checkpoint_id IS NOT NULL
        GROUP BY thread_id, checkpoint_ns, parent_checkpoint_id HAVING count(*) > 1
    """,
    "a thread begins once": """
        SELECT thread_id FROM checkpoints WHERE parent_checkpoint_id IS NULL
        GROUP BY thread_id, checkpoint_ns HAVING count(*) > 1
    """,
    "every checkpoint is in the index": """
        SELECT thread_id || ' ' || checkpoint_id FROM (
            SELECT thread_id, checkpoint_id FROM checkpoints WHERE checkpoint_ns = ''
            EXCEPT SELECT thread_id, checkpoint_id FROM checkpoints_index) missing
    """,
    "the index knows no other checkpoint": """
        SELECT thread_id || ' ' || checkpoint_id FROM (
            SELECT thread_id, checkpoint_id FROM checkpoints_index
            EXCEPT SELECT thread_id, checkpoint_id FROM checkpoints WHERE checkpoint_ns = '') more
    """,
    "a node that ended is in the figures": """
        SELECT w.thread_id || ' ' || w.task_id FROM (
            SELECT DISTINCT thread_id, task_id FROM checkpoint_writes
            WHERE channel NOT LIKE '\\_\\_%' AND task_path NOT LIKE '%__start__%') w
        JOIN (SELECT DISTINCT thread_id FROM node_runs) known USING (thread_id)
        LEFT JOIN node_runs n
            ON n.thread_id = w.thread_id AND n.task_id = w.task_id AND n.status = 'ok' AND n.is_final
        GROUP BY w.thread_id, w.task_id HAVING count(n.task_id) = 0
    """,
}

# When a task's work became durable: with what it wrote, or with the checkpoint that took it in.
_DURABLE = """
    SELECT w.task_id, extract(epoch FROM least(
        min(pg_xact_commit_timestamp(w.xmin)), min(pg_xact_commit_timestamp(c.xmin))))::float8 AS at
    FROM checkpoint_writes w LEFT JOIN checkpoints c
        ON c.thread_id = w.thread_id AND c.checkpoint_ns = w.checkpoint_ns
        AND c.parent_checkpoint_id = w.checkpoint_id
    WHERE w.channel NOT IN ('__interrupt__', '__resume__', '__error__', '__error_source_node__')
    GROUP BY w.task_id
"""
_RESUMED = """
    SELECT thread_id, extract(epoch FROM started_at)::float8 AS at FROM runs
    WHERE kind = 'resume' AND started_at IS NOT NULL
"""
_DECIDED = """
    SELECT a.thread_id, a.approval_id, d.actor, d.answer FROM decisions d
    JOIN approvals a ON a.approval_id = d.approval_id
"""
_STATES = """
    SELECT t.thread_id, t.workflow, r.status FROM threads t JOIN runs r ON r.run_id = t.last_run_id
"""


@dataclass
class Found:
    """What a look at all books brought."""

    losses: list[str]
    judged: Judged
    counts: dict[str, int] = field(default_factory=dict)


class Ledger:
    """All books; a thread that was seen to have ended rightly is read again at the end alone."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._sound: set[str] = set()
        self._knows_times = database.ask("SHOW track_commit_timestamp")[0] == {
            "track_commit_timestamp": "on"
        }

    def look(self, fates: Mapping[int, Fate], *, again: bool = False) -> Found:
        """
        Hold the books against each other; nothing may be under way.

        Args:
            fates: What became of each process.
            again: Read those threads too that were seen to be right.
        """
        decided = self._database.ask(_DECIDED)
        answers: dict[str, list[Any]] = defaultdict(list)
        for row in decided:
            answers[row["thread_id"]].append(row["answer"])
        judged = effects.judge(self._gather(fates, answers))
        told = read_told(self._folder)
        losses = [*self._find_faults(), *judged.losses, *_compare_told(told, decided)]
        losses += self._compare_launched(told)
        losses += self._compare_states(answers, again=again)
        counts = Counter(f"{entry['do']}: {entry['told']}" for entry in told)
        return Found(losses, judged, dict(sorted(counts.items())))

    def _gather(self, fates: Mapping[int, Fate], answers: Mapping[str, list[Any]]) -> Evidence:
        durable = self._database.ask(_DURABLE) if self._knows_times else []
        resumed: dict[str, list[float]] = defaultdict(list)
        for row in self._database.ask(_RESUMED):
            resumed[row["thread_id"]].append(row["at"])
        return Evidence(
            lines=read_journal(self._folder / "journal"),
            durable_at={row["task_id"]: row["at"] for row in durable if row["at"] is not None},
            fates=fates,
            resumed_at=resumed,
            answers=answers,
        )

    def _find_faults(self) -> Iterator[str]:
        for rule, query in RULES.items():
            found = self._database.ask(query)
            if found:
                named = ", ".join(str(next(iter(row.values()))) for row in found[:3])
                yield f"Not so: {rule} ({len(found)}: {named})"
        engine = engines.open_engine(self._database.url.render_as_string(hide_password=False))
        with engines.read(engine) as conn:
            yield from books.find_faults(conn)
        engine.dispose()

    def _compare_launched(self, told: Iterable[dict[str, Any]]) -> Iterator[str]:
        asked = {entry["thread_id"] for entry in told if entry["do"] == "launch"}
        there = {row["thread_id"] for row in self._database.ask("SELECT thread_id FROM threads")}
        for thread_id in sorted(asked ^ there):
            yield f"{thread_id}: {'launched and gone' if thread_id in asked else 'nobody launched it'}"
        found = self._database.ask(
            "SELECT thread_id FROM runs WHERE kind = 'start' GROUP BY thread_id HAVING count(*) > 1"
        )
        for row in found:
            yield f"{row['thread_id']}: launched twice"

    def _compare_states(self, answers: Mapping[str, list[Any]], *, again: bool) -> Iterator[str]:
        rows = self._database.ask(_STATES)
        if again:
            self._sound.clear()
        plain = self._database.url.set(drivername="postgresql")
        with connect(
            plain.render_as_string(hide_password=False), autocommit=True, row_factory=dict_row
        ) as conn:
            saver = PostgresSaver(conn)
            for row in rows:
                thread_id = row["thread_id"]
                if thread_id in self._sound or row["status"] != "done":
                    continue
                found = saver.get_tuple({"configurable": {"thread_id": thread_id}})
                values = found.checkpoint["channel_values"] if found is not None else {}
                wrong = list(_compare(row["workflow"], values, answers.get(thread_id, [])))
                if not wrong:
                    self._sound.add(thread_id)
                yield from (f"{thread_id}: {what}" for what in wrong)


def _compare(workflow: str, values: Mapping[str, Any], answers: list[Any]) -> Iterator[str]:
    done = values.get("done", [])
    if sorted(done) != sorted(PLACES[workflow]):
        yield f"ended having done {done}"
    taken = [answer for _, answer in values.get("answers", [])]
    if sorted(taken) != sorted(answers):
        yield f"took in {taken}, and {answers} was decided"


def _compare_told(told: Iterable[dict[str, Any]], decided: Iterable[Any]) -> Iterator[str]:
    """What clients were told against what is kept: whoever was told that he won did, and nobody else."""
    won = {row["approval_id"]: row["actor"] for row in decided}
    for entry in told:
        if entry["do"] != "decide":
            continue
        card, name, winner = entry["approval_id"], entry["client"], won.get(entry["approval_id"])
        if entry["told"] == "won" and winner != name:
            yield f"card {card}: {name} was told that the decision won, and {winner} has it"
        if entry["told"] == "lost" and entry["winner"] != winner:
            yield f"card {card}: {name} was told that {entry['winner']} won, and {winner} did"
        if (
            entry["told"] == "lost"
            and winner == name
            and not (entry["unknown"] or entry["may_be_there"])
        ):
            yield f"card {card}: {name} won and was told otherwise"


def read_told(folder: Path) -> list[dict[str, Any]]:
    """What all clients were told."""
    return [
        json.loads(line)
        for path in sorted(folder.glob("*.told"))
        for line in path.read_text().splitlines()
    ]


def read_journal(folder: Path) -> list[Line]:
    """The side effects of all processes."""
    return [
        Line(*json.loads(line))
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
