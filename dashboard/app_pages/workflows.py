from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.services import observing
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.figure_tables import draw_saves
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.live import live
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.components.workflow import draw_list, draw_workflow
from interlock.dashboard.views import saved, workflows


def pick(key: str, ids: Sequence[str]) -> None:
    if picked := read_picked(key, ids, state.read_param("workflow")):
        state.set_params(workflow=picked)


@st.fragment
def draw() -> None:
    live("workflows", key=keys.live("workflows"))
    app = deps.app()
    now, found = app.clock.now(), observing.list_workflows(app)
    view = workflows.build(
        found,
        chosen=state.read_param("workflow"),
        theme=read_theme(),
        now=now,
    )
    if view.empty is not None:
        draw_empty(view.empty)
        return
    draw_list(view, on_pick=pick)
    draw_saves(
        lambda: saved.save_workflows(found),
        name="workflows",
        about="Save the workflows",
        file_at=f"{now:%Y%m%d-%H%M}",
        place="workflows",
    )
    if view.chosen is not None:
        draw_workflow(view.chosen)


st.title("Workflows", anchor=False)
draw()
