"""What is known of runs that go on in memory while the database is away (MISSION R7)."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from interlock.core.services import permitting
from interlock.core.services.context import App
from interlock.core.store import engine, runs, sight, workflows
from interlock.core.types import Json, RunId

FRESH_S = 60.0  # a policy that a worker has published is known here after this


@dataclass(frozen=True)
class _Known:
    names: tuple[str, ...]
    at: float  # time.monotonic()


_lock = threading.Lock()
# By the pool of connections, which all who ask have in common.
_known: WeakKeyDictionary[Any, _Known] = WeakKeyDictionary()


def remember(app: App) -> None:
    """
    Read which workflows go on without the database, for when it is away; once a minute at most.

    Raises:
        StoreUnavailable: It is away already.
    """
    with _lock:
        known = _known.get(app.engine.pool)
    if app.settings.is_embedded or (known and time.monotonic() - known.at < FRESH_S):
        return
    with engine.read(app.engine.execution_options(**{sight.OPTION: None})) as conn:
        policies = workflows.fetch_policies(conn)
    names = tuple(name for name, policy in policies.items() if _goes_on(policy))
    with _lock:
        _known[app.engine.pool] = _Known(names, time.monotonic())


def list_going_on(app: App) -> tuple[str, ...]:
    """The workflows whose runs go on without being stored while the database is away, by name."""
    with _lock:
        known = _known.get(app.engine.pool)
    names = known.names if known is not None else ()
    return tuple(name for name in names if permitting.is_seen(app, name))


def read_mark(app: App, run_id: RunId) -> tuple[int, bool]:
    """How many steps of a run were for a while in its worker's memory only, and whether it may have done some again."""
    with engine.read(app.engine) as conn:
        return runs.fetch_durability(conn, run_id)


def _goes_on(policy: Json) -> bool:
    rules = policy.get("outage") if isinstance(policy, dict) else None
    return isinstance(rules, dict) and rules.get("on") == "memory"
