"""
Who has which card open on a screen, whichever process serves it; and longer claims for who has.

A process says it for all its screens at once, some seconds apart. Nothing is bumped: screens find out by
the heads of their own card, so that nobody else is woken.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from interlock.core.model.claims import Claim, Opening
from interlock.core.services.context import App, fetch_now
from interlock.core.store import claims, engine, openings, operators
from interlock.core.types import ApprovalId

RENEW_S = 10.0  # between two words of one process
GONE = timedelta(seconds=25)  # after its last word: within 30 s of a tab that was closed
_SOON = 0.5  # of a claim's time that is left: then it is made longer


def tell(app: App, place: str, opened: Collection[Opening], *, was_told: bool) -> bool:
    """
    Say what is open at one place, and let those who have such a card have it longer.

    While nobody signs in all screens are one person's, and whether another has a card open is no question:
    then nothing is written but longer claims, where there are any.

    Args:
        app: The parts.
        place: Its name.
        opened: Cards and who has them open.
        was_told: Whether something of this place stands there.

    Returns:
        Whether something of this place stands there now.
    """
    with engine.read(app.engine) as conn:
        now = fetch_now(app, conn)
        has_team = operators.fetch_sign_in(conn) != ""
        ids = sorted({card for card, _ in opened})
        soon = now + timedelta(seconds=app.settings.claim_s * _SOON)
        held = claims.fetch_many(conn, ids, now=now)
        due = [o for o in opened if o[0] in held and _is_due(o, held, soon)]
    told = opened if has_team else ()
    if not told and not was_told and not due:
        return False
    with engine.write(app.engine) as conn:
        if told or was_told:
            openings.replace_all(conn, place, told, now=now, over=now - GONE)
        _renew(app, conn, due)
    return bool(told)


def list_open(app: App, approval_ids: Sequence[ApprovalId]) -> Mapping[ApprovalId, tuple[str, ...]]:
    """Who has some of these cards open, by name."""
    with engine.read(app.engine) as conn:
        since = fetch_now(app, conn) - GONE
        return _by_card(openings.fetch_many(conn, approval_ids, since=since))


def heads(app: App) -> dict[ApprovalId, int]:
    """A number for each card that several people have open, another one when others have."""
    with engine.read(app.engine) as conn:
        since = fetch_now(app, conn) - GONE
        found = _by_card(openings.fetch_all(conn, since=since))
    shared = {card: names for card, names in found.items() if len(names) > 1}
    return {card: zlib.crc32("\n".join(names).encode()) for card, names in shared.items()}


def _is_due(opening: Opening, held: Mapping[ApprovalId, Claim], soon: datetime) -> bool:
    claim = held[opening[0]]
    return claim.person == opening[1] and claim.until < soon


def _renew(app: App, conn: Connection, due: Collection[Opening]) -> None:
    now = fetch_now(app, conn)
    until = now + timedelta(seconds=app.settings.claim_s)
    for person in sorted({name for _, name in due}):
        theirs = [card for card, name in due if name == person]
        claims.renew(conn, theirs, person=person, until=until, now=now)


def _by_card(found: Sequence[Opening]) -> dict[ApprovalId, tuple[str, ...]]:
    cards: dict[ApprovalId, tuple[str, ...]] = {}
    for card, person in found:
        cards[card] = (*cards.get(card, ()), person)
    return cards
