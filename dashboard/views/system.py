"""The system page: which processes there are and what they use, whether all is well, and what is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from interlock.core.model.key_ring import say_quota
from interlock.core.model.workers import WorkerStatus
from interlock.core.usage import Usage
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views.figures import Figure
from interlock.dashboard.views.flow import find_flow_notice
from interlock.dashboard.views.formatting import (
    NOTHING,
    format_age,
    format_ago,
    format_count,
    format_duration_ms,
    format_exact,
    format_ratio,
    format_seconds,
    short_id,
)
from interlock.dashboard.views.notices import Notice

if TYPE_CHECKING:
    from interlock.core.services.configuring import Setting
    from interlock.core.services.health import Check, Health
    from interlock.core.services.surveying import System, WorkerSeen

SILENT = timedelta(seconds=40)  # no sign of life for longer is said on every screen
_UNITS = ("B", "kB", "MB", "GB", "TB")

OK = Look(Tone.DONE, "ok", ":material/check_circle:")
WRONG = Look(Tone.FAILED, "wrong", ":material/error:")
LIMITED = Look(Tone.SHORT_CIRCUITED, "limited", ":material/report:")
_STATUSES = {
    WorkerStatus.STARTING: Look(Tone.QUIET, "starting", ":material/schedule:"),
    WorkerStatus.READY: Look(Tone.DONE, "ready", ":material/check_circle:"),
    WorkerStatus.DRAINING: Look(Tone.QUIET, "stopping", ":material/pause_circle:"),
}
SILENT_LOOK = Look(Tone.FAILED, "silent", ":material/error:")
WEB_LOOK = Look(Tone.DONE, "answers", ":material/check_circle:")

Row = Mapping[str, str | Look]


@dataclass(frozen=True, kw_only=True)
class SystemView:
    """Everything the page draws."""

    notice: Notice | None
    figures: tuple[Figure, ...]
    checks: tuple[Row, ...]
    processes: tuple[Row, ...]
    no_workers: str
    elsewhere: str
    models: tuple[Row, ...]
    sizes: tuple[Row, ...]
    settings: tuple[Mapping[str, str], ...]
    changed: str
    as_of: str


def build(system: System, health: Health) -> SystemView:
    """Put the page together."""
    now = system.at
    changed = [s for s in system.settings if s.source != "default"]
    is_elsewhere = any(seen.usage is None for seen in system.workers)
    return SystemView(
        notice=find_flow_notice(system.overview),
        figures=_figures(system, health),
        checks=tuple(_check_row(name, check) for name, check in health.checks.items()),
        processes=(_web_row(system), *(_worker_row(w, now) for w in system.workers)),
        no_workers="" if system.workers else "No worker has signed on yet.",
        elsewhere=(
            "What a worker on another machine uses is told by its own /metrics (INTERLOCK_WORKER_PORT)."
            if is_elsewhere
            else ""
        ),
        models=_model_rows(system),
        sizes=_size_rows(system),
        settings=tuple(_setting_row(s) for s in (*changed, *_defaults(system.settings))),
        changed=f"{len(changed)} of {len(system.settings)} are not the default; they stand first.",
        as_of=f"as of {format_exact(now)}",
    )


def format_bytes(size_bytes: float) -> str:
    """A size in three significant digits: `842 kB`, `1.24 GB`."""
    unit = 0
    while size_bytes >= 999.5 and unit < len(_UNITS) - 1:
        size_bytes, unit = size_bytes / 1000, unit + 1
    if unit == 0 or size_bytes >= 99.95:
        return f"{size_bytes:.0f} {_UNITS[unit]}"
    return f"{size_bytes:.{1 if size_bytes >= 9.995 else 2}f} {_UNITS[unit]}"


def _figures(system: System, health: Health) -> tuple[Figure, ...]:
    seen = system.overview
    wrong = [name for name, check in health.checks.items() if not check.ok]
    return (
        Figure(
            "Checks",
            "all ok" if not wrong else f"{len(wrong)} wrong",
            ", ".join(wrong) or f"{len(health.checks)} looked at",
            alarm=bool(wrong),
        ),
        Figure(
            "Workers alive",
            format_count(seen.workers_alive),
            f"room for {format_count(seen.slots)} runs",
            alarm=not seen.workers_alive,
        ),
        Figure("Running", format_count(seen.running), f"{format_count(seen.queued)} queued"),
        Figure(
            "Jobs due",
            format_count(seen.jobs_due),
            f"oldest run {format_age(seen.oldest_due_at, system.at)}"
            if seen.oldest_due_at
            else "nothing waits",
        ),
        Figure("Stored", format_bytes(sum(system.bytes_by_name.values())), "databases and logs"),
    )


def _check_row(name: str, check: Check) -> Row:
    bad = WRONG if check.is_needed else LIMITED
    return {
        "check": name,
        "result": OK if check.ok else bad,
        "found": check.message,
        "took": format_duration_ms(check.ms),
        "without it": "nothing goes on" if check.is_needed else "the rest goes on",
    }


def _web_row(system: System) -> Row:
    return {
        "process": "web (this one)",
        "state": WEB_LOOK,
        "host": system.host,
        "pid": str(system.pid),
        "runs at once": NOTHING,
        "processor": _processor(system.usage),
        "memory": _memory(system.usage),
        "started": NOTHING,
        "sign of life": "just now",
    }


def _worker_row(seen: WorkerSeen, now: datetime) -> Row:
    worker = seen.worker
    is_silent = now - worker.heartbeat_at > SILENT
    return {
        "process": f"worker {short_id(worker.worker_id)}",
        "state": SILENT_LOOK if is_silent else _STATUSES[worker.status],
        "host": worker.host,
        "pid": str(worker.pid),
        "runs at once": format_count(worker.concurrency),
        "processor": NOTHING if is_silent else _processor(seen.usage),
        "memory": NOTHING if is_silent else _memory(seen.usage),
        "started": format_ago(worker.started_at, now),
        "sign of life": format_ago(worker.heartbeat_at, now),
    }


def _processor(usage: Usage | None) -> str:
    return NOTHING if usage is None else f"{format_ratio(usage.cpu_ratio)} of a core"


def _memory(usage: Usage | None) -> str:
    return NOTHING if usage is None else format_bytes(usage.memory_bytes)


def _model_rows(system: System) -> tuple[Row, ...]:
    """A row a key, then the models that are bounded and have none."""
    now = system.at
    rows: list[Row] = [
        {
            "model": key.model,
            "left": say_quota(key.quota) or "not told",
            "told": format_ago(key.seen_at, now),
            "rests": _rest(key.blocked_until, now),
            "key": key.variable,
            "calls under way": _under_way(system, key.model),
        }
        for key in system.keys
    ]
    others = sorted(set(system.calls) - {key.model for key in system.keys})
    blank = dict.fromkeys(("left", "told", "rests", "key"), NOTHING)
    rows += [{"model": m, **blank, "calls under way": _under_way(system, m)} for m in others]
    return tuple(rows)


def _rest(until: datetime | None, now: datetime) -> str:
    if until is None or until <= now:
        return "no"
    return f"for {format_seconds((until - now).total_seconds())}"


def _under_way(system: System, model: str) -> str:
    return format_count(system.calls[model]) if model in system.calls else NOTHING


def _size_rows(system: System) -> tuple[Row, ...]:
    rows: list[Row] = [
        {"what": name, "size": format_bytes(size)} for name, size in system.bytes_by_name.items()
    ]
    if system.sessions is not None:
        used, allowed = system.sessions
        rows.append({"what": "database sessions", "size": f"{used} of {allowed} that are allowed"})
    return tuple(rows)


def _defaults(settings: Sequence[Setting]) -> tuple[Setting, ...]:
    return tuple(s for s in settings if s.source == "default")


def _setting_row(setting: Setting) -> dict[str, str]:
    return {
        "setting": setting.variable,
        "value": NOTHING if setting.value in {None, "-"} else str(setting.value),
        "source": setting.source,
        "meaning": setting.description,
    }
