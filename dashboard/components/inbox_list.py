"""The inbox's list of cards: filters, rows picked by id, new cards that wait to be let in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.pages import draw_pages
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.inbox import InboxList
from interlock.dashboard.views.inbox_filters import (
    AGES,
    EVERYBODYS,
    KINDS,
    MAX_CHARS,
    PENDING,
    RISKS,
    SHELVES,
    WHOSE,
    Name,
    Sieve,
    offer,
    sorts_of,
)

WAITS_PX, RISK_PX, HAS_IT_PX, ASKS_PX = 64, 68, 76, 180  # the last one holds `SHORT_COUNT` letters
_BOUND: dict[str, Any] = {"bind": "query-params"}


def draw_filters(
    sieve: Sieve,
    *,
    workflows: Sequence[str],
    nodes: Sequence[str],
    on_change: Callable[[], None],
    on_clear: Callable[[], None],
    on_several: Callable[[], None],
    is_several: bool,
    is_known: bool,
) -> None:
    """
    Draw the shelves, the search, the order and the filters; each is kept in the URL.

    Args:
        sieve: What is chosen.
        workflows: Those that can be chosen.
        nodes: Those that can be chosen.
        on_change: Called when another filter is chosen.
        on_clear: Called to clear all filters.
        on_several: Called to begin to choose several cards, or to end it.
        is_several: Whether several are being chosen.
        is_known: Whether somebody signed in, so that cards may be theirs.
    """
    shared: dict[str, Any] = {"on_change": on_change, **_BOUND}
    st.segmented_control(
        "Cards",
        list(SHELVES),
        default=PENDING,
        required=True,
        key=keys.inbox_status(),
        label_visibility="collapsed",
        **shared,
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Search",
            key=keys.inbox_filter("text"),
            placeholder="Search cards",
            icon=":material/search:",
            max_chars=MAX_CHARS,
            label_visibility="collapsed",
            live="400ms",
            width="stretch",
            **shared,
        )
        count = sum(
            1 for n, word in sieve.chosen.items() if word and n != "text" and word != EVERYBODYS
        )
        with st.popover(
            f"Filter · {count}" if count else "Filter",
            icon=":material/filter_list:",
            key=keys.inbox_filters(),
        ):
            st.selectbox(
                "Order",
                list(sorts_of(sieve.shelf)),
                key=keys.inbox_sort(is_pending=sieve.is_pending),
                **shared,
            )
            if is_known:
                st.selectbox("Whose", WHOSE, key=keys.inbox_filter("whose"), **shared)
            _draw_choice("Workflow", "workflow", workflows, sieve, shared)
            _draw_choice("Node", "node", nodes, sieve, shared)
            _draw_choice("Kind", "kind", list(KINDS), sieve, shared)
            _draw_choice("Risk", "risk", list(RISKS), sieve, shared)
            _draw_choice("Waiting over", "age", list(AGES), sieve, shared)
            draw_clear("list", on_clear=on_clear)
        if sieve.is_pending or is_several:
            st.button(
                "",
                key=keys.bulk_switch(),
                icon=":material/close:" if is_several else ":material/checklist:",
                help="Decide one by one again" if is_several else "Choose several cards",
                on_click=on_several,
            )


def _draw_choice(
    label: str, name: Name, offered: Sequence[str], sieve: Sieve, shared: dict[str, Any]
) -> None:
    st.selectbox(
        label,
        offer(offered, sieve.chosen[name]),
        index=None,
        key=keys.inbox_filter(name),
        placeholder="Any",
        **shared,
    )


def draw_clear(place: str, *, on_clear: Callable[[], None]) -> None:
    """The button that lets all cards through again."""
    st.button(
        "Clear filters",
        key=keys.inbox_clear(place),
        icon=":material/filter_list_off:",
        on_click=on_clear,
        type="tertiary",
    )


def draw_new(view: InboxList, *, on_show: Callable[[], None]) -> None:
    """Say what is listed, and announce new cards; the place is kept when there are none."""
    with st.container(
        height=42,
        border=False,
        horizontal=True,
        wrap=False,
        vertical_alignment="center",
        horizontal_alignment="distribute",
    ):
        filtered = f"{md_escape(view.filter_text)} · " if view.filter_text else ""
        st.caption(f"{filtered}{view.counts_text}", width="stretch", wrap=False)
        if view.new_text:
            st.button(
                view.new_text,
                key=keys.inbox_show_new(),
                icon=":material/arrow_upward:",
                on_click=on_show,
                type="tertiary",
            )


def draw_steps(
    view: InboxList,
    *,
    page_key: Callable[[str], str],
    on_step: Callable[[int], None] | None,
    on_turn: Callable[[int], None],
) -> None:
    """The pages, and the way to the card before and after the chosen one, where one is."""
    if not view.rows:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for by, label, icon in ((-1, "Previous", "up"), (1, "Next", "down")):
            if on_step is None:
                break
            st.button(
                label,
                key=keys.inbox_step(by),
                icon=f":material/keyboard_arrow_{icon}:",
                on_click=on_step,
                args=(by,),
                type="tertiary",
                disabled=not view.can_step(by),
            )
        if view.page_count > 1:
            draw_pages(view.page, view.page_count, key_of=page_key, on_turn=on_turn)


OnPick = Callable[[str, Sequence[str], str | None], None]


def draw_list(view: InboxList, *, turn: int, on_pick: OnPick, on_clear: Callable[[], None]) -> None:
    """
    Draw the list.

    Args:
        view: The list.
        turn: Rises when a card is chosen elsewhere, so that the table marks that one.
        on_pick: Called with the table's key, its ids and the one it marked when a row is picked.
        on_clear: Called to clear all filters.
    """
    if view.empty is not None:
        draw_empty(view.empty)
        if view.can_clear:
            draw_clear("empty", on_clear=on_clear)
        return
    rows: list[Row] = [
        {
            "Waits" if row.look.word == "waiting" else "State": (
                row.age if row.look.word == "waiting" else row.look
            ),
            "Risk": row.risk.removesuffix(" risk"),
            "Has it": row.hands,
            "Asks": row.short_title,
            "Where": row.about,
            "Left": row.timed or (Look(Tone.QUIET, row.left, "") if row.left else ""),
        }
        for row in view.rows
    ]
    empty = [name for name in ("Risk", "Has it", "Left") if not any(row[name] for row in rows)]
    shown = [{k: v for k, v in row.items() if k not in empty} for row in rows]
    is_marked = "marked" if view.selected_row is not None else "unmarked"
    draw_table(
        shown,
        key=keys.inbox_table((*view.ids, str(turn), is_marked)),
        ids=view.ids,
        selected=view.selected_row,
        on_pick=lambda key, ids: on_pick(key, ids, view.selected_id),
        columns={
            "Waits": st.column_config.TextColumn("Waits", width=WAITS_PX),
            "Risk": st.column_config.TextColumn("Risk", width=RISK_PX),
            "Has it": st.column_config.TextColumn("Has it", width=HAS_IT_PX),
            "Asks": st.column_config.TextColumn("Asks", width=ASKS_PX),
        },
        is_whole=True,
        alt=f"Cards: {view.total_text}",
    )
