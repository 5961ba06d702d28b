"""The switch in the frame of every page: hold a workflow or everything, and let it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.services import holding, observing
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.holds import draw_holds
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.views import holds

if TYPE_CHECKING:
    from interlock.core.services.observing import Overview

PLACE = "hold"


def draw_switch(overview: Overview) -> None:
    """Draw what is held, and the switch."""
    draw_note(state.take_note(PLACE))
    names = [workflow.name for workflow in observing.list_workflow_names(deps.app())]
    view = holds.build(overview.holds, names, overview.at, overview.switched_off)
    draw_holds(view, on_hold=hold, on_release=release)


def hold() -> None:
    """Hold what is chosen, for the reason given."""
    scope = st.session_state.get(keys.hold_scope())
    reason = st.session_state.get(keys.hold_reason()) or ""
    try:
        holding.hold(deps.app(), scope or None, actor=deps.actor(), reason=reason)
        st.session_state[keys.hold_reason()] = ""
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)), PLACE)


def release(scope: str) -> None:
    """Let what is held go on."""
    try:
        holding.release(deps.app(), scope or None, actor=deps.actor())
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)), PLACE)
