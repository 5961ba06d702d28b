"""The parts of the metrics page that are neither chart nor plain table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.links import page_path
from interlock.dashboard.views.escaping import md_escape, show_hidden
from interlock.dashboard.views.metrics_node import Narrowed
from interlock.dashboard.views.metrics_tables import ErrorRow


def draw_narrowed(narrowed: Narrowed | None, *, on_all: Callable[[], None]) -> None:
    """Which node it is narrowed to, with the way back to all."""
    if narrowed is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            md_escape(narrowed.label),
            key=keys.metrics_node_off(),
            icon=":material/close:",
            help="Show all nodes",
            on_click=on_all,
        )
        st.caption(narrowed.note)


def draw_errors(rows: Sequence[ErrorRow]) -> None:
    """Each kind of error with the newest runs that had it; its message is foreign."""
    for row in rows:
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{md_escape(row.error_type)}**", width="stretch")
                for run_id, short in row.runs:
                    st.page_link(
                        page_path("run"),
                        label=md_escape(short),
                        icon=":material/timeline:",
                        query_params={"run_id": run_id},
                    )
            st.caption(f"{md_escape(row.where)} · {row.count}, last {row.last}", help=row.last_at)
            if row.message:
                st.code(row.message, language=None, wrap_lines=True)


def draw_beside(beside: Sequence[dict[str, str]], *, alt: str) -> None:
    """Variants side by side, a figure a row."""
    if not beside:
        st.caption("Two variants of a workflow that ran in this window stand here side by side.")
        return
    st.dataframe(
        pd.DataFrame([{k: show_hidden(v) for k, v in row.items()} for row in beside]),
        hide_index=True,
        key=keys.metrics_table("beside"),
        alt=alt,
        height="content",
    )
