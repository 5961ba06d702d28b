"""
Who has a card and who has it open, in one quiet row beneath its title, with what may be done about it.

Where nobody signs in there is one person at all screens: then the row is there only while somebody has
the card, as when it was claimed from the command line under another name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.model.claims import Claim, Move
from interlock.core.model.texts import join_words
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    clip,
    format_ago,
    format_countdown,
    format_exact,
    one_line,
)

if TYPE_CHECKING:
    from interlock.core.services.handing import Hands

NOTE_COUNT = 120
NAMES_COUNT = 3  # of those who have it open; more are counted
SHORT_NAME_COUNT = 18  # in the list
_DID = {
    "claim": "claimed it",
    "take over": "took it over",
    "unclaim": "released it",
    "assign": "gave it to",
    "forward": "forwarded it to",
}


@dataclass(frozen=True, kw_only=True)
class HandsView:
    """
    The row. `text` and `moves` may hold what people wrote: drawn escaped.

    `people` are those it can be passed on to; none where nobody else could have it. `verb` is how that
    is called: whoever has it forwards it, which takes a note.
    """

    text: str
    exact: str
    open_text: str
    can_claim: bool
    can_release: bool
    can_take_over: bool
    verb: str
    people: tuple[str, ...]
    moves: tuple[str, ...]

    @property
    def needs_note(self) -> bool:
        """Whether passing it on takes a note."""
        return self.verb == "Forward"


def build(
    found: Hands, *, me: str, may_act: bool, is_open: bool, now: datetime
) -> HandsView | None:
    """
    Put the row together; None where there is nothing to say.

    Args:
        found: Who has it.
        me: Whoever looks at it.
        may_act: Whether they may decide it.
        is_open: Whether it still can be decided.
        now: Aware UTC time.
    """
    claim = found.claim if is_open else None
    holder = claim.person if claim else None
    others = [name for name in found.opened if name not in (me, holder)]
    if not found.has_team and claim is None:
        return None
    is_mine = claim is not None and claim.person == me
    acts = may_act and is_open
    return HandsView(
        text=_say_holder(claim, found.opened, me, now) if is_open else "",
        exact=f"until {format_exact(claim.until)}" if claim else "",
        open_text=_say_open(others),
        can_claim=acts and claim is None,
        can_release=acts and claim is not None and me in (claim.person, claim.assigned_by),
        can_take_over=acts and claim is not None and not is_mine,
        verb="Forward" if is_mine else "Assign",
        people=_find_others(found, claim, me) if acts and (claim is None or is_mine) else (),
        moves=tuple(_say_move(move, now) for move in found.moves),
    )


def say_in_list(claim: Claim | None, opened: Sequence[str], *, me: str) -> str:
    """Who has a card and who has it open, as short as a column takes."""
    holder = "" if claim is None else ("you" if claim.person == me else _short(claim.person))
    others = [name for name in opened if name != me and (claim is None or name != claim.person)]
    looking = f"{_short(others[0])}{f' +{len(others) - 1}' if others[1:] else ''}" if others else ""
    return " · ".join(part for part in (holder, f"open: {looking}" if looking else "") if part)


def _find_others(found: Hands, claim: Claim | None, me: str) -> tuple[str, ...]:
    holder = claim.person if claim else None
    return tuple(name for name in found.people if name not in (me, holder))


def _say_holder(claim: Claim | None, opened: Sequence[str], me: str, now: datetime) -> str:
    if claim is None:
        return "Nobody has it"
    is_open = " open" if claim.person in opened else ""
    who = "You have it" if claim.person == me else f"{claim.person} has it{is_open}"
    given = "you" if claim.assigned_by == me else claim.assigned_by
    by = f", given by {given}" if given else ""
    note = f": {one_line(claim.note, limit_count=NOTE_COUNT)}" if claim.note else ""
    return show_hidden(f"{who} · {format_countdown(claim.until, now)}{by}{note}")


def _say_open(names: Sequence[str]) -> str:
    if not names:
        return ""
    told = [show_hidden(name) for name in names[:NAMES_COUNT]]
    if names[NAMES_COUNT:]:
        told.append(f"{len(names) - NAMES_COUNT} more")
    return f"{join_words(told, last='and')} {'has' if len(names) == 1 else 'have'} it open"


def _say_move(move: Move, now: datetime) -> str:
    to = f" {move.to}" if move.verb in ("assign", "forward") and move.to else ""
    note = f": {one_line(move.note, limit_count=NOTE_COUNT)}" if move.note else ""
    did = _DID.get(move.verb, move.verb)
    return show_hidden(f"{format_ago(move.at, now)} · {move.actor} {did}{to}{note}")


def _short(name: str) -> str:
    return show_hidden(clip(one_line(name), SHORT_NAME_COUNT))
