"""
How a connection to Postgres notices that the other side, or the way to it, is silently gone.

Both ends have to look: a session whose client was lost with its host keeps its locks until the server
ends it, which by its own settings takes hours.
"""

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

# The server's, said by each new session itself: a pooler refuses options at the connect. A transaction in
# which nothing is asked for so long is of a process that was stopped; none of ours waits for a person.
SERVER_SIDE = """
SET idle_in_transaction_session_timeout = '30s';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = '25s';
"""


def keepalives_for(url: str) -> dict[str, int]:
    """Those that the URL of a database does not set itself."""
    given = parse_qs(urlsplit(url).query, keep_blank_values=True)
    return {name: value for name, value in KEEPALIVES.items() if name not in given}
