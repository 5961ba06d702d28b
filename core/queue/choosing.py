"""Which queue belongs to which database."""

from __future__ import annotations

from sqlalchemy import Engine

from interlock.core.queue.local import LocalQueue
from interlock.core.queue.port import JobQueue
from interlock.core.queue.procrastinate import ProcrastinateQueue


def queue_for(engine: Engine) -> JobQueue:
    """The queue of a database: Postgres has any number of workers, a SQLite file one."""
    return LocalQueue() if engine.dialect.name == "sqlite" else ProcrastinateQueue()
