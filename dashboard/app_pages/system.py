from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from interlock.core.services import attaching, health, surveying
from interlock.dashboard import deps, keys
from interlock.dashboard.app_pages import system_flags
from interlock.dashboard.components.figure_tables import draw_heading
from interlock.dashboard.components.figures import draw_figures
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.components.tables import draw_prose, draw_table
from interlock.dashboard.palette import Look
from interlock.dashboard.views import attached, saved, system

REFRESH_S = 10.0


def draw_titled(title: str, rows: Sequence[Mapping[str, str | Look]], file_at: str) -> None:
    name = title.lower()
    draw_heading(title, saved.save_rows(name, rows), file_at=file_at, place=f"system-{name}")


@st.fragment
def draw() -> None:
    live("workers", "workflows", key=keys.live("system"), refresh_s=REFRESH_S)
    app = deps.app()
    seen = surveying.survey(app)
    file_at = f"{seen.at:%Y%m%d-%H%M}"
    view = system.build(seen, health.check(app))
    draw_notice(view.notice)
    if app.settings.attach is not None:
        draw_notice(attached.say_of_source(attaching.find_source(app), now=app.clock.now()))
    draw_figures(view.figures)
    draw_titled("Checks", view.checks, file_at)
    draw_table(
        view.checks,
        key=keys.system_table("checks"),
        is_whole=True,
        alt="What was looked at, whether it is well, what was found, and how long that took.",
    )
    draw_titled("Processes", view.processes, file_at)
    draw_table(
        view.processes,
        key=keys.system_table("processes"),
        is_whole=True,
        alt="The web process and the workers, with what each uses.",
    )
    for line in filter(None, (view.no_workers, view.elsewhere)):
        st.caption(line)
    if view.models:
        draw_titled("Models", view.models, file_at)
        draw_table(
            view.models,
            key=keys.system_table("models"),
            is_whole=True,
            alt="What providers said is left of each key, how long ago, and which keys rest.",
        )
    draw_titled("Sizes", view.sizes, file_at)
    draw_table(
        view.sizes,
        key=keys.system_table("sizes"),
        is_whole=True,
        alt="How large the databases and the logs are.",
    )
    st.caption(view.as_of)
    st.subheader("Flags", anchor=False)
    system_flags.draw()
    draw_titled("Settings", view.settings, file_at)
    st.caption(view.changed)
    draw_prose(
        view.settings,
        alt="Every setting, its value, where that comes from, and what it means.",
    )


st.title("System", anchor=False)
draw()
