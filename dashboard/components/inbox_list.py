"""The inbox's list of cards; a row is picked by id, and new cards wait to be let in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views.inbox import InboxList


def draw_new(view: InboxList, *, on_show: Callable[[], None]) -> None:
    """Announce new cards; the place is kept when there are none."""
    with st.container(height=42, border=False):
        if view.new_text:
            st.button(
                view.new_text,
                key=keys.inbox_show_new(),
                icon=":material/arrow_upward:",
                on_click=on_show,
                type="tertiary",
            )
        else:
            st.caption(view.total_text)


OnPick = Callable[[str, Sequence[str], str | None], None]


def draw_list(view: InboxList, *, turn: int, on_pick: OnPick) -> None:
    """
    Draw the list.

    Args:
        view: The list.
        turn: Rises when a card is chosen elsewhere, so that the table marks that one.
        on_pick: Called with the table's key, its ids and the one it marked when a row is picked.
    """
    if view.empty is not None:
        draw_empty(view.empty)
        return
    rows: list[Row] = [
        {
            "Waits" if row.look.word == "waiting" else "State": (
                row.age if row.look.word == "waiting" else row.look
            ),
            "Asks": row.title,
            "Where": row.about,
            "Risk": row.risk,
            "Left": row.left,
        }
        for row in view.rows
    ]
    empty = [name for name in ("Risk", "Left") if not any(row[name] for row in rows)]
    shown = [{k: v for k, v in row.items() if k not in empty} for row in rows]
    is_marked = "marked" if view.selected_row is not None else "unmarked"
    draw_table(
        shown,
        key=keys.inbox_table((*view.ids, str(turn), is_marked)),
        ids=view.ids,
        selected=view.selected_row,
        on_pick=lambda key, ids: on_pick(key, ids, view.selected_id),
        columns={
            "Waits": st.column_config.TextColumn("Waits", width="small"),
        },
        is_whole=True,
        alt=f"Cards: {view.total_text}",
    )
