"""The table of caches, and the form that clears them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.palette import Tone, shade
from interlock.dashboard.views.caches import CacheRow, Choice
from interlock.dashboard.views.escaping import md_escape, show_hidden

MAX_CHARS = 500
_WORDS = {"Workflow", "Node", "Tiers"}  # the other columns are figures


def draw_caches(rows: Sequence[CacheRow], *, trend_title: str, alt: str) -> None:
    frame = pd.DataFrame([{k: show_hidden(v) for k, v in row.cells.items()} for row in rows])
    # Beside what it is the trend of, where a phone still shows it.
    frame.insert(3, trend_title, [list(row.trend) for row in rows])
    config = {
        name: st.column_config.TextColumn(name, alignment="left" if name in _WORDS else "right")
        for name in frame.columns
    }
    config[trend_title] = st.column_config.LineChartColumn(
        trend_title, y_min=0, y_max=1, color=shade(Tone.CACHED, read_theme()).fill
    )
    st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        height="content",
        alt=alt,
        key=keys.caches_table(),
    )


def draw_clearing(
    choices: Sequence[Choice], events: Sequence[str], *, on_clear: Callable[[], None]
) -> None:
    with st.popover("Clear", icon=":material/delete_sweep:", key=keys.cache_clearing("form")):
        st.selectbox(
            "What of",
            choices,
            format_func=lambda choice: choice.label,
            key=keys.cache_clearing("place"),
            on_change="ignore",
        )
        st.text_input(
            "Only what matches",
            key=keys.cache_clearing("pattern"),
            placeholder="*refund*",
            help="Held against workflow/node and against what was asked; * and ? stand for any.",
            max_chars=MAX_CHARS,
            on_change="ignore",
        )
        if len(events) > 1:
            st.selectbox(
                "Only by event",
                events,
                format_func=md_escape,
                key=keys.cache_clearing("event"),
                on_change="ignore",
            )
        st.text_input(
            "Reason (optional)",
            key=keys.cache_clearing("reason"),
            max_chars=2000,
            on_change="ignore",
        )
        st.button(
            "Clear what is held",
            key=keys.cache_clearing("clear"),
            icon=":material/delete_sweep:",
            help="The next runs compute again; nothing else is lost.",
            on_click=on_clear,
        )
