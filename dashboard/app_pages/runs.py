from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.services import observing
from interlock.dashboard import deps, keys
from interlock.dashboard.components.links import draw_empty, page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.runs_table import draw_runs
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import runs

WANTED = "runs-wanted"
EVERY = "All workflows"


def pick(key: str, ids: Sequence[str]) -> None:
    st.session_state[WANTED] = read_picked(key, ids)


@st.fragment
def draw() -> None:
    live("runs", "workflows", key=keys.live("runs"))
    app = deps.app()
    workflows = observing.list_workflow_names(app)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        group = st.segmented_control(
            "Status",
            list(runs.STATUS_GROUPS),
            default="all",
            required=True,
            format_func=runs.GROUP_NAMES.__getitem__,
            key=keys.runs_status(),
            label_visibility="collapsed",
            wrap=True,
        )
        chosen = st.selectbox(
            "Workflow",
            [EVERY, *(w.name for w in workflows)],
            key=keys.runs_workflow(),
            label_visibility="collapsed",
            width=240,
        )
    workflow = None if chosen == EVERY else chosen
    shown = f"{group}-{workflow}"
    page = int(st.session_state.get(keys.runs_page(shown), 1))
    found = observing.list_runs(
        app,
        statuses=runs.STATUS_GROUPS[group or "all"],
        workflow=workflow,
        limit=runs.PAGE_COUNT + 1,
        offset=(page - 1) * runs.PAGE_COUNT,
    )
    view = runs.build(
        found,
        group=group or "all",
        is_filtered=workflow is not None,
        page=page,
        workflows=workflows,
        now=app.clock.now(),
    )
    if view.empty:
        draw_empty(view.empty)
    else:
        draw_runs(view, on_pick=pick)
    if page > 1 or view.has_more:
        st.pagination(page + int(view.has_more), key=keys.runs_page(shown))
    if st.session_state.get(WANTED):
        st.switch_page(page_path("run"), query_params={"run_id": st.session_state.pop(WANTED)})


st.title("Runs", anchor=False)
draw()
