"""Keys of the inbox around a card."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.dashboard.keys.making import digest, join, of_card


def inbox_table(ids: Iterable[str]) -> str:
    """
    The list of cards with exactly these ids in this order.

    Row selection is by position; a list with other rows is another widget, so that a selection never
    moves to another card.
    """
    return f"inbox-table-{digest(ids)}"


def inbox_list() -> str:
    """The container of the list."""
    return "inbox-list"


def inbox_detail() -> str:
    """The container of the chosen card."""
    return "inbox-detail"


def decision_bar() -> str:
    """The bar with the buttons of the chosen card."""
    return "decision-bar"


def decision_row(approval_id: str, version: int) -> str:
    """The buttons of one version: those of the card before leave with their row."""
    return of_card("decision-row", approval_id, version)


def inbox_outcome() -> str:
    """The quiet line about the last decision."""
    return "inbox-outcome"


def inbox_status() -> str:
    """The choice of which cards are listed: pending, decided, ..."""
    return "inbox-status"


def inbox_filter(name: str) -> str:
    """A filter of the list by its name (`workflow`, `node`, ...); it is in the URL by this name, too."""
    return f"inbox-{name}"


def inbox_sort(*, is_pending: bool) -> str:
    """The order of the list: what waits has orders of its own."""
    return "inbox-sort" if is_pending else "inbox-sort-closed"


def inbox_filters() -> str:
    """What opens the filters that are not always seen."""
    return "inbox-filters"


def inbox_clear(place: str) -> str:
    """A button that clears all filters."""
    return join("inbox-clear", place)


def inbox_step(by: int) -> str:
    """The button that goes to the card after the chosen one, or to the one before it."""
    return "inbox-next" if by > 0 else "inbox-previous"


def inbox_page(shown: str, turn: str) -> str:
    """The page number within one filter; `turn` counts how often it was turned elsewhere."""
    return join("inbox-page", shown, turn)


def inbox_show_new() -> str:
    """The button that lets new cards into the list."""
    return "inbox-show-new"


def inbox_keyboard() -> str:
    """The keys, and the line that shows them."""
    return "inbox-keyboard"


def open_card(approval_id: str) -> str:
    """A button elsewhere that opens a card in the inbox."""
    return join("open", approval_id)
