"""
The inbox's list: which cards are shown, which is chosen, how many are new.

New cards announce themselves and wait to be let in, so that nothing moves under the cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary
from interlock.core.model.workflows import WorkflowName
from interlock.core.types import ApprovalId
from interlock.dashboard.palette import Look, look_of_approval
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    IN,
    clip,
    format_age,
    format_countdown,
    format_exact,
    format_plural,
    one_line,
)
from interlock.dashboard.views.notices import Empty, offer_launch
from interlock.dashboard.views.words import look_of_risk

PAGE_COUNT = 25  # rows of one page; a table this long is drawn at once (facts: streamlit 2.4)
NEW_LIMIT_COUNT = 99  # more are announced as "99+"
TITLE_LIMIT_COUNT = 160
JUST_CAME = "This card had only just come up, so nothing was sent. Press again to decide it."
CLOSED = (
    ApprovalStatus.DECIDED,
    ApprovalStatus.EXPIRED,
    ApprovalStatus.WITHDRAWN,
    ApprovalStatus.SUPERSEDED,
)
SHELVES: dict[str, tuple[ApprovalStatus, ...]] = {
    "pending": (ApprovalStatus.PENDING,),
    "decided": (ApprovalStatus.DECIDED,),
    "closed": CLOSED[1:],
}
SHELF_NAMES = {"pending": "Pending", "decided": "Decided", "closed": "No longer asked"}


@dataclass(frozen=True, kw_only=True)
class CardRow:
    """One card in a list. The texts are an agent's: drawn in table cells or inert."""

    approval_id: ApprovalId
    version: int
    look: Look
    title: str
    about: str
    risk: str
    age: str
    asked_at: str
    left: str


@dataclass(frozen=True, kw_only=True)
class InboxList:
    """The list as it is drawn; `selected_row` is where the chosen card stands now, if it is here."""

    rows: tuple[CardRow, ...]
    ids: tuple[ApprovalId, ...]
    selected_id: ApprovalId | None
    selected_row: int | None
    new_text: str
    page_count: int
    total_text: str
    empty: Empty | None


def build_row(approval: ApprovalSummary, *, now: datetime) -> CardRow:
    """One card as a row."""
    risk = look_of_risk(approval.risk)
    return CardRow(
        approval_id=approval.approval_id,
        version=approval.version,
        look=look_of_approval(approval.status),
        title=clip(one_line(show_hidden(approval.title)), TITLE_LIMIT_COUNT) or "(no title)",
        about=f"{approval.workflow}{IN}{approval.node}",
        risk=risk.word if risk else "",
        age=format_age(approval.asked_at, now),
        asked_at=format_exact(approval.asked_at),
        left=format_countdown(approval.deadline_at, now),
    )


def build(
    cards: Sequence[ApprovalSummary],
    *,
    newest: Sequence[ApprovalSummary],
    seen_until: datetime,
    total: int,
    shelf: str,
    wanted_id: str | None,
    is_filtered: bool,
    workflows: Sequence[WorkflowName],
    now: datetime,
) -> InboxList:
    """
    Put the list together.

    Args:
        cards: One page of cards, in order.
        newest: The newest cards of the same filter, newest first; they tell what is new.
        seen_until: Cards asked later are announced, not shown.
        total: How many the filter has in all.
        shelf: Which cards are listed, a key of `SHELVES`.
        wanted_id: The card the operator chose, wherever it stands.
        is_filtered: Whether a workflow was chosen.
        workflows: What could be launched to fill an empty inbox.
        now: Aware UTC time.
    """
    new_ids = {a.approval_id for a in newest if a.asked_at > seen_until} - {wanted_id}
    shown = [a for a in cards if a.approval_id not in new_ids]
    ids = tuple(a.approval_id for a in shown)
    selected_id = ApprovalId(wanted_id) if wanted_id else None
    return InboxList(
        rows=tuple(build_row(a, now=now) for a in shown),
        ids=ids,
        selected_id=selected_id,
        selected_row=ids.index(selected_id) if selected_id in ids else None,
        new_text=_announce(len(new_ids)),
        page_count=max(1, -(-total // PAGE_COUNT)),
        total_text=format_plural(total, "card"),
        empty=None
        if shown
        else _say_empty(shelf, len(new_ids), workflows, is_filtered=is_filtered),
    )


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
    return next((i for i in pending if i != after), None)


def may_let_in(view: InboxList) -> bool:
    """Whether new cards come in by themselves: nothing is there that they could push away."""
    return not view.rows and bool(view.new_text)


def say_nothing_chosen(workflows: Sequence[WorkflowName]) -> Empty:
    """What stands in place of a card while none waits."""
    return offer_launch("No card waits. The next one will be shown here at once.", workflows)


def _announce(count: int) -> str:
    if count == 0:
        return ""
    return f"{NEW_LIMIT_COUNT}+ new" if count > NEW_LIMIT_COUNT else f"{count} new"


def _say_empty(
    shelf: str, new_count: int, workflows: Sequence[WorkflowName], *, is_filtered: bool
) -> Empty:
    if new_count:
        return Empty("Everything you saw is decided; new cards have arrived.")
    if is_filtered:
        return Empty("No card of this workflow is here. Choose another, or all of them.")
    if shelf == "pending":
        text = "Nothing waits for you. A run that asks for a human puts its card here."
        return offer_launch(text, workflows)
    return Empty("Nothing here yet. Cards come here once they have been decided or closed.")
