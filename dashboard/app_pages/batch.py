from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from interlock.core.errors import NotFound
from interlock.core.model.launch_batches import write_csv
from interlock.core.services import batch_launching
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.batch_report import draw_download, draw_report
from interlock.dashboard.components.links import draw_empty, page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import batch
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.notices import Empty, Link

PICKED = "batch-picked-run"


def pick(key: str, ids: Sequence[str]) -> None:
    st.session_state[PICKED] = read_picked(key, ids)


def write(batch_id: str) -> str:
    return write_csv(batch_launching.list_runs(deps.app(), batch_id))


@st.fragment
def draw(batch_id: str) -> None:
    live("runs", key=keys.live(f"batch-{batch_id}"))
    if run_id := st.session_state.pop(PICKED, None):
        st.switch_page(page_path("run"), query_params={"run_id": run_id})
    app = deps.app()
    view = batch.build(batch_launching.report(app, batch_id), now=app.clock.now())
    st.title(md_escape(view.title), anchor=False)
    if left_out := batch.say_left_out(state.read_param("left_out")):
        st.caption(left_out)
    draw_report(view, on_pick=pick)


batch_id = state.read_param("batch_id")
draw_note(state.take_note())
try:
    if batch_id is None:
        raise NotFound("batch", "")
    batch_launching.report(deps.app(), batch_id)
except NotFound:
    st.title("Batch", anchor=False)
    text = "There is no such batch." if batch_id else "No batch is chosen."
    draw_empty(Empty(text, Link("Launch a file", "launch")))
else:
    draw(batch_id)
    draw_download(batch_id, write=partial(write, batch_id))
