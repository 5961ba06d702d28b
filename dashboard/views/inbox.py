"""
The inbox's list: which cards are shown, which is chosen, how many are new.

New cards announce themselves and wait to be let in, so that nothing moves under the cursor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.masking import mask_hidden
from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.inbox_filters import COUNT_LIMIT
from interlock.core.model.workflows import WorkflowName
from interlock.core.types import ApprovalId
from interlock.dashboard.palette import Look, look_of_approval
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    IN,
    clip,
    format_age,
    format_count,
    format_countdown,
    format_exact,
    one_line,
)
from interlock.dashboard.views.inbox_filters import SHELVES, Sieve
from interlock.dashboard.views.notices import Empty, offer_launch
from interlock.dashboard.views.words import look_of_deadline, look_of_risk

if TYPE_CHECKING:
    from interlock.core.services.sifting import Sifted

PAGE_COUNT = 25  # rows of one page; a table this long is drawn at once (facts: streamlit 2.4)
NEW_LIMIT_COUNT = 99  # more are announced as "99+"
TITLE_LIMIT_COUNT = 160
SHORT_COUNT = 26  # of a title in the list, whose column does not push away where it is asked
OUTSIDE = "the open card is not among these"
JUST_CAME = "This card had only just come up, so nothing was sent. Press again to decide it."


@dataclass(frozen=True, kw_only=True)
class CardRow:
    """One card in a list. The texts are an agent's: drawn in table cells or inert."""

    approval_id: ApprovalId
    version: int
    look: Look
    title: str
    short_title: str
    about: str
    risk: str
    age: str
    asked_at: str
    left: str
    timed: Look | None = None  # the same, once its time is running out
    hands: str = ""  # who has it, and who has it open


@dataclass(frozen=True, kw_only=True)
class InboxList:
    """
    The list as it is drawn; `selected_row` is where the chosen card stands now, if it is here.

    `counts_text` says how many are on each shelf, `filter_text` of which, `total_text` what is listed;
    `can_clear` is whether the filter hides what an empty list would otherwise show.
    """

    rows: tuple[CardRow, ...]
    ids: tuple[ApprovalId, ...]
    selected_id: ApprovalId | None
    selected_row: int | None
    new_text: str
    page: int
    page_count: int
    counts_text: str
    filter_text: str
    total_text: str
    empty: Empty | None
    can_clear: bool

    def can_step(self, by: int) -> bool:
        """Whether there is a card before or after the chosen one, on this page or another."""
        is_last = self.page == (self.page_count if by > 0 else 1)
        return bool(self.ids) and not (is_last and step(self.ids, self.selected_id, by) is None)


def build_row(approval: ApprovalSummary, *, now: datetime) -> CardRow:
    """One card as a row."""
    risk = look_of_risk(approval.risk)
    words = one_line(show_hidden(mask_hidden(approval.title)))
    title = clip(words, TITLE_LIMIT_COUNT) or "(no title)"
    return CardRow(
        approval_id=approval.approval_id,
        version=approval.version,
        look=look_of_approval(approval.status),
        title=title,
        short_title=clip(title, SHORT_COUNT),
        about=f"{approval.workflow}{IN}{approval.node}",
        risk=risk.word if risk else "",
        age=format_age(approval.asked_at, now),
        asked_at=format_exact(approval.asked_at),
        left=format_countdown(approval.deadline_at, now),
        timed=look_of_deadline(approval, now),
    )


