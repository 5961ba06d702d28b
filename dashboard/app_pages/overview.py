from __future__ import annotations

import streamlit as st

from interlock.core.services import observing
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.card_rows import draw_card_rows
from interlock.dashboard.components.figures import draw_figures
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note, draw_notice
from interlock.dashboard.components.run_rows import draw_run_rows
from interlock.dashboard.views import overview

CARDS_COUNT = 8
RUNS_COUNT = 6


@st.fragment
def draw() -> None:
    live("inbox", "runs", "workflows", "workers", key=keys.live("overview"))
    app = deps.app()
    view = overview.build(
        observing.overview(app),
        waiting=observing.list_inbox_rows(app, limit=CARDS_COUNT),
        running=observing.list_runs(app, statuses=("running", "queued"), limit=RUNS_COUNT),
        failed=observing.list_runs(app, statuses=("failed",), limit=RUNS_COUNT),
        workflows=observing.list_workflow_names(app),
        now=app.clock.now(),
    )
    draw_notice(view.notice)
    draw_figures(view.figures)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.subheader("Waiting, oldest first", anchor=False)
        if view.nothing_waits:
            draw_empty(view.nothing_waits)
        draw_card_rows(view.waiting, place="overview")
        st.caption(view.waiting_more)
    with right:
        st.subheader("Running", anchor=False)
        st.caption(view.nothing_runs)
        draw_run_rows(view.running, place="running")
        st.subheader("Failed in the last hour", anchor=False)
        st.caption(view.nothing_failed)
        draw_run_rows(view.failed, place="failed")
    st.caption(view.as_of)


st.title("Overview", anchor=False)
draw_note(state.take_note())
draw()
