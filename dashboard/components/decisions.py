"""Who decided what, when and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.changes import draw_changes
from interlock.dashboard.views.decisions import DecisionRow
from interlock.dashboard.views.escaping import md_escape


def draw_decisions(rows: Sequence[DecisionRow]) -> None:
    for row in rows:
        with st.container(border=True, gap="small"):
            st.markdown(f"**{md_escape(row.headline)}**", help=row.decided_at)
            line = f"{row.title} · version {row.version} · decided after {row.took}"
            st.caption(md_escape(line))
            if row.reason:
                draw_text(row.reason)
            if row.each:
                draw_text("\n".join(row.each))
            if row.votes:
                draw_text("\n".join(row.votes))
            if row.refused:
                st.caption("The workflow refused this answer:")
                draw_text(row.refused)
            if row.changes:
                draw_changes(row.changes)
            with st.expander("Answer that was sent"):
                draw_value(row.answer)
