"""What is another one in every run, ids and the time of day, by the same word in each of them."""

from __future__ import annotations

import datetime as dt
import re
import time
from dataclasses import dataclass

from interlock.core.types import Json

_ID = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\b",  # uuid4().hex
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b0x[0-9a-f]{8,16}\b")  # of an object in memory, as reprs tell it
_MOMENT = re.compile(
    r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"
)
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_SLACK_S = 61  # a time may be told by the minute


@dataclass(frozen=True)
class Span:
    """When a run began and ended, in seconds since 1970."""

    began_s: float
    ended_s: float

    @classmethod
    def since(cls, began_s: float) -> Span:
        """From then to now."""
        return cls(began_s, time.time())

    def holds(self, moment_s: float) -> bool:
        """Whether it was during the run."""
        return self.began_s - _SLACK_S <= moment_s <= self.ended_s + _SLACK_S


class Masker:
    """
    Takes ids and times out of JSON.

    An id becomes `<id-1>`, and the same word wherever it stands, so that what refers to something
    still does. A time becomes `<time>` and a day `<day>` where it is that of the run. What was given
    to the run, and so stands in `known`, is left.
    """

    def __init__(self, span: Span, known: str) -> None:
        self._span = span
        self._known = known
        self._ids: dict[str, str] = {}

    def mask(self, value: Json) -> Json:
        """The same JSON without what changes from run to run."""
        if isinstance(value, str):
            return self._mask_text(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            is_now = self._span.holds(value) or self._span.holds(value / 1000)
            return "<time>" if is_now and str(value) not in self._known else value
        if isinstance(value, dict):
            return {self._mask_text(key): self.mask(item) for key, item in value.items()}
        return [self.mask(item) for item in value] if isinstance(value, list) else value

    def _mask_text(self, text: str) -> str:
        text = _ID.sub(self._mask_id, text)
        text = _ADDRESS.sub("<address>", text)
        text = _MOMENT.sub(self._mask_moment, text)
        return _DAY.sub(self._mask_day, text)

    def _mask_id(self, found: re.Match[str]) -> str:
        name = found[0]
        if name in self._known:
            return name
        return self._ids.setdefault(name.lower(), f"<id-{len(self._ids) + 1}>")

    def _mask_moment(self, found: re.Match[str]) -> str:
        if found[0] in self._known:
            return found[0]
        try:
            moment = dt.datetime.fromisoformat(found[0].replace(",", "."))
        except ValueError:
            return found[0]
        is_plain = moment.tzinfo is None  # then it may be told in UTC or by the clock on the wall
        readings = [moment, moment.replace(tzinfo=dt.UTC)] if is_plain else [moment]
        return "<time>" if any(self._span.holds(m.timestamp()) for m in readings) else found[0]

    def _mask_day(self, found: re.Match[str]) -> str:
        moments = (self._span.began_s, self._span.ended_s)
        zones = (dt.UTC, None)
        days = {dt.datetime.fromtimestamp(m, z).date().isoformat() for m in moments for z in zones}
        return "<day>" if found[0] in days and found[0] not in self._known else found[0]
