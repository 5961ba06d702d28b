"""Keys of a provider that are used in turn, and what it says is left of each."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from interlock.core.types import Json

RATE_LIMITED = 429
BLOCKED_S = 60.0  # how long a key rests that was refused without a word of when to try again
MAX_BLOCKED_S = 86_400.0
_QUOTAS = ("requests", "tokens")


@dataclass(frozen=True)
class Key:
    """The value of a variable; never written anywhere."""

    variable: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class KeyState:
    """What was last heard of a key, for a screen; `quota` as `read_quota` gives it."""

    model: str
    variable: str
    blocked_until: datetime | None
    quota: Mapping[str, Json]
    seen_at: datetime


def say_quota(quota: Mapping[str, Json]) -> str:
    """What is left of a key, in words: `59 of 60 requests, 9000 tokens`; empty where nobody told."""
    parts = []
    for what, each in quota.items():
        if isinstance(each, dict):
            of = f" of {each['of']}" if each.get("of") is not None else ""
            parts.append(f"{each.get('left')}{of} {what}")
    return ", ".join(parts)


class KeyRing:
    """The keys of one model; called from any thread."""

    def __init__(self, model: str, keys: Sequence[Key]) -> None:
        self.model = model
        self.keys = tuple(keys)
        self._blocked: dict[str, datetime] = {}
        self._turn = 0
        self._lock = threading.Lock()

    def find(self, text: str) -> Key | None:
        """Which of the keys a header holds."""
        return next((key for key in self.keys if key.value in text), None)

    def take(self, now: datetime) -> Key:
        """The key whose turn it is; of those that all rest, the one that does so the least."""
        with self._lock:
            turn = [*self.keys[self._turn :], *self.keys[: self._turn]]
            key = min(turn, key=lambda each: max(now, self._blocked.get(each.variable, now)))
            self._turn = (self.keys.index(key) + 1) % len(self.keys)
            return key

    def block(self, key: Key, until: datetime) -> None:
        """Let a key rest."""
        with self._lock:
            self._blocked[key.variable] = until

    def is_any_free(self, now: datetime) -> bool:
        """Whether there is a key that does not rest."""
        with self._lock:
            return any(self._blocked.get(key.variable, now) <= now for key in self.keys)


def rest_until(now: datetime, *, asked_s: float | None) -> datetime:
    """Until when a key should rest that was refused; `asked_s` is what the provider asked for."""
    return now + timedelta(seconds=min(BLOCKED_S if asked_s is None else asked_s, MAX_BLOCKED_S))


def read_quota(headers: Mapping[str, str]) -> dict[str, Json]:
    """
    What a provider says is left: `{"requests": {"left": 59, "of": 60}, "tokens": ...}`.

    In the spelling of OpenAI (and those who copy it), or Anthropic's. Empty where it says nothing.
    """
    found: dict[str, Json] = {}
    for what in _QUOTAS:
        left = _number(
            headers, f"x-ratelimit-remaining-{what}", f"anthropic-ratelimit-{what}-remaining"
        )
        of = _number(headers, f"x-ratelimit-limit-{what}", f"anthropic-ratelimit-{what}-limit")
        if left is not None:
            found[what] = {"left": left, "of": of}
    return found


def _number(headers: Mapping[str, str], *names: str) -> int | None:
    for name in names:
        text = headers.get(name, "")
        if text.isdecimal():
            return int(text)
    return None
