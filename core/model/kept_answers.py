"""What a request was answered, kept so that the same request sent again is answered the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = timedelta(hours=24)
LONGEST = timedelta(minutes=5)  # far longer than any request is waited for
MAX_BODY_CHARS = 1_000_000
MAX_KEYS = 100_000  # the oldest beyond it are forgotten before their time
MAX_KEY_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """
    A request by its key, and what it was answered.

    `fingerprint` is of the method, the path and the body; `status` is None while it is carried out,
    `body` besides where it was too long to be kept.
    """

    fingerprint: str
    begun_at: datetime
    status: int | None = None
    headers: Mapping[str, str]
    body: str | None = None

    def is_lost(self, now: datetime) -> bool:
        """Whether whoever carried it out can no longer be at it, so that nobody knows how it ended."""
        return self.status is None and now - self.begun_at > LONGEST
