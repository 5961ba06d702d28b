from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from interlock.core.errors import InterlockError, NotFound
from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.nodes import RunEvent
from interlock.core.model.threads import Snapshot
from interlock.core.services import observing, reading, running
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components import run_tabs
from interlock.dashboard.components.agent_text import draw_text
from interlock.dashboard.components.decisions import draw_decisions
from interlock.dashboard.components.graph import draw_graph
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.components.run_header import draw_header
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.components.timeline import draw_timeline
from interlock.dashboard.views import decisions, graph, run, steps, stream, timeline
from interlock.dashboard.views.notices import Empty, Link

if TYPE_CHECKING:
    from interlock.core.services.observing import RunDetail

TABS = ("Steps", "Stream", "State", "Decisions", "Events", "Input")
EVENTS_COUNT = 300
STREAM_COUNT = 1000
READ_NOW = "run-read-state"


def cancel(run_id: str) -> None:
    act(run_id, is_retry=False)


def retry(run_id: str) -> None:
    act(run_id, is_retry=True)


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
    draw_header(view, on_cancel=cancel, on_retry=retry)
    theme = read_theme()
    left, right = st.columns([2, 3], gap="medium")
    with left:
        states = graph.read_states(nodes, approvals)
        draw_graph(graph.build(detail.workflow, states, theme))
    with right:
        draw_timeline(timeline.build(nodes, approvals, now=now), theme, key=f"timeline-{run_id}")


@st.fragment
def draw_tabs(run_id: str) -> None:
    detail = watch(run_id, "run-tabs")
    now = deps.app().clock.now()
    tabs = st.tabs(TABS, key=keys.run_tabs(run_id), on_change="rerun")
    parts = dict(zip(TABS, tabs, strict=True))
    opened = next((name for name, tab in parts.items() if tab.open), TABS[0])
    with parts[opened]:
        if opened == "Steps":
            run_tabs.draw_steps(steps.build(detail.nodes, now=now), key=f"steps-{run_id}")
        elif opened == "Stream":
            run_tabs.draw_stream(stream.build(read_events(run_id, STREAM_COUNT, stream.KINDS)))
        elif opened == "State":
            draw_state(detail)
        elif opened == "Decisions":
            draw_record(detail)
        elif opened == "Events":
            rows = stream.build_rows(read_events(run_id, EVENTS_COUNT))
            run_tabs.draw_events(rows, key=f"events-{run_id}")
        else:
            view = run.build(detail, observing.overview(deps.app()), now=now)
            st.caption(view.options)
            draw_text(view.input_text or "(no input: it went on from where the thread stood)")


def read_events(run_id: str, count: int, kinds: tuple[str, ...] = ()) -> list[RunEvent]:
    """The newest entries of the log; the head counts four for each of them."""
    app = deps.app()
    newest = observing.run_head(app, run_id) // observing.RANKS
    first = stream.find_first_seq(newest, count)
    return observing.list_events(app, run_id, after_seq=first, limit=count, kinds=kinds)


def draw_record(detail: RunDetail) -> None:
    rows = decisions.build_rows(detail.decisions, detail.approvals, now=deps.app().clock.now())
    if not rows:
        st.caption("Nobody has decided anything on this thread.")
    draw_decisions(rows)


def draw_state(detail: RunDetail) -> None:
    snapshot, problem = detail.snapshot, ""
    if snapshot is None:
        st.button("Read the thread's state now", key=f"{READ_NOW}-{detail.run.run_id}")
    if snapshot is None and st.session_state.get(f"{READ_NOW}-{detail.run.run_id}"):
        snapshot, problem = read_state(detail.run.thread_id)
    run_tabs.draw_state(snapshot, problem)


def read_state(thread_id: str) -> tuple[Snapshot | None, str]:
    try:
        return reading.state(deps.app(), thread_id), ""
    except InterlockError as exc:
        return None, str(exc)


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
