"""Is everything there that is needed? For /readyz, `doctor` and the screens (W5)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.core.errors import InterlockError
from interlock.core.masking import mask_text
from interlock.core.services.context import App
from interlock.core.services.observing import ALIVE_S
from interlock.core.store import engine, workers, workflows

logger = logging.getLogger(__name__)


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
    try:
        checks = _look(app, now)
    except InterlockError as exc:
        checks = {"database": Check(False, mask_text(str(exc)))}
    except Exception as exc:
        # Whoever asks is told that something is wrong, whatever it is: a broken file has many voices.
        logger.exception("health_not_known")
        checks = {"database": Check(False, f"cannot be read ({type(exc).__name__})")}
    return Health(healthy=all(c.ok for c in checks.values()), checks=checks, at=now)


def _look(app: App, now: datetime) -> dict[str, Check]:
    with engine.read(app.engine) as conn:
        alive = workers.fetch_alive(conn, since=now - timedelta(seconds=ALIVE_S))
        published = workflows.fetch_names(conn)
    ready = [w for w in alive if w.published_at is not None]
    loaded = [w for w in published if w.error is None]
    failed_count = len(published) - len(loaded)
    return {
        "database": Check(True, "answers"),
        "workers": Check(bool(ready), f"{len(ready)} alive"),
        "workflows": Check(bool(loaded), f"{len(loaded)} loaded, {failed_count} failed to load"),
    }