def build(
    found: Sifted,
    *,
    sieve: Sieve,
    page: int,
    wanted_id: str | None,
    workflows: Sequence[WorkflowName],
    now: datetime,
    is_outside: bool = False,
    hands: Mapping[str, str] | None = None,
) -> InboxList:
    """
    Put the list together.

    Args:
        found: What the filter found: one page, the counts, what is new.
        sieve: The filter in words.
        page: Which page it is, from 1.
        wanted_id: The card the operator chose, wherever it stands.
        workflows: What could be launched to fill an empty inbox.
        now: Aware UTC time.
        is_outside: Whether the filter does not let the chosen card through.
        hands: Who has which cards, by id.
    """
    ids = tuple(a.approval_id for a in found.rows)
    selected_id = ApprovalId(wanted_id) if wanted_id else None
    said = show_hidden(", ".join(sieve.said))
    notes = [OUTSIDE] * is_outside + [f"only {said}"] * bool(said)
    empty = None if ids else _say_empty(found, sieve, workflows)
    return InboxList(
        rows=tuple(
            replace(build_row(a, now=now), hands=(hands or {}).get(a.approval_id, ""))
            for a in found.rows
        ),
        ids=ids,
        selected_id=selected_id,
        selected_row=ids.index(selected_id) if selected_id in ids else None,
        new_text=_announce(len(found.newer)),
        page=page,
        page_count=count_pages(found.total),
        counts_text=" · ".join(
            f"{_say_count(found.counts.get(shelf, 0))} {shelf.lower()}" for shelf in SHELVES
        ),
        filter_text=" · ".join(notes),
        total_text=f"{_say_cards(found.total)} of {said}" if said else _say_cards(found.total),
        empty=empty,
        can_clear=empty is not None and bool(sieve.said),
    )


def count_pages(total: int) -> int:
    """How many pages so many cards fill, as far as they are counted."""
    return max(1, -(-min(total, COUNT_LIMIT) // PAGE_COUNT))


def find_seen_until(
    newer: Sequence[ApprovalSummary], wanted_id: str | None, seen_until: datetime
) -> datetime:
    """Up to when cards are listed; a newer one that was opened by its link lets itself in."""
    asked_at = next((a.asked_at for a in newer if a.approval_id == wanted_id), seen_until)
    return max(asked_at, seen_until)


def step(ids: Sequence[str], chosen: str | None, by: int) -> str | None:
    """The card before or after the chosen one on this page; None where the page ends."""
    if chosen not in ids:
        return next(iter(ids if by > 0 else reversed(ids)), None)
    at = ids.index(chosen) + by
    return ids[at] if 0 <= at < len(ids) else None


def choose_next(order: Sequence[str], pending: Sequence[str], after: str | None) -> str | None:
    """
    The card to show when none is chosen: the one after the last decided, in the order the operator saw.

    Args:
        order: Ids as they stood in the list, decided ones included.
        pending: Ids of pending cards, oldest first.
        after: The card just decided, if any.
    """
    if after in order:
        at = order.index(after)
        for candidate in (*order[at + 1 :], *order[:at]):
            if candidate in pending:
                return candidate
    # One that was voted on alone waits still: it is gone back to where nothing else does.
    return next((i for i in pending if i != after), after if after in pending else None)


def may_let_in(view: InboxList) -> bool:
    """Whether new cards come in by themselves: nothing is there that they could push away."""
    return not view.rows and bool(view.new_text)


def say_nothing_chosen(
    sieve: Sieve, others: int, workflows: Sequence[WorkflowName], *, held: int = 0
) -> Empty:
    """
    What stands in place of a card while none waits, or none that the filter lets through; of those that
    it does `held` are such as others have.
    """
    if held:
        return Empty(
            f"Every card that waits here is one that others have: {_say_cards(held)}. Choose one from"
            " the list to see who."
        )
    if sieve.said and others:
        waits = "waits" if others == 1 else "wait"
        return Empty(
            f"No card of {', '.join(sieve.said)} waits. {_say_cards(others)} of other kinds {waits}."
        )
    return offer_launch("No card waits. The next one will be shown here at once.", workflows)


def _announce(count: int) -> str:
    if count == 0:
        return ""
    return f"{NEW_LIMIT_COUNT}+ new" if count > NEW_LIMIT_COUNT else f"{count} new"


def _say_count(count: int) -> str:
    return f"{format_count(COUNT_LIMIT)}+" if count > COUNT_LIMIT else format_count(count)


def _say_cards(count: int) -> str:
    return f"{_say_count(count)} {'card' if count == 1 else 'cards'}"


def _say_empty(found: Sifted, sieve: Sieve, workflows: Sequence[WorkflowName]) -> Empty:
    if found.newer:
        return Empty("Everything you saw is decided; new cards have arrived.")
    if sieve.said:
        return Empty(show_hidden(f"No card of {', '.join(sieve.said)} is here."))
    if sieve.is_pending:
        text = "Nothing waits for you. A run that asks for a human puts its card here."
        return offer_launch(text, workflows)
    return Empty("Nothing here yet. Cards come here once they have been decided or closed.")
