"""Ways to our other pages, and empty places that hold one."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.notices import Empty, Link, PageName

_ICONS: Mapping[PageName, str] = {
    "overview": ":material/dashboard:",
    "inbox": ":material/inbox:",
    "launch": ":material/rocket_launch:",
    "runs": ":material/list_alt:",
    "run": ":material/timeline:",
    "batch": ":material/table_rows:",
    "history": ":material/history:",
    "what_if": ":material/call_split:",
    "caches": ":material/cached:",
    "alerts": ":material/notifications:",
    "breakers": ":material/electric_bolt:",
    "figures": ":material/monitoring:",
    "report": ":material/print:",
    "workflows": ":material/account_tree:",
    "audit": ":material/policy:",
    "demonstration": ":material/tour:",
}


def page_path(page: PageName) -> str:
    """A page's file, as Streamlit names it: from the folder of `app.py`."""
    return f"app_pages/{page}.py"


def draw_link(link: Link, *, icon: str | None = None) -> None:
    st.page_link(
        page_path(link.page),
        label=md_escape(link.label),
        icon=icon or _ICONS[link.page],
        query_params=dict(link.params),
    )


def draw_empty(empty: Empty) -> None:
    """Say what would fill the place, and offer it."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.markdown(f":gray[{md_escape(empty.text)}]")
        if empty.link is not None:
            draw_link(empty.link)
