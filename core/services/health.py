"""Is everything there that is needed? For /readyz, `doctor` and the screens (W5)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from interlock.core.errors import InterlockError, StoreUnavailable
from interlock.core.masking import mask_text
from interlock.core.services import durability, reaching
from interlock.core.services.context import App
from interlock.core.services.observing import ALIVE_S, Overview, overview
from interlock.core.store import attached, checkpoint_reads, engine, workers, workflows

logger = logging.getLogger(__name__)

STUCK_S = 60.0  # a free place is taken within a second; the screens say so after as long


@dataclass(frozen=True)
class Check:
    """One thing looked at, and how long that took; `is_needed`: without it nothing can be done."""

    ok: bool
    message: str
    ms: float = 0.0
    is_needed: bool = True


@dataclass(frozen=True, kw_only=True)
class Health:
    """
    All checks by name; healthy if all are ok.

    `ready` is what a load balancer asks: what is needed is there. A model or an address outside that
    does not answer takes nobody's screens away.
    """

    healthy: bool
    ready: bool
    checks: Mapping[str, Check]
    at: datetime

    def as_json(self) -> dict[str, Any]:
        """The form of `/readyz`."""
        checks = {
            name: {
                "ok": check.ok,
                "message": check.message,
                "ms": round(check.ms, 2),
                "needed": check.is_needed,
            }
            for name, check in self.checks.items()
        }
        return {
            "healthy": self.healthy,
            "ready": self.ready,
            "checks": checks,
            "timestamp": self.at.isoformat(timespec="milliseconds"),
        }


def health_of(checks: Mapping[str, Check], at: datetime) -> Health:
    """Put checks together."""
    return Health(
        healthy=all(check.ok for check in checks.values()),
        ready=all(check.ok for check in checks.values() if check.is_needed),
        checks=checks,
        at=at,
    )


def check(app: App) -> Health:
    """Look at everything the web process needs, and at what lies outside; never raises."""
    checks = check_store(app)
    if checks["database"].ok:
        checks |= {
            "workers": _timed(lambda: _look_at_workers(app)),
            "workflows": _timed(lambda: _look_at_workflows(app)),
        }
    elif going_on := durability.list_going_on(app):
        message = f"go on in memory, not durable: {', '.join(going_on)}; all others hold"
        checks["runs"] = Check(ok=False, message=message, is_needed=False)
    checks |= check_outside(app)
    return health_of(checks, app.clock.now())


def check_store(app: App) -> dict[str, Check]:
    """Look at the database, a checkpoint and the queue."""
    database = _timed(lambda: _look_at_database(app))
    if not database.ok:
        return {"database": database}
    return {
        "database": database,
        "checkpoints": _timed(lambda: _look_at_checkpoints(app)),
        "queue": replace(_timed(lambda: _look_at_queue(app)), is_needed=False),
    }


def check_outside(app: App) -> dict[str, Check]:
    """Ask the model's provider and the addresses named in the settings."""
    model = app.settings.model
    provider = reaching.address_of(model) if model else None
    asked = [*app.settings.external, *([provider] if provider else [])]
    answers = reaching.ask_all(asked)
    checks = {"model": Check(ok=True, message=_say_model(model), is_needed=False)}
    if provider is not None:
        checks["model"] = _outside(answers[provider], f"{reaching.name_of(provider)} ")
    for address in app.settings.external:
        checks[f"external {reaching.name_of(address)}"] = _outside(answers[address])
    return checks


def _outside(answer: reaching.Answer, who: str = "") -> Check:
    return Check(answer.ok, f"{who}{answer.message}", answer.ms, is_needed=False)


def _say_model(model: str | None) -> str:
    if model is None:
        return "the local one, which is always there"
    return "not looked at: its provider is not one we know the address of"


def _timed(look: Callable[[], Check]) -> Check:
    started = time.perf_counter()
    try:
        found = look()
    except InterlockError as exc:
        found = Check(ok=False, message=mask_text(str(exc)))
    except Exception as exc:
        # Whoever asks is told that something is wrong, whatever it is: a broken file has many voices.
        logger.exception("health_not_known")
        found = Check(ok=False, message=f"cannot be read ({type(exc).__name__})")
    return replace(found, ms=(time.perf_counter() - started) * 1000)


def _look_at_database(app: App) -> Check:
    with engine.read(app.engine) as conn:  # rows as well: a file may be broken in its midst
        workers.fetch_all(conn)
        workflows.fetch_names(conn)
    return Check(ok=True, message="answers")


def _look_at_checkpoints(app: App) -> Check:
    if app.settings.attach is not None:
        return _look_at_attached(app)
    with engine.read(app.engine) as conn:
        place = checkpoint_reads.find_newest(conn)
        if place is None:
            return Check(ok=True, message="none stored yet")
        if app.settings.is_embedded:
            size = checkpoint_reads.read_from_file(app.settings.checkpoints_path, place)
        else:
            size = checkpoint_reads.read_from_database(conn, place)
    if size is None:
        raise StoreUnavailable(f"The newest checkpoint of thread {place[0]} is not there.")
    return Check(ok=True, message="the newest one was read")


def _look_at_attached(app: App) -> Check:
    """What the worker says, which is the one that reads the other application's database."""
    with engine.read(app.engine) as conn:
        source = attached.fetch_source(conn)
    if source is None:
        return Check(ok=True, message="another application's, not looked at yet")
    if source.error is not None:
        return Check(ok=False, message=source.error)
    return Check(ok=True, message=f"another application's, with {source.thread_count} threads")


def _look_at_queue(app: App) -> Check:
    found = overview(app)
    waited_s = _waited_s(found)
    if waited_s > STUCK_S and found.running < found.slots:
        return Check(
            ok=False,
            message=f"stands still: a run has waited {waited_s:.0f} s though there is room",
        )
    return Check(
        ok=True, message=f"{found.queued} wait, {found.running} run, room for {found.slots}"
    )


def _waited_s(found: Overview) -> float:
    return 0.0 if found.oldest_due_at is None else (found.at - found.oldest_due_at).total_seconds()


def _look_at_workers(app: App) -> Check:
    since = app.clock.now() - timedelta(seconds=ALIVE_S)
    with engine.read(app.engine) as conn:
        alive = workers.fetch_alive(conn, since=since)
    ready = [w for w in alive if w.published_at is not None]
    return Check(bool(ready), f"{len(ready)} alive")


def _look_at_workflows(app: App) -> Check:
    durability.remember(app)
    with engine.read(app.engine) as conn:
        published = workflows.fetch_names(conn)
    loaded = [w for w in published if w.error is None]
    failed_count = len(published) - len(loaded)
    return Check(bool(loaded), f"{len(loaded)} loaded, {failed_count} failed to load")
