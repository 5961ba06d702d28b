from __future__ import annotations

from datetime import timedelta

import streamlit as st

from interlock.core.model.figures import Metrics
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.services import caching, observing, sifting, tripping
from interlock.core.services import metrics as measuring
from interlock.core.services.context import App
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.overview_graph import draw_state_of
from interlock.dashboard.components.card_rows import draw_card_rows
from interlock.dashboard.components.changes_list import draw_changes
from interlock.dashboard.components.charts import draw_chart
from interlock.dashboard.components.figures import NARROW, draw_figures
from interlock.dashboard.components.links import draw_empty, draw_link
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note, draw_notice
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.http import broadcasting
from interlock.dashboard.views import overview, sight

CARDS_COUNT = 7  # as high as the graph beside them: nothing below may jump
FRESH = timedelta(seconds=10)  # the newest minute grows while nothing is written
FIGURES = ("figures",)
KEPT = "overview-hour"
NO_HOUR = "The runs that end stand here minute by minute, and how long humans were waited for."


def read_hour(app: App) -> Metrics:
    """The figures of the last hour: read once for all parts of the page that are drawn together."""
    heads = broadcasting.heads_of(FIGURES)
    kept: tuple[object, Metrics] | None = st.session_state.get(KEPT)
    now = app.clock.now()
    if kept is None or not heads or kept[0] != heads or now - kept[1].window.end > FRESH:
        kept = heads, measuring.read(app, measuring.last(app, overview.WINDOW))
        st.session_state[KEPT] = kept
    return kept[1]


@st.fragment
def draw_row() -> None:
    live("inbox", "runs", "workers", "breakers", "caches", *FIGURES, key=keys.live("overview"))
    app = deps.app()
    view = overview.build_row_of_figures(
        observing.overview(app),
        read_hour(app),
        tripping.list_breakers(app),
        caching.count_all(app, window=overview.WINDOW),
        now=app.clock.now(),
    )
    draw_notice(view.notice)
    draw_figures(view.figures, width=NARROW)


@st.fragment
def draw_waiting() -> None:
    live("inbox", "workflows", key=keys.live("overview-waiting"))
    app = deps.app()
    view = overview.build_waiting(
        sifting.list_rows(app, InboxFilter(), limit=CARDS_COUNT),
        sifting.count(app, InboxFilter()),
        observing.list_workflow_names(app),
        now=app.clock.now(),
    )
    st.subheader("Waiting, oldest first", anchor=False)
    if view.empty:
        draw_empty(view.empty)
    draw_card_rows(view.rows, place="overview")
    if view.more:
        draw_link(view.more)


@st.fragment
def draw_system() -> None:
    live("inbox", "runs", "breakers", "workflows", *FIGURES, key=keys.live("overview-system"))
    draw_state_of(read_hour(deps.app()))


@st.fragment
def draw_hour() -> None:
    live("inbox", "breakers", "workflows", *FIGURES, key=keys.live("overview-hour"))
    app = deps.app()
    now = app.clock.now()
    view = sight.build(
        read_hour(app),
        trips=tripping.list_events(app, since=now - overview.WINDOW),
        changes=observing.list_changes(app, limit=sight.CHANGES_READ_COUNT),
        theme=read_theme(),
        now=now,
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.subheader("The last hour", anchor=False)
        draw_chart(view.hour, key=keys.metrics_chart("overview"), nothing=NO_HOUR)
    with right:
        draw_changes(view.changes)
    st.caption(view.as_of)


st.title("Overview", anchor=False)
draw_note(state.take_note())
draw_row()
beside, system = st.columns([3, 2], gap="medium")
with beside:
    draw_waiting()
with system:
    draw_system()
draw_hour()
