"""What stands around a thread's tree: the filters, the buttons that page and fold, the list of threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views.formatting import format_plural
from interlock.dashboard.views.history_filters import EVERY, FilterView
from interlock.dashboard.views.threads import ThreadList

Act = Callable[[], None]


def draw_filters(view: FilterView, *, on_change: Act) -> None:
    """
    Draw the filters, each showing what the address says.

    Args:
        view: What can be chosen and what is.
        on_change: Called when one of them was changed.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for what, label in (("from", "Steps from"), ("to", "to")):
            key = _put(keys.history_filter(what), view.values[what])
            st.text_input(label, key=key, on_change=on_change, max_chars=9, width=76)
        for what, label in (("node", "Node"), ("source", "Made by"), ("run", "Run")):
            key = _put(keys.history_filter(what), view.values[what] or EVERY)
            st.selectbox(
                label,
                list(view.options[what]),
                format_func=view.options[what].__getitem__,
                key=key,
                on_change=on_change,
                width=150,
            )
        key = _put(keys.history_filter("decisions"), view.values["decisions"] == "1")
        st.toggle("Decision points", key=key, on_change=on_change)
        st.button(
            "All points",
            key=keys.history_filter("off"),
            icon=":material/filter_alt_off:",
            disabled=view.is_free,
            on_click=on_change,
            kwargs={"is_off": True},
        )


def read_filters() -> dict[str, str | None]:
    """What the filters hold, as the address says it."""
    held = {what: st.session_state.get(keys.history_filter(what)) for what in FilterView.NAMES}
    said = {what: str(value).strip() for what, value in held.items() if value not in (None, EVERY)}
    said["decisions"] = "1" if held["decisions"] else ""
    return {what: said.get(what) or None for what in FilterView.NAMES}


def draw_go(offers: Mapping[str, tuple[str, str, Act | None]]) -> None:
    """
    Draw buttons beside the tree.

    Args:
        offers: By name: label, icon, what it does; None where it can do nothing at the moment.
    """
    for name, (label, icon, act) in offers.items():
        st.button(
            label,
            key=keys.history_go(name),
            icon=f":material/{icon}:",
            disabled=act is None,
            on_click=act,
        )


def draw_threads(view: ThreadList, *, on_pick: Callable[[str, Sequence[str]], None]) -> None:
    rows: list[Row] = [
        {
            "Thread": row.short,
            "Workflow": row.workflow,
            "Last run": row.look,
            "Moved": row.moved,
            "Waiting": row.waiting,
            "Points": row.points,
            "Size": row.size,
            "Notes": row.notes,
        }
        for row in view.rows
    ]
    right = {
        name: st.column_config.TextColumn(name, alignment="right", width="small")
        for name in ("Points", "Size")
    }
    draw_table(
        rows,
        key=keys.history_threads(view.ids),
        ids=view.ids,
        on_pick=on_pick,
        columns=right,
        is_whole=True,
        alt=f"{format_plural(len(rows), 'thread')}, the one that moved last first",
    )


def _put(key: str, value: Any) -> str:
    """The address says what is chosen; the widget follows it."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return key
