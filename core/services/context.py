"""What every service needs, put together once by `bootstrap`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from interlock.core.clock import Clock
from interlock.core.queue.port import JobQueue
from interlock.core.settings import Settings


@dataclass(frozen=True)
class App:
    """The parts that services work with; tests swap any of them."""

    settings: Settings
    engine: Engine
    queue: JobQueue
    clock: Clock
