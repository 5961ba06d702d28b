from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from interlock.core.errors import InterlockError, NotFound
from interlock.core.model.approvals import ApprovalSummary
from interlock.core.services import observing, rating, running
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.run_tabs import draw_opened
from interlock.dashboard.components.graph import draw_graph
from interlock.dashboard.components.links import draw_empty, draw_link
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.components.run_header import draw_header
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.components.timeline import draw_timeline
from interlock.dashboard.views import graph, run, timeline
from interlock.dashboard.views.notices import Empty, Link

if TYPE_CHECKING:
    from interlock.core.services.observing import RunDetail


def cancel(run_id: str) -> None:
    act(run_id, is_retry=False)


def retry(run_id: str) -> None:
    act(run_id, is_retry=True)


def ask(run_id: str) -> None:
    try:
        running.ask(deps.app(), run_id, actor=deps.actor())
        state.leave_note(state.Note("done", "It is in the inbox: decide there how it goes on."))
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))


def rate(run_id: str, key: str) -> None:
    stars = st.session_state.get(key)
    if stars is None:  # a click on the star that is set takes it away; a rating stays
        return
    try:
        rating.rate(deps.app(), run_id, stars + 1, actor=deps.actor())
        state.leave_note(state.Note("done", f"Rated {stars + 1} of {rating.BEST}."))
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))


def act(run_id: str, *, is_retry: bool) -> None:
    reason = st.session_state.get(keys.run_reason(run_id)) or ""
    try:
        if is_retry:
            new = running.retry(deps.app(), run_id, actor=deps.actor(), reason=reason)
            state.leave_note(state.Note("done", "Retrying: finished nodes do not run again."))
            state.set_params(run_id=new.run_id)
        else:
            running.cancel(deps.app(), run_id, actor=deps.actor(), reason=reason)
            state.leave_note(state.Note("done", "Cancelling."))
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))


def watch(run_id: str, place: str) -> RunDetail:
    """Keep this part live, then read what it draws."""
    live(f"run:{run_id}", "runs", "workers", key=keys.live(f"{place}-{run_id}"))
    return observing.run_detail(deps.app(), run_id)


def find_cards(detail: RunDetail) -> tuple[ApprovalSummary, ...]:
    """The cards of the story that this run is a part of."""
    ids = {r.run_id for r in detail.story}
    return tuple(a for a in detail.approvals if a.run_id in ids)


@st.fragment
def draw_top(run_id: str) -> None:
    if state.read_param("run_id") != run_id:  # a retry goes on with another run
        st.rerun()
    detail = watch(run_id, "run-top")
    app = deps.app()
    now = app.clock.now()
    nodes, approvals = detail.story_nodes, find_cards(detail)
    own = replace(detail, approvals=approvals)
    draw_note(state.take_note())
    view = run.build(own, observing.overview(app), now=now)
    draw_header(view, on_cancel=cancel, on_retry=retry, on_ask=ask, on_rate=rate)
    theme = read_theme()
    draw_link(run.link_history(detail.run))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        states = graph.read_states(nodes, approvals)
        draw_graph(graph.build(detail.workflow, states, theme))
    with right:
        draw_timeline(timeline.build(nodes, approvals, now=now), theme, key=f"timeline-{run_id}")


@st.fragment
def draw_tabs(run_id: str) -> None:
    draw_opened(watch(run_id, "run-tabs"))


def draw(run_id: str | None) -> None:
    nothing = Empty("No run is chosen.", Link("All runs", "runs"))
    if run_id is None:
        draw_empty(nothing)
        return
    try:
        observing.get_run(deps.app(), run_id)
    except NotFound:
        draw_empty(Empty("There is no such run.", Link("All runs", "runs")))
        return
    draw_top(run_id)
    draw_tabs(run_id)


st.title("Run", anchor=False)
draw(state.read_param("run_id"))
