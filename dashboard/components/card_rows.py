"""Cards in short: a line each, with a button that opens exactly this card."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.links import page_path
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.inbox import CardRow


def draw_card_rows(rows: Sequence[CardRow], *, place: str) -> None:
    """
    Draw cards one below the other.

    Args:
        rows: The cards in order.
        place: Where on the page; the same card may stand in two places.
    """
    for row in rows:
        key = f"{keys.open_card(row.approval_id)}-{place}"
        with st.container(key=key, horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**{md_escape(row.title)}**")
                left = f" · {row.left}" if row.left and row.timed is None else ""
                risk = f" · {row.risk}" if row.risk else ""
                st.caption(
                    f"{md_escape(row.about + risk)} · waits {row.age}{left}", help=row.asked_at
                )
            if row.timed is not None:
                draw_badge(row.timed)
            draw_badge(row.look)
            st.page_link(
                page_path("inbox"),
                label="Open",
                icon=":material/open_in_new:",
                query_params={"approval_id": row.approval_id},
            )
