from __future__ import annotations

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.services import caching
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.cache_parts import draw_caches, draw_clearing
from interlock.dashboard.components.figure_tables import draw_heading
from interlock.dashboard.components.figures import draw_figures
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.views import caches


def clear() -> None:
    chosen: caches.Choice = st.session_state[keys.cache_clearing("place")]
    clearing, event = caches.read_clearing(
        chosen.place,
        st.session_state.get(keys.cache_clearing("pattern")),
        st.session_state.get(keys.cache_clearing("event")),
    )
    try:
        count = caching.clear(
            deps.app(),
            workflow=clearing.workflow,
            node=clearing.path,
            pattern=clearing.pattern,
            event=event,
            actor=deps.actor(),
            reason=(st.session_state.get(keys.cache_clearing("reason")) or "").strip(),
        )
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        state.leave_note(state.Note("done", caches.say_cleared(count)))


def choose_window() -> None:
    chosen = st.session_state[keys.caches_window()]
    state.set_params(window=None if chosen == caches.DEFAULT_WINDOW else chosen)


@st.fragment
def draw() -> None:
    live("caches", "workflows", key=keys.live("caches"))
    app = deps.app()
    now = app.clock.now()
    window = state.read_choice("window", caches.WINDOWS, caches.DEFAULT_WINDOW)
    view = caches.build(
        caching.list_caches(app, window=caches.WINDOWS[window]),
        events=caching.list_events(app),
        window=window,
        now=now,
    )
    draw_note(state.take_note())
    if view.empty is not None:
        draw_empty(view.empty)
        return
    st.session_state[keys.caches_window()] = window  # always: the browser's Back makes it forget
    st.segmented_control(
        "How far back",
        list(caches.WINDOWS),
        required=True,
        key=keys.caches_window(),
        label_visibility="collapsed",
        on_change=choose_window,
    )
    draw_figures(view.figures)
    draw_heading("By node", view.sheet, file_at=f"{now:%Y%m%d-%H%M}", place="caches")
    draw_caches(view.rows, trend_title=view.trend_title, alt=view.alt)
    st.caption(view.as_of)


def draw_form() -> None:
    """Outside of what is drawn again by itself: a choice must not move under the hand."""
    app = deps.app()
    view = caches.build(
        caching.list_caches(app, window=caches.WINDOWS["1 h"]),  # only which there are
        events=caching.list_events(app),
        window=caches.DEFAULT_WINDOW,
        now=app.clock.now(),
    )
    if view.empty is None:
        draw_clearing(view.choices, view.events, on_clear=clear)


with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Caches", anchor=False, width="stretch")
    draw_form()
draw()
