"""What came of a what-if: both ends, and the answer that is kept."""

from __future__ import annotations

from functools import partial

import streamlit as st

from interlock.core.errors import Conflict, InterlockError
from interlock.core.services import observing, what_ifs
from interlock.core.services.staging import Staged
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components import what_if as parts
from interlock.dashboard.components.links import draw_empty, draw_link
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.views import decisions, staged
from interlock.dashboard.views import what_if as views
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.notices import Empty, Link

PLACE = "what-if"


def press_keep(change: Staged | None, what_if_id: str, side: str) -> None:
    state.ask_for_drawing()
    reason = st.session_state.get(keys.what_if_part("reason", what_if_id)) or ""
    app, actor = deps.app(), deps.actor()
    head_id = change.head_id if change else None
    try:
        run_id = state.once(
            f"{PLACE}-{what_if_id}-{side}",
            lambda: what_ifs.keep(
                app, what_if_id, side, actor=actor, reason=reason, expected_head=head_id
            ),
        )
    except Conflict as exc:
        now = app.clock.now()
        by_fork = change is not None and exc.winner
        text = staged.say_conflict(exc, now) if by_fork else decisions.say_conflict(exc, now=now)
        state.leave_note(state.Note("conflict", text), PLACE)
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)), PLACE)
    else:
        text = views.say_kept(side, is_fork=change is not None)
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
        change = what_ifs.preview_keep(app, found)
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
    parts.draw_result(
        view,
        change=staged.build_preview(change) if change else None,
        on_keep=partial(press_keep, change),
        on_discard=press_discard,
    )
