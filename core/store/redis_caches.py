"""
Cache entries in Redis, where there is one: the last tier, shared by whoever is given the same Redis.

It may be away at any time: then it is told once a minute and the other tiers go on without it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from interlock.core.errors import InvalidInput, StoreUnavailable
from interlock.core.masking import mask_text
from interlock.core.model.caches import Clearing, Entry, Place

PREFIX = "interlock:cache"
TIMEOUT_S = 2.0  # a cache that answers later is slower than most of what it would save
AWAY_S = 60.0  # it is not asked again for so long after it failed
_BATCH = 500

logger = logging.getLogger(__name__)


class RedisCaches:
    """One Redis. Reading and keeping never raise; clearing says when it could not be done."""

    def __init__(self, url: str, *, away_s: float = AWAY_S) -> None:
        """
        Nothing is connected yet.

        Raises:
            InvalidInput: The extra is not installed, or the address is none.
        """
        try:
            import redis
        except ImportError as exc:
            raise InvalidInput(
                "INTERLOCK_REDIS_URL is set, but Redis's client is not installed.",
                hint="Install the extra: pip install 'interlock-control-room[redis]'.",
            ) from exc
        self._url = mask_text(url)
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        try:
            self._client: Any = redis.Redis.from_url(
                url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            )
        except ValueError as exc:
            raise InvalidInput(f"INTERLOCK_REDIS_URL is no address of a Redis: {exc}.") from exc
        self._away_s = away_s
        self._away_until = float("-inf")  # time.monotonic()
        self._lock = threading.Lock()

    def fetch_many(
        self, asked: Sequence[tuple[Place, str, str]], *, clears: int, now: datetime
    ) -> dict[tuple[str, str], Entry]:
        """
        Entries of (place, namespace, key) that may be used; nothing while Redis is away.

        Only those that were kept when there had been as many clearings as there are by now: the
        database counts them, and Redis is cleared a moment later.
        """
        if not asked or not self._is_here:
            return {}
        try:
            found = self._client.mget([_name(*each) for each in asked])
        except self._errors as exc:
            self._note_away(exc)
            return {}
        entries = (
            _decode(data, *each)
            for data, each in zip(found, asked, strict=True)
            if data is not None and _clears_of(data) == clears
        )
        return {e.id: e for e in entries if e is not None and not e.has_expired(now)}

    def keep(self, entry: Entry, *, clears: int, now: datetime) -> None:
        """Keep an entry as long as it may be used, of which there was no clearing since `clears`."""
        if not self._is_here or entry.has_expired(now):
            return
        left_ms = None
        if entry.expires_at is not None:
            left_ms = max(1, int((entry.expires_at - now).total_seconds() * 1000))
        try:
            name = _name(entry.place, entry.namespace, entry.key)
            self._client.set(name, _encode(entry, clears), px=left_ms)
        except self._errors as exc:
            self._note_away(exc)

    def clear(self, clearing: Clearing) -> int:
        """
        Delete the entries that a clearing takes; how many.

        Raises:
            StoreUnavailable: Redis does not answer; what it holds is not used again, and still there.
        """
        match = "*" if clearing.workflow is None else f"{_quoted(clearing.workflow)}:*"
        count = 0
        try:
            names: list[bytes] = []
            for name in self._client.scan_iter(match=f"{PREFIX}:{match}", count=_BATCH):
                names.append(name)
                if len(names) >= _BATCH:
                    count += self._clear_some(clearing, names)
                    names = []
            count += self._clear_some(clearing, names)
        except self._errors as exc:
            raise StoreUnavailable(
                f"Redis at {self._url} does not answer. What it holds is not used again, but is still"
                f" there: {exc}."
            ) from exc
        return count

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _clear_some(self, clearing: Clearing, names: Sequence[bytes]) -> int:
        if not names:
            return 0
        gone = []
        for name, data in zip(names, self._client.mget(names), strict=True):
            place = _place_of(name)
            if data is None or place is None:
                continue
            entry = _decode(data, place, "", "")
            if clearing.takes(place, "" if entry is None else entry.question):
                gone.append(name)
        return int(self._client.delete(*gone)) if gone else 0

    @property
    def _is_here(self) -> bool:
        return time.monotonic() >= self._away_until

    def _note_away(self, error: Exception) -> None:
        with self._lock:
            self._away_until = time.monotonic() + self._away_s
        logger.warning("redis_away", extra={"redis": self._url, "reason": str(error)})


def _name(place: Place, namespace: str, key: str) -> str:
    return f"{PREFIX}:{_quoted(place.workflow)}:{_quoted(place.path)}:{namespace}:{key}"


def _quoted(part: str) -> str:
    return quote(part, safe="/")


def _place_of(name: bytes) -> Place | None:
    parts = name.decode().removeprefix(f"{PREFIX}:").split(":")
    return Place(unquote(parts[0]), unquote(parts[1])) if len(parts) == 4 else None


def _encode(entry: Entry, clears: int) -> bytes:
    head = {
        "clears": clears,
        "encoding": entry.encoding,
        "cost_ms": entry.cost_ms,
        "cost": entry.cost,
        "question": entry.question,
        "created_at": entry.created_at.timestamp(),
        "expires_at": None if entry.expires_at is None else entry.expires_at.timestamp(),
        "vector_bytes": None if entry.vector is None else len(entry.vector),
    }
    return json.dumps(head).encode() + b"\n" + (entry.vector or b"") + entry.value


def _clears_of(data: bytes) -> int | None:
    try:
        return int(json.loads(data.split(b"\n", 1)[0])["clears"])
    except (ValueError, KeyError, TypeError):  # as `_decode` has it
        return None


def _decode(data: bytes, place: Place, namespace: str, key: str) -> Entry | None:
    try:
        line, rest = data.split(b"\n", 1)
        head = json.loads(line)
        size = head["vector_bytes"]
        until = head["expires_at"]
        return Entry(
            place=place,
            namespace=namespace,
            key=key,
            encoding=str(head["encoding"]),
            value=rest[size or 0 :],
            cost_ms=float(head["cost_ms"]),
            cost=float(head["cost"]),
            question=str(head["question"]),
            vector=None if size is None else rest[:size],
            created_at=datetime.fromtimestamp(head["created_at"], UTC),
            expires_at=None if until is None else datetime.fromtimestamp(until, UTC),
        )
    except (ValueError, KeyError, TypeError):  # not ours, or of another version
        return None
