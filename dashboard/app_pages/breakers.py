from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.model.breaker import Order
from interlock.core.services import tripping
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.breaker_tiles import draw_tiles
from interlock.dashboard.components.charts import draw_chart
from interlock.dashboard.components.figure_tables import draw_heading, draw_saves
from interlock.dashboard.components.links import draw_empty, page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.components.tables import draw_table, read_picked
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.views import breakers, saved

PICKED = "breakers-picked-run"
STANDING = "breakers-standing"  # the order of the tiles, for as long as the page is open
REFRESH_S = 10.0  # traffic is told in spans of so long

SAID = {
    Order.OPEN: "is held open: nothing is let through until it is reset.",
    Order.CLOSE: "is held closed: everything is let through until it is reset.",
    Order.RESET: "is reset: closed, with nothing counted.",
}


def order(name: str, wanted: Order) -> None:
    reason = (st.session_state.get(keys.breaker_reason(name)) or "").strip()
    try:
        tripping.order(deps.app(), name, wanted, actor=deps.actor(), reason=reason)
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        st.session_state[keys.breaker_reason(name)] = ""
        state.leave_note(state.Note("done", f"{name} {SAID[wanted]}"))


def choose_span() -> None:
    chosen = st.session_state[keys.breakers_span()]
    state.set_params(span=None if chosen == breakers.DEFAULT_SPAN else chosen)


def read_span() -> str:
    return state.read_choice("span", breakers.SPANS, breakers.DEFAULT_SPAN)


def pick(key: str, run_ids: Sequence[str]) -> None:
    """Open the run whose call changed a breaker; what an operator did has none."""
    st.session_state[PICKED] = read_picked(key, run_ids)


@st.fragment
def draw() -> None:
    live("breakers", "figures", key=keys.live("breakers"), refresh_s=REFRESH_S)
    if run_id := st.session_state.pop(PICKED, None):
        st.switch_page(page_path("run"), query_params={"run_id": run_id})
    app, span = deps.app(), read_span()
    now = app.clock.now()
    board = tripping.read_board(app, since=now - breakers.SPANS[span])
    standing = st.session_state.get(STANDING, ())
    view = breakers.build(board, now=now, span=span, theme=read_theme(), order=standing)
    st.session_state[STANDING] = [tile.name for tile in view.tiles]
    draw_note(state.take_note())
    if view.empty is not None:
        draw_empty(view.empty)
        return
    st.caption(view.summary)
    draw_tiles(view.tiles, on_order=order)
    file_at = f"{now:%Y%m%d-%H%M}"
    draw_saves(
        lambda: saved.save_breakers(board, now=now),
        name="breakers",
        about="Save the breakers",
        file_at=file_at,
        place="breakers",
    )
    st.session_state[keys.breakers_span()] = span  # always: the browser's Back makes it forget
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("States over time", anchor=False, width="stretch")
        st.segmented_control(
            "How far back",
            list(breakers.SPANS),
            required=True,
            key=keys.breakers_span(),
            label_visibility="collapsed",
            on_change=choose_span,
        )
    if view.strip is not None:
        draw_chart(view.strip, key=keys.breakers_chart())
    sheet = saved.save_transitions(board.events)
    draw_heading(view.events_title, sheet, file_at=file_at, place="breaker-events")
    if view.events:
        draw_table(
            view.events,
            key=keys.breakers_events(view.event_runs),
            ids=view.event_runs,
            on_pick=pick,
            alt=f"{view.events_title}; a click opens the run whose call it was",
        )
    st.caption(view.nothing_happened or view.as_of)


st.title("Breakers", anchor=False)
st.session_state.pop(STANDING, None)
draw()
