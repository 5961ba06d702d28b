"""What every service needs, put together once by `bootstrap`, who asks, and the time they agree on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from interlock.core.ciphers import Cipher
from interlock.core.clock import Clock
from interlock.core.model.people import LOCAL, Caller, Person
from interlock.core.queue.port import JobQueue
from interlock.core.settings import Settings
from interlock.core.store import dialect


@dataclass(frozen=True)
class App:
    """
    The parts that services work with; tests swap any of them.

    `caller` is who asks. `person` is who that is, as `permitting` has just read it for the command that
    is being carried out; None outside of commands.
    """

    settings: Settings
    engine: Engine
    queue: JobQueue
    clock: Clock
    caller: Caller = LOCAL
    person: Person | None = None
    cipher: Cipher | None = None  # what is kept is encrypted with; None without keys


def fetch_now(app: App, conn: Connection) -> datetime:
    """The time for what several hosts decide together: a lease must not depend on whose clock is ahead."""
    return app.clock.agree(partial(dialect.fetch_now, conn))
