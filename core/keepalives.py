"""How a connection to Postgres notices that the other side, or the way to it, is silently gone."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

# libpq's, over TCP alone: asked after 10 s of silence, then every 5 s; after the third time without an
# answer it is gone. What was sent and not acknowledged counts as lost after as long.
KEEPALIVES: Mapping[str, int] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # ms
}


def keepalives_for(url: str) -> dict[str, int]:
    """Those that the URL of a database does not set itself."""
    given = parse_qs(urlsplit(url).query, keep_blank_values=True)
    return {name: value for name, value in KEEPALIVES.items() if name not in given}
