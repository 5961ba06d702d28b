"""A conversation as its messages, one below the other, each on the ground of foreign text."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.media import draw_media
from interlock.dashboard.views.conversation import Conversation, Message, Role
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import format_plural

_ICONS: dict[Role, str] = {
    "human": ":material/person:",
    "ai": ":material/smart_toy:",
    "tool": ":material/build:",
    "system": ":material/tune:",
}


def draw_conversation(conversation: Conversation, *, key: str = "conversation") -> None:
    """
    Draw the messages, oldest first.

    Args:
        conversation: What to draw.
        key: One for each place on a page, for the buttons of what is only to be saved.
    """
    if conversation.earlier_count:
        left_out = format_plural(conversation.earlier_count, "earlier message")
        st.caption(f"{left_out} left out; the state holds them all.")
    if not conversation.messages:
        st.caption("Nothing was said yet.")
    for at, message in enumerate(conversation.messages):
        with st.container(gap="xsmall"):
            _draw_message(message, key=f"{key}-{conversation.earlier_count + at}")


def _draw_message(message: Message, *, key: str) -> None:
    failed = " · failed" if message.is_failed else ""
    st.caption(f"{_ICONS[message.role]} {md_escape(message.who + failed)}")
    if message.text:
        draw_text(message.text)
    for at, part in enumerate(message.parts):
        draw_media(part, key=f"{key}-part-{at}")
    for call in message.calls:
        st.caption(f":material/build: {md_escape(f'wants to use {call.name}')}")
        draw_value(call.args, expanded=1)
    if not (message.text or message.parts or message.calls):
        st.caption("(no words)")
