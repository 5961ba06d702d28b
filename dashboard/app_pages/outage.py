"""In place of a page while the database does not answer; the page comes by itself when it does."""

from __future__ import annotations

import streamlit as st

from interlock.core.errors import StoreUnavailable
from interlock.core.services import durability, health
from interlock.dashboard import deps
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.words import say_going_on

LOOK_S = 2.0


@st.fragment(run_every=LOOK_S)
def draw_outage(reason: str) -> None:
    """Say what is, and draw the whole page as soon as it is over."""
    if _is_over():
        st.rerun()
    st.error(
        "The database does not answer, so nothing can be shown or decided now. Runs hold where they"
        " stand and go on by themselves; no decision that was taken is lost. This page comes back"
        " when the database does.",
        icon=":material/cloud_off:",
    )
    draw_going_on()
    st.code(reason, language=None, wrap_lines=True)


def draw_going_on() -> None:
    """Say which workflows go on without being stored, as far as it is known here."""
    try:
        text = say_going_on(durability.list_going_on(deps.app()))
    except StoreUnavailable:  # this process has never reached it
        return
    if text:
        st.warning(md_escape(text), icon=":material/memory:")


def _is_over() -> bool:
    try:
        return health.check_store(deps.app())["database"].ok
    except StoreUnavailable:
        return False
