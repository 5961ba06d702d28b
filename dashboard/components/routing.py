"""Who decides a card, and the votes on it, each with a button that says the same."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.views.card import CardView
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.routing import VoteRow

OnAgree = Callable[[CardView, str], None]


def draw_route(card: CardView) -> None:
    """Who decides it; nothing for a card that any operator decides alone."""
    view = card.routing
    if view.text:
        st.caption(f":material/group: {md_escape(view.text)}")
    if view.note:
        st.caption(f":material/warning: {md_escape(view.note)}")


def draw_votes(card: CardView, *, on_agree: OnAgree) -> None:
    """What others have said, beneath what is asked: it is read first."""
    view = card.routing
    for at, vote in enumerate(view.votes):
        _draw_vote(card, vote, at, on_agree)
    if view.earlier:
        st.caption(md_escape(view.earlier))


def _draw_vote(card: CardView, vote: VoteRow, at: int, on_agree: OnAgree) -> None:
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            line = f":material/how_to_vote: {md_escape(vote.headline)}"
            st.markdown(line, help=vote.voted_at, width="stretch")
            if vote.can_agree:
                st.button(
                    "Agree",
                    key=keys.agree(at, card.approval_id, card.version),
                    type="tertiary",
                    on_click=on_agree,
                    args=(card, vote.actor),
                )
        if vote.reason:
            draw_text(vote.reason)
        if vote.wants is not None:
            draw_value(vote.wants)
