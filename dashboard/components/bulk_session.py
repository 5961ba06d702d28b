"""
What one session remembers of the cards it is choosing: which, as which version, and which it has seen.

By approval id; losing it costs some clicks, never a decision. The report of what was decided stays
until it is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.model.bulk import Pick
from interlock.core.types import ApprovalId
from interlock.dashboard import keys, state
from interlock.dashboard.components import inbox_session
from interlock.dashboard.views.bulk import Report, find_room

PLACE = "bulk"
_BEGUN = "bulk-begun"
_PICKS = "bulk-picks"
_SEEN = "bulk-seen"
_PAGE = "bulk-page-number"
_REPORT = "bulk-last-report"
_NONE = ""


def is_choosing() -> bool:
    """Whether several cards are being chosen; a link to one card, wherever it stands, ends it."""
    begun = st.session_state.get(_BEGUN)
    return begun is not None and begun == (state.read_param(inbox_session.PARAM) or _NONE)


def begin() -> None:
    """Begin to choose; what was chosen before is chosen still."""
    st.session_state[_BEGUN] = state.read_param(inbox_session.PARAM) or _NONE


def end() -> None:
    """End choosing, and forget what was chosen."""
    st.session_state.pop(_BEGUN, None)
    clear()


def clear() -> None:
    """Choose no card."""
    for name in (_PICKS, _SEEN, _PAGE):
        st.session_state.pop(name, None)


def picks() -> tuple[Pick, ...]:
    """What is chosen, in the order in which it was."""
    return tuple(_held().values())


def is_picked(approval_id: str) -> bool:
    """Whether a card is chosen."""
    return approval_id in _held()


def add(cards: Sequence[tuple[str, int]]) -> None:
    """Choose these versions of cards, as far as there is room; one that is chosen already stays as it is."""
    held = _held()
    for approval_id, version in cards:
        if approval_id not in held and find_room(len(held), 1):
            held[approval_id] = Pick(ApprovalId(approval_id), version)


def drop(approval_id: str) -> None:
    """Choose it no more."""
    _held().pop(approval_id, None)


def choose_anew(approval_id: str, version: int) -> None:
    """Choose another version of a card that is chosen."""
    _held()[approval_id] = Pick(ApprovalId(approval_id), version)


def check(approval_id: str, version: int) -> None:
    """Do as the box before a card says."""
    if st.session_state.get(keys.bulk_check(approval_id)):
        add([(approval_id, version)])
    else:
        drop(approval_id)


def show_check(approval_id: str) -> None:
    """Let the box before a card say whether it is chosen; called before it is drawn."""
    st.session_state[keys.bulk_check(approval_id)] = is_picked(approval_id)


def note_seen(shown: Sequence[Pick]) -> None:
    """Remember that these contents were drawn."""
    seen().update(shown)


def seen() -> set[Pick]:
    """Whose contents were drawn."""
    found: set[Pick] = st.session_state.setdefault(_SEEN, set())
    return found


def page() -> int:
    """Which page of the contents is drawn, from 1."""
    number: int = st.session_state.get(_PAGE, 1)
    return number


def turn_page(number: int) -> None:
    """Draw another page of the contents."""
    st.session_state[_PAGE] = number


def keep_report(report: Report | None) -> None:
    """Remember what came of it, until that is left."""
    st.session_state[_REPORT] = report


def report() -> Report | None:
    """What came of the last ones that were decided together, if it was not left."""
    found: Report | None = st.session_state.get(_REPORT)
    return found


def _held() -> dict[str, Pick]:
    found: dict[str, Pick] = st.session_state.setdefault(_PICKS, {})
    return found
