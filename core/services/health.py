"""Is everything there that is needed? For /readyz, `doctor` and the screens (W5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.core.errors import InterlockError
from interlock.core.services.context import App
from interlock.core.services.observing import ALIVE_S
from interlock.core.store import engine, workers, workflows


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    ok: bool
    message: str


@dataclass(frozen=True, kw_only=True)
class Health:
    """All checks by name; healthy if all are ok."""

    healthy: bool
    checks: Mapping[str, Check]
    at: datetime


def check(app: App) -> Health:
    """Look at database, workers and workflows; never raises."""
    now = app.clock.now()
    checks: dict[str, Check] = {}
    try:
        with engine.read(app.engine) as conn:
            alive = workers.fetch_alive(conn, since=now - timedelta(seconds=ALIVE_S))
            published = workflows.fetch_names(conn)
        checks["database"] = Check(True, "answers")
        ready = [w for w in alive if w.published_at is not None]
        checks["workers"] = Check(bool(ready), f"{len(ready)} alive")
        loaded = [w for w in published if w.error is None]
        checks["workflows"] = Check(
            bool(loaded), f"{len(loaded)} loaded, {len(published) - len(loaded)} failed to load"
        )
    except InterlockError as exc:
        checks["database"] = Check(False, str(exc))
    return Health(healthy=all(c.ok for c in checks.values()), checks=checks, at=now)
