"""A change to a thread that is staged first: what would happen stands beside what makes it happen."""

from __future__ import annotations

import streamlit as st

from interlock.core.errors import InterlockError, NotFound
from interlock.core.model.rewinding import Intention
from interlock.core.services import history, staging
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.history_change import FOLLOW, PLACE, Change, discard, find_change
from interlock.dashboard.app_pages.history_needs import draw_needed
from interlock.dashboard.components import point_panes, staged_change
from interlock.dashboard.components.card_context import draw_folded
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note, draw_problem
from interlock.dashboard.views import points, staged
from interlock.dashboard.views import state_diff as diffs


@st.fragment
def draw_staged(thread_id: str) -> None:
    """Not live but for its preview: what is typed here stays until somebody does something."""
    if state.take_drawing():
        st.rerun()
    note = state.take_note(PLACE)
    draw_note(note)
    if note is not None and FOLLOW in st.session_state:  # the page is drawn again in a moment
        state.leave_note(note, PLACE)
    change = find_change(thread_id)
    if change is None:
        return
    try:
        detail = history.read_point(deps.app(), thread_id, change.checkpoint_id)
    except NotFound as exc:
        draw_problem(str(exc))
        st.button("Discard", key=keys.staged_part("discard", change.staged_id), on_click=discard)
        return
    with st.container(key=keys.staged_part("whole", change.staged_id), gap="small"):
        staged_change.draw_head(staged.label_of(change.verb), points.say_point(detail.point))
        told, needed = st.columns(2, gap="medium")
        with needed:
            draw_needed(change, detail)
        with told:
            draw_told(change, st.session_state.get(keys.staged_part("node", change.staged_id)))
            draw_difference(change)
    st.divider()


@st.fragment
def draw_told(change: Change, as_node: str | None) -> None:
    """What would happen, as the thread stands now."""
    live("runs", "inbox", key=keys.live(f"staged-{change.staged_id}"))
    try:
        found = staging.stage(
            deps.app(),
            change.thread_id,
            Intention(
                verb=change.verb,
                checkpoint_id=change.checkpoint_id,
                as_node=as_node,
                expected_head_id=change.head_id,
            ),
        )
    except NotFound as exc:  # pruned since the page was drawn
        draw_problem(str(exc))
        return
    staged_change.draw_preview(
        staged.build_preview(found), key=keys.staged_part("nodes", change.staged_id)
    )


@st.fragment
def draw_difference(change: Change) -> None:
    draw_folded(
        "What of the state will differ from the head's",
        icon=":material/difference:",
        key=keys.staged_part("differs", change.staged_id),
        draw=lambda: read_difference(change),
    )


def read_difference(change: Change) -> None:
    head_id = change.head_id
    if head_id is None or head_id == change.checkpoint_id:
        st.caption("This point is the head.")
        return
    try:
        with st.spinner("Comparing …"):
            found = history.compare(deps.app(), change.thread_id, head_id, change.checkpoint_id)
    except InterlockError as exc:
        draw_problem(str(exc))
        return
    point_panes.draw_diff(
        diffs.build(found.diff), key=keys.staged_part("difference", change.staged_id)
    )
