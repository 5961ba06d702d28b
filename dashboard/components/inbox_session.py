"""
What one session remembers of its inbox: selection, order seen, drafts' problems. Never facts.

Everything is kept by approval id; losing it costs a click, never a decision.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from interlock.core.errors import FieldProblem
from interlock.dashboard import keys, state
from interlock.dashboard.views.inbox_filters import EVERYBODYS, MINE, NAMES, Name, Sieve
from interlock.dashboard.views.inbox_filters import build as build_sieve
from interlock.dashboard.views.outcome import Outcome

PLACE = "inbox"
PARAM = "approval_id"
_ORDER = "inbox-order"
_AFTER = "inbox-after"
_TURN = "inbox-turn"
_SEEN = "inbox-seen"
_PROBLEMS = "inbox-problems"
_CLEARED: dict[Name, str] = {"text": "", "whose": EVERYBODYS}  # nothing is left out
_OUTCOME = "inbox-outcome"
_CAME = "inbox-came"
_LEFT = "inbox-left"
_DRAWN = "inbox-drawn"
_DECIDED = "inbox-decided"
_PAGES = "inbox-pages"
URL_LAG_S = 2.0  # for a new URL to reach the browser and come back with what it asks for
UNREAD_S = 1.0  # within it a click is the second of a double click, not a decision on what was read


def pick(approval_id: str | None, *, after: str | None = None) -> None:
    """Choose a card; None lets the next one be chosen, the one after `after` in the order seen."""
    named = state.read_param(PARAM)
    if named and named != approval_id:
        st.session_state[_LEFT] = (named, time.monotonic())
    state.pick(PLACE, approval_id)
    state.set_params(**{PARAM: approval_id})
    st.session_state[_AFTER] = after


def turn_list() -> None:
    """Make the list mark the chosen card anew, because it was chosen elsewhere."""
    st.session_state[_TURN] = turn() + 1


def turn() -> int:
    """How often the list had to be marked anew."""
    count: int = st.session_state.get(_TURN, 0)
    return count


def picked() -> str | None:
    """
    The chosen card: the one of the URL first, which may have been typed or opened by a link.

    What the browser asks for right after a choice may still carry the URL before it, and must not undo
    the choice.
    """
    named, chosen = state.read_param(PARAM), state.picked(PLACE)
    left, at_s = st.session_state.get(_LEFT, (None, 0.0))
    if named == left and time.monotonic() - at_s < URL_LAG_S:
        return chosen
    return named or chosen


def after() -> str | None:
    """The card that was just decided, if the next one is still to be chosen."""
    found: str | None = st.session_state.get(_AFTER)
    return found


def note_coming(approval_id: str | None) -> None:
    """Remember that a card came up by itself, in the place of the one that was just decided."""
    st.session_state[_CAME] = (approval_id, time.monotonic())


def has_just_come(approval_id: str) -> bool:
    """Whether a card came up by itself so lately that nobody can have meant to decide it."""
    came, at_s = st.session_state.get(_CAME, (None, 0.0))
    return bool(came == approval_id and time.monotonic() - at_s < UNREAD_S)


def read_sieve(*, is_known: bool = False) -> Sieve:
    """
    What the list is sifted by: what is chosen on the page; before it is drawn, what the URL says.

    Whoever `is_known` by signing in sees their own cards first; anybody else has none of their own.
    """
    shelf = _read(keys.inbox_status())
    is_pending = build_sieve(shelf, {}, None).is_pending
    chosen = {name: _read(keys.inbox_filter(name)) for name in NAMES}
    chosen["whose"] = (chosen["whose"] or MINE) if is_known else None
    return build_sieve(shelf, chosen, _read(keys.inbox_sort(is_pending=is_pending)))


def clear_sieve() -> None:
    """Choose no filter; the shelf and the order stay."""
    for name in NAMES:
        st.session_state[keys.inbox_filter(name)] = _CLEARED.get(name)


def _read(key: str) -> str | None:
    found = st.session_state[key] if key in st.session_state else state.read_param(key)
    return found if isinstance(found, str) else None


def next_drawing() -> int:
    """Another number at each drawing of the card."""
    number: int = st.session_state.get(_DRAWN, 0) + 1
    st.session_state[_DRAWN] = number
    return number


def keep_order(ids: Sequence[str]) -> None:
    """Remember the order in which the operator sees the cards."""
    st.session_state[_ORDER] = tuple(ids)


def order() -> tuple[str, ...]:
    """The order in which the operator sees the cards."""
    found: tuple[str, ...] = st.session_state.get(_ORDER, ())
    return found


def seen_until(name: str, now: datetime) -> datetime:
    """Up to when cards were let into this list; at first, until now."""
    seen: dict[str, datetime] = st.session_state.setdefault(_SEEN, {})
    return seen.setdefault(name, now)


def let_in(name: str, moment: datetime) -> None:
    """Let all cards into this list that were asked until then."""
    st.session_state.setdefault(_SEEN, {})[name] = moment


def page(shown: str) -> int:
    """Which page of a list is shown, from 1."""
    pages: dict[str, int] = st.session_state.get(_PAGES, {})
    return pages.get(shown, 1)


def turn_page(shown: str, number: int) -> None:
    """Show another page of a list."""
    st.session_state.setdefault(_PAGES, {})[shown] = number


def keep_problems(approval_id: str, version: int, problems: Sequence[FieldProblem]) -> None:
    """Remember what was wrong with the last try on one version of a card; nothing clears it."""
    held: dict[Any, tuple[FieldProblem, ...]] = st.session_state.setdefault(_PROBLEMS, {})
    held[approval_id, version] = tuple(problems)


def problems(approval_id: str, version: int) -> tuple[FieldProblem, ...]:
    """What was wrong with the last try."""
    held: dict[Any, tuple[FieldProblem, ...]] = st.session_state.get(_PROBLEMS, {})
    return held.get((approval_id, version), ())


def keep_outcome(outcome: Outcome | None) -> None:
    """Remember the last decision made here, for the quiet line; None for none."""
    st.session_state[_OUTCOME] = outcome


def note_decided(approval_id: str, version: int) -> None:
    """Remember that this version of a card has just been decided here."""
    st.session_state[_DECIDED] = (approval_id, version, time.monotonic())


def has_just_decided(approval_id: str, version: int) -> bool:
    """Whether this version of a card was decided here a moment ago."""
    decided, its_version, at_s = st.session_state.get(_DECIDED, ("", 0, 0.0))
    is_it: bool = (decided, its_version) == (approval_id, version)
    return is_it and time.monotonic() - at_s < UNREAD_S


def outcome() -> Outcome | None:
    """The last decision made here."""
    found: Outcome | None = st.session_state.get(_OUTCOME)
    return found
