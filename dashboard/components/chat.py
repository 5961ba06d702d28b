"""A conversation that goes on: what was said, what is being written, and where its run is."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard.components.agent_text import draw_text
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.conversation import draw_conversation
from interlock.dashboard.components.links import draw_link
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.views.chat import ChatView

HEIGHT = 400  # pixels, however much is said: the box to write in stays where it is


def draw_chat(view: ChatView) -> None:
    with st.container(height=HEIGHT, border=False, autoscroll=True):
        draw_conversation(view.conversation, key="chat")
        for text in view.streamed:
            st.caption(":material/smart_toy: Agent, writing")
            draw_text(text)
        draw_problem(view.problem)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_badge(view.look)
        for link in view.links:
            draw_link(link)
