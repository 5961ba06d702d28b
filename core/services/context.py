"""What every service needs, put together once by `bootstrap`, and the time they agree on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from interlock.core.clock import Clock
from interlock.core.queue.port import JobQueue
from interlock.core.settings import Settings
from interlock.core.store import dialect


@dataclass(frozen=True)
class App:
    """The parts that services work with; tests swap any of them."""

    settings: Settings
    engine: Engine
    queue: JobQueue
    clock: Clock


def fetch_now(app: App, conn: Connection) -> datetime:
    """The time for what several hosts decide together: a lease must not depend on whose clock is ahead."""
    return app.clock.agree(partial(dialect.fetch_now, conn))
