"""How figures, times and ids read on every screen (LOOK.md, Figures). Knows nothing of what they mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from interlock.core.types import Json

NOTHING = "\N{EN DASH}"  # what stands where there is nothing to say
IN = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "  # between a workflow and a place in it
MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400
JUST_NOW_S = 3  # a smaller age is noise: clocks and screens are not that exact
ID_TAIL_COUNT = 8  # our ids begin with the time, so their ends tell them apart
LONG_ID_COUNT = 20
SAFE_INTEGER = 2**53 - 1  # what a browser's number holds exactly


def format_duration_ms(duration_ms: float | None) -> str:
    """Say how long something took, in three significant digits: `482 ms`, `1.24 s`, `3 m 10 s`."""
    if duration_ms is None:
        return NOTHING
    duration_ms = max(0.0, duration_ms)
    if round(duration_ms) < 1000:
        return f"{_three_digits(duration_ms)} ms"
    return format_seconds(duration_ms / 1000)


def format_seconds(duration_s: float | None) -> str:
    """Say a duration given in seconds: in milliseconds under a second, `2 h` where it is whole."""
    if duration_s is None:
        return NOTHING
    if duration_s < 0.9995:
        return format_duration_ms(duration_s * 1000)
    if duration_s < 59.95:
        return f"{_three_digits(duration_s)} s"
    whole_s = round(duration_s)
    if whole_s < HOUR_S:
        return f"{whole_s // MINUTE_S} m {whole_s % MINUTE_S} s".removesuffix(" 0 s")
    if whole_s < DAY_S:
        return f"{whole_s // HOUR_S} h {whole_s % HOUR_S // MINUTE_S} m".removesuffix(" 0 m")
    return f"{whole_s // DAY_S} d {whole_s % DAY_S // HOUR_S} h".removesuffix(" 0 h")


def format_age_s(age_s: float) -> str:
    """Say an age in one unit, as precise as a glance needs: `12 s`, `12 min`, `3 h`, `2 d`."""
    age_s = max(0.0, age_s)
    if age_s < MINUTE_S:
        return f"{int(age_s)} s"
    if age_s < HOUR_S:
        return f"{int(age_s // MINUTE_S)} min"
    if age_s < DAY_S:
        return f"{int(age_s // HOUR_S)} h"
    return f"{int(age_s // DAY_S)} d"


def format_age(at: datetime | None, now: datetime) -> str:
    """Say how old a moment is: `12 min`; a dash for no moment."""
    return NOTHING if at is None else format_age_s((now - at).total_seconds())


def format_ago(at: datetime | None, now: datetime) -> str:
    """Say when something was, seen from now: `4 min ago`, `just now`."""
    if at is None:
        return NOTHING
    age_s = (now - at).total_seconds()
    return "just now" if age_s < JUST_NOW_S else f"{format_age_s(age_s)} ago"


def format_countdown(deadline_at: datetime | None, now: datetime) -> str:
    """Say how long is left: `11:40 left`, `2 h left`, or `overdue by 2 min`."""
    if deadline_at is None:
        return ""
    left_s = int((deadline_at - now).total_seconds())
    if left_s < 0:
        return f"overdue by {format_age_s(-left_s)}"
    if left_s < HOUR_S:
        return f"{left_s // MINUTE_S}:{left_s % MINUTE_S:02d} left"
    return f"{format_age_s(left_s)} left"


def format_exact(at: datetime | None) -> str:
    """The exact moment, in UTC and to the second."""
    return NOTHING if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_count(count: int | None) -> str:
    """A whole number with its thousands apart: `12 345`."""
    return NOTHING if count is None else f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def format_bytes(size_bytes: int) -> str:
    """How much something weighs: `482 B`, `1.2 kB`, `640 MB`."""
    value = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def format_ratio(ratio: float | None) -> str:
    """A share between 0 and 1 as `97.3 %`."""
    if ratio is None:
        return NOTHING
    percent = ratio * 100
    return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.1f} %"


def format_plural(count: int, one: str, many: str = "") -> str:
    """A counted noun: `1 card`, `7 cards`."""
    return f"{format_count(count)} {one if count == 1 else many or one + 's'}"


def short_id(object_id: str | None) -> str:
    """An id as short as it can be told apart by; ids that people chose stay as they are."""
    if not object_id:
        return NOTHING
    return object_id if len(object_id) <= LONG_ID_COUNT else f"…{object_id[-ID_TAIL_COUNT:]}"


def clip(text: str, limit_count: int) -> str:
    """Cut a text to a length, with a mark that it was cut."""
    return text if len(text) <= limit_count else f"{text[: limit_count - 1]}…"


def one_line(value: Json, *, limit_count: int = 120) -> str:
    """Say any JSON value in one line; a text stays a text, everything else is compact JSON."""
    text = value if isinstance(value, str) else to_json_text(value, indent=None)
    return clip(" ".join(text.split()), limit_count)


def to_json_text(value: Json, *, indent: int | None = 2) -> str:
    """JSON as people read it: indented, accents kept."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def keep_digits(value: Json) -> Json:
    """The same JSON for a browser to draw: whole numbers that it would round become texts."""
    if isinstance(value, dict):
        return {key: keep_digits(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [keep_digits(inner) for inner in value]
    is_long = isinstance(value, int) and abs(value) > SAFE_INTEGER
    return str(value) if is_long else value


def _three_digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    if value >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if value == 0 else f"{value:.2f}"
