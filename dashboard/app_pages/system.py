from __future__ import annotations

import streamlit as st

from interlock.core.services import attaching, health, surveying
from interlock.dashboard import deps, keys
from interlock.dashboard.components.figures import draw_figures
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.components.tables import draw_prose, draw_table
from interlock.dashboard.views import attached, system

REFRESH_S = 10.0


@st.fragment
def draw() -> None:
    live("workers", "workflows", key=keys.live("system"), refresh_s=REFRESH_S)
    app = deps.app()
    view = system.build(surveying.survey(app), health.check(app))
    draw_notice(view.notice)
    if app.settings.attach is not None:
        draw_notice(attached.say_of_source(attaching.find_source(app), now=app.clock.now()))
    draw_figures(view.figures)
    st.subheader("Checks", anchor=False)
    draw_table(
        view.checks,
        key=keys.system_table("checks"),
        is_whole=True,
        alt="What was looked at, whether it is well, what was found, and how long that took.",
    )
    st.subheader("Processes", anchor=False)
    draw_table(
        view.processes,
        key=keys.system_table("processes"),
        is_whole=True,
        alt="The web process and the workers, with what each uses.",
    )
    for line in filter(None, (view.no_workers, view.elsewhere)):
        st.caption(line)
    if view.models:
        st.subheader("Models", anchor=False)
        draw_table(
            view.models,
            key=keys.system_table("models"),
            is_whole=True,
            alt="What providers said is left of each key, how long ago, and which keys rest.",
        )
    st.subheader("Sizes", anchor=False)
    draw_table(
        view.sizes,
        key=keys.system_table("sizes"),
        is_whole=True,
        alt="How large the databases and the logs are.",
    )
    st.caption(view.as_of)
    st.subheader("Settings", anchor=False)
    st.caption(view.changed)
    draw_prose(
        view.settings,
        alt="Every setting, its value, where that comes from, and what it means.",
    )


st.title("System", anchor=False)
draw()
