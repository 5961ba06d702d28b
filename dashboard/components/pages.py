"""The numbers of the pages of a list, whose page may also be turned elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

_TURNS = "interlock-pages"


def draw_pages(
    page: int, count: int, *, key_of: Callable[[str], str], on_turn: Callable[[int], None]
) -> None:
    """
    Draw the page numbers; the page itself is remembered by who draws them.

    A widget that is on the page keeps what the browser says, whatever is put into the session in the same
    turn. So a page that was turned elsewhere gets another widget, which starts with it.

    Args:
        page: Which page is shown, from 1.
        count: How many there are.
        key_of: The key of the widget, of how often the page was turned elsewhere.
        on_turn: Called with the page that was chosen.
    """
    turns: dict[str, tuple[int, int]] = st.session_state.setdefault(_TURNS, {})
    turn, first = turns.get(key_of(""), (0, page))
    if st.session_state.get(key_of(str(turn)), first) != page:
        turn, first = turn + 1, page
    turns[key_of("")] = (turn, first)
    key = key_of(str(turn))
    st.pagination(
        count,
        default=min(first, count),
        key=key,
        on_change=lambda: on_turn(int(st.session_state[key])),
    )
