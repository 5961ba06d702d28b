"""The part of the page System that switches what the whole installation does."""

from __future__ import annotations

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.services import flagging
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.flags import draw_flags
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.views import flags

PLACE = "flags"


def draw() -> None:
    """Draw the flags and the switch."""
    app = deps.app()
    draw_note(state.take_note(PLACE))
    view = flags.build(flagging.list_flags(app), app.clock.now())
    draw_flags(view, on_switch=switch)


def switch() -> None:
    """Switch the chosen one to what its label says."""
    app = deps.app()
    name, is_on = flags.read_choice(st.session_state.get(keys.flag_choice()) or "")
    reason = st.session_state.get(keys.flag_reason()) or ""
    try:
        flagging.switch(app, name, is_on=is_on, actor=deps.actor(), reason=reason)
        st.session_state[keys.flag_reason()] = ""
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)), PLACE)
