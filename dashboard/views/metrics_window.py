"""Which span of time the metrics are of, as the URL says it; nonsense in it falls back to the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interlock.core.model.figures import Window
from interlock.dashboard.views.formatting import format_seconds

CUSTOM = "custom"
DEFAULT = "1h"
SPANS: Mapping[str, timedelta] = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
NAMES = {
    "5m": "5 min",
    "1h": "1 hour",
    "24h": "24 hours",
    "7d": "7 days",
    CUSTOM: "From … to",
}
LONGEST = timedelta(days=400)  # rollups by the day are kept; more would not be read on one screen
SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The window, the name it was chosen by, and what was wrong with what was asked for."""

    name: str
    window: Window
    problem: str = ""

    @property
    def before(self) -> str:
        """What its changes are measured against, in words."""
        return f"the {format_seconds(self.window.seconds)} before"

    @property
    def params(self) -> dict[str, str | None]:
        """The same as parameters of the URL."""
        is_custom = self.name == CUSTOM
        return {
            "window": self.name,
            "start": _write(self.window.start) if is_custom else None,
            "end": _write(self.window.end) if is_custom else None,
            "workflow": self.window.workflow,
            "variant": self.window.variant,
        }


def choose(
    name: str | None,
    *,
    start: str | None,
    end: str | None,
    workflow: str | None,
    variant: str | None = None,
    now: datetime,
) -> Chosen:
    """
    Read a window from the URL.

    Args:
        name: A key of `SPANS`, or `custom`.
        start: Of a custom window, ISO 8601 in UTC; an hour before its end by default.
        end: Of a custom window; now by default, and never later.
        workflow: None for all.
        variant: Of that workflow; None for all, and where none is named.
        now: Aware UTC time.
    """
    which = {"workflow": workflow, "variant": variant if workflow else None}
    if name != CUSTOM:
        known = name if name is not None and name in SPANS else DEFAULT
        problem = (
            "" if name in {None, known} else f"There is no window of that name; this is {known}."
        )
        window = Window(start=now - SPANS[known], end=now, **which)
        return Chosen(name=known, window=window, problem=problem)
    until = min(_read(end) or now, now)
    since = _read(start) or until - SPANS[DEFAULT]
    problem = ""
    if since >= until:
        since, problem = until - SPANS[DEFAULT], "It begins after its end; this is the hour before."
    elif until - since < SHORTEST:
        since, problem = until - SHORTEST, "A window is a minute long at least."
    elif until - since > LONGEST:
        since, problem = until - LONGEST, f"A window is {LONGEST.days} days long at most."
    window = Window(start=since, end=until, **which)
    return Chosen(name=CUSTOM, window=window, problem=problem)


def _read(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    # The first and the last year leave no room to count on.
    if not 1970 < at.year < 9000:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _write(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def write_moment(at: datetime | None) -> str | None:
    """What a field of a custom window holds, as a parameter; a field knows no zone and is in UTC."""
    if at is None:
        return None
    return _write(at.replace(tzinfo=UTC) if at.tzinfo is None else at)
