"""What came of a what-if: both ends, and the answer that is kept."""

from __future__ import annotations

import streamlit as st

from interlock.core.errors import Conflict, InterlockError
from interlock.core.services import observing, what_ifs
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components import what_if as parts
from interlock.dashboard.components.links import draw_empty, draw_link
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.views import decisions
from interlock.dashboard.views import what_if as views
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.notices import Empty, Link

PLACE = "what-if"


def press_keep(what_if_id: str, side: str) -> None:
    state.ask_for_drawing()
    reason = st.session_state.get(keys.what_if_part("reason", what_if_id)) or ""
    app, actor = deps.app(), deps.actor()
    try:
        run_id = state.once(
            f"{PLACE}-{what_if_id}-{side}",
            lambda: what_ifs.keep(app, what_if_id, side, actor=actor, reason=reason),
        )
    except Conflict as exc:
        text = decisions.say_conflict(exc, kind=None, now=app.clock.now())
        state.leave_note(state.Note("conflict", text), PLACE)
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)), PLACE)
    else:
        text = f"Answer {side.upper()} is given to the real card."
        state.leave_note(state.Note("done", text, run_id=run_id), PLACE)


def press_discard(what_if_id: str) -> None:
    state.ask_for_drawing()
    try:
        what_ifs.discard(deps.app(), what_if_id, actor=deps.actor())
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)), PLACE)


@st.fragment
def draw_result(what_if_id: str) -> None:
    live("what_ifs", "inbox", key=keys.live("what-if"))
    app = deps.app()
    draw_note(state.take_note(PLACE))
    try:
        found = what_ifs.read(app, what_if_id)
        card = observing.get_card(app, found.approval_id) if found.approval_id else None
    except InterlockError as exc:
        draw_empty(Empty(str(exc), Link("Inbox", "inbox")))
        return
    title = card.approval.title if card else ""
    view = views.build_result(found, title=title, now=app.clock.now())
    st.subheader(md_escape(view.headline), anchor=False)
    st.caption(md_escape(view.about))
    again = {"thread": found.thread_id, "at": found.checkpoint_id}
    with st.container(horizontal=True):
        again_at = {"card": found.approval_id} if found.approval_id else again
        draw_link(Link("Try other answers", "what_if", again_at))
        draw_link(Link("Where the thread stood", "history", again))
        if found.approval_id:
            draw_link(Link("The card", "inbox", {"approval_id": found.approval_id}))
    parts.draw_result(view, on_keep=press_keep, on_discard=press_discard)
