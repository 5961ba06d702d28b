from __future__ import annotations

from datetime import timedelta

import streamlit as st

from interlock.core.services import metrics as measuring
from interlock.core.services import observing, tripping
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.figures_parts import draw_graph_of
from interlock.dashboard.components.card_rows import draw_card_rows
from interlock.dashboard.components.changes_list import draw_changes
from interlock.dashboard.components.charts import draw_chart
from interlock.dashboard.components.figures import draw_figures
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note, draw_notice
from interlock.dashboard.components.run_rows import draw_run_rows
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.views import overview, sight

CARDS_COUNT = 8
RUNS_COUNT = 6
SPAN = timedelta(hours=1)
NO_RUNS = "The runs that end stand here, minute by minute."
NO_WAIT = "How long humans were waited for stands here."


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


@st.fragment
def draw_sight() -> None:
    live("figures", "breakers", "workflows", key=keys.live("overview-sight"))
    app = deps.app()
    now = app.clock.now()
    theme = read_theme()
    board = tripping.read_board(app, since=now - SPAN)
    found = measuring.read(app, measuring.last(app, SPAN))
    view = sight.build(
        found,
        breakers=board.breakers,
        trips=board.events,
        changes=observing.list_changes(app, limit=sight.CHANGES_READ_COUNT),
        workflows=observing.list_workflow_names(app),
        theme=theme,
        now=now,
    )
    st.subheader("The last hour", anchor=False)
    draw_figures(view.figures)
    left, right = st.columns(2, gap="medium")
    with left:
        draw_chart(view.volume, key=keys.metrics_chart("overview"), nothing=NO_RUNS)
        draw_chart(view.wait, key=keys.metrics_chart("overview-wait"), nothing=NO_WAIT)
        draw_changes(view.changes)
    with right:
        if view.graph_names:
            draw_graph_of(view.graph_names, found.nodes, place="overview")
        else:
            st.caption("The graph of what ran in the last hour stands here, coloured by a figure.")


st.title("Overview", anchor=False)
draw_note(state.take_note())
draw()
draw_sight()
