"""Runs in short: a line each, with a link to the run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.links import page_path
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import clip
from interlock.dashboard.views.runs import RunRow

PROBLEM_LIMIT_COUNT = 36  # characters: two lines of half a page


def draw_run_rows(rows: Sequence[RunRow], *, place: str) -> None:
    """Draw runs one below the other; `place` tells two lists of one page apart."""
    for row in rows:
        key = f"{keys.open_run(row.run_id)}-{place}"
        with st.container(key=key, horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(gap=None, width="stretch"):
                st.markdown(md_escape(row.workflow))
                problem = f" · {clip(row.problem, PROBLEM_LIMIT_COUNT)}" if row.problem else ""
                line = f"{row.started} · {row.took}{problem}"
                whole = f": {row.problem}" if row.problem else ""
                about = f"{row.started_at}, run {row.run_id}{whole}"
                st.caption(md_escape(line), help=md_escape(about))
            draw_badge(row.look)
            st.page_link(
                page_path("run"),
                label="Open",
                icon=":material/open_in_new:",
                query_params={"run_id": row.run_id},
            )
