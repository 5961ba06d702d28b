"""The quiet line: what became of the last decision. Its place is kept when there is nothing to say."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.badges import as_markdown
from interlock.dashboard.components.links import page_path
from interlock.dashboard.views.outcome import OutcomeLine

HEIGHT = 42  # pixels: one line with its link


def draw_outcome(line: OutcomeLine | None) -> None:
    with st.container(
        key=keys.inbox_outcome(),
        height=HEIGHT,
        border=False,
        horizontal=True,
        wrap=False,
        gap="small",
    ):
        if line is None:
            return
        st.caption(f"{as_markdown(line.look)} {line.text}", width="stretch")
        with st.container(key=f"{keys.open_run(line.run_id)}-outcome", width="content"):
            st.page_link(page_path("run"), label="Run", query_params={"run_id": line.run_id})
