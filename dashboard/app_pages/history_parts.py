"""One point of a thread beneath its tree: what it is, its state, and how it differs from another."""

from __future__ import annotations

import streamlit as st

from interlock.core.errors import InterlockError, NotFound
from interlock.core.services import history, reading
from interlock.core.types import CheckpointId
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.history_moves import SECOND
from interlock.dashboard.components import point_panes, run_tabs
from interlock.dashboard.components.card_context import draw_folded
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.views import points, state_diff
from interlock.dashboard.views import state as states

BEFORE = "before"  # the second point by its place, not its id


def draw_panes(thread_id: str, at: str, head_id: CheckpointId) -> None:
    """What is read here is the chosen point, and a second one's state where they are compared."""
    left, right = st.columns(2, gap="medium")
    with left:
        draw_point(thread_id, at, head_id)
        draw_state(thread_id, at)
        draw_subgraphs(thread_id, at)
    with right:
        draw_comparison(thread_id, at, head_id)


@st.fragment
def draw_point(thread_id: str, at: str, head_id: CheckpointId) -> None:
    live("inbox", key=keys.live(f"history-point-{at}"))
    app = deps.app()
    try:
        detail = history.read_point(app, thread_id, at)
    except NotFound as exc:  # pruned since the page was drawn
        draw_problem(str(exc))
        return
    view = points.build(detail, head_id=head_id, now=app.clock.now())
    point_panes.draw_facts(view, key=keys.history_part("ran", thread_id, at))


@st.fragment
def draw_state(thread_id: str, at: str) -> None:
    """Not live: a point's state stays what it is."""
    snapshot, problem = None, ""
    try:
        with st.spinner("Reading the state …"):
            snapshot = reading.state(deps.app(), thread_id, at)
    except InterlockError as exc:
        problem = str(exc)
    st.markdown("**State**")
    run_tabs.draw_state(
        None if snapshot is None else states.build(snapshot),
        problem,
        key=keys.history_part("state", thread_id, at),
    )
    if problem:
        st.button("Read it again", key=keys.history_part("again", thread_id, at))


@st.fragment
def draw_subgraphs(thread_id: str, at: str) -> None:
    draw_folded(
        "State of subgraphs beneath",
        icon=":material/account_tree:",
        key=keys.history_part("beneath", thread_id, at),
        draw=lambda: read_beneath(thread_id, at),
    )


def read_beneath(thread_id: str, at: str) -> None:
    try:
        with st.spinner("A worker reads them …"):
            point_panes.draw_beneath(reading.beneath(deps.app(), thread_id, at))
    except InterlockError as exc:
        draw_problem(str(exc))


def compare_with(second: str | None) -> None:
    state.set_params(**{"with": second})
    state.ask_for_drawing()


@st.fragment
def draw_comparison(thread_id: str, at: str, head_id: CheckpointId) -> None:
    if state.take_drawing():
        st.rerun()
    app = deps.app()
    try:
        point = history.read_point(app, thread_id, at).point
    except NotFound:
        return
    named = state.read_param("with")
    if named is None and at == head_id:
        named = BEFORE
    second = point.parent_id if named == BEFORE else CheckpointId(named or head_id)
    draw_choice(named, is_head=at == head_id, has_parent=point.parent_id is not None)
    if second is None or second == at:
        st.caption("There is nothing to compare it with: choose a second point in the tree.")
        return
    older, newer = sorted([at, second])
    try:
        with st.spinner("Comparing …"):
            found = history.compare(app, thread_id, older, newer)
            names = [
                points.say_point(history.read_point(app, thread_id, each).point)
                for each in (older, newer)
            ]
    except InterlockError as exc:
        draw_problem(str(exc))
        return
    st.caption(f"From: {names[0]}. To: {names[1]}.")
    point_panes.draw_diff(
        state_diff.build(found.diff), key=keys.history_part("diff", thread_id, f"{older}-{newer}")
    )


def draw_choice(named: str | None, *, is_head: bool, has_parent: bool) -> None:
    """With what it is compared; a click in the tree may choose it, too."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Differences**, compared with", width="stretch")
        for word, second, is_possible in (
            ("Head", None, not is_head),
            ("Point before", BEFORE, has_parent),
        ):
            is_shown = named == second
            st.button(
                word,
                key=keys.history_go(f"with-{second}"),
                disabled=is_shown or not is_possible,
                on_click=compare_with,
                args=(second,),
            )
        st.toggle(
            "Any",
            key=SECOND,
            help="While it is on, a click in the tree chooses the second point. Shift and a click do, too.",
            persist_state="session",
        )
