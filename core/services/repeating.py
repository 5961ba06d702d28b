"""
Carrying a request out once, however often it is sent: by the key that its sender gave it.

Never twice: where the process died over it, nobody knows how it ended, and that is said.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from interlock.core.errors import Conflict, InvalidInput
from interlock.core.model.kept_answers import (
    KEPT,
    MAX_BODY_CHARS,
    MAX_KEY_CHARS,
    MAX_KEYS,
    KeptAnswer,
)
from interlock.core.services.context import App
from interlock.core.store import engine, idempotency

_FORGET_EVERY = 500
_calls = itertools.count()


def begin(app: App, *, actor: str, key: str, fingerprint: str) -> KeptAnswer | None:
    """
    Begin a request.

    Args:
        app: The parts.
        actor: Who sends it; each has keys of their own.
        key: What the sender calls it.
        fingerprint: Of what is asked.

    Returns:
        What it was answered before; None if it is to be carried out now, and then `end` or `give_up`.

    Raises:
        InvalidInput: The key is none, or something else was asked under it.
        Conflict: It is being carried out, or nobody knows how it ended.
    """
    if not (key.isascii() and key.isprintable() and 0 < len(key) <= MAX_KEY_CHARS):
        raise InvalidInput(
            f"Idempotency-Key takes 1 to {MAX_KEY_CHARS} printable ASCII characters, such as a UUID."
        )
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        if next(_calls) % _FORGET_EVERY == 0:
            idempotency.forget(conn, until=now - KEPT, most=MAX_KEYS)
        if idempotency.begin(conn, actor=actor, key=key, fingerprint=fingerprint, now=now):
            return None
        known = idempotency.fetch(conn, actor=actor, key=key)
        if known is not None and known.begun_at < now - KEPT:
            idempotency.forget(conn, until=now - KEPT, most=MAX_KEYS)
            if idempotency.begin(conn, actor=actor, key=key, fingerprint=fingerprint, now=now):
                return None
            known = idempotency.fetch(conn, actor=actor, key=key)  # somebody was quicker
    if known is not None and known.fingerprint != fingerprint:
        raise InvalidInput(
            "Something else was asked under this Idempotency-Key.",
            hint="Give each request its own.",
        )
    if known is not None and known.is_lost(now):
        raise Conflict(
            "A request with this Idempotency-Key was begun and never answered: nobody knows how it ended.",
            hint="See what became of it, then ask again under another key.",
        )
    if known is None or known.status is None:  # none: it is given up at this very moment
        raise Conflict(
            "A request with this Idempotency-Key is being carried out.",
            hint="Ask again in a second.",
        )
    return known


def end(
    app: App, *, actor: str, key: str, status: int, headers: Mapping[str, str], body: str
) -> None:
    """Keep the answer; of one that is too long, only that it was given."""
    kept = body if len(body) <= MAX_BODY_CHARS else None
    with engine.write(app.engine) as conn:
        idempotency.end(conn, actor=actor, key=key, status=status, headers=headers, body=kept)


def give_up(app: App, *, actor: str, key: str) -> None:
    """Forget a request that was refused for now: sent again, it is carried out."""
    with engine.write(app.engine) as conn:
        idempotency.give_up(conn, actor=actor, key=key)
