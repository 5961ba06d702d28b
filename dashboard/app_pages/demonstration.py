from __future__ import annotations

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.model import tours
from interlock.core.model.demonstration import Demonstration, Service
from interlock.core.model.tours import TourStep
from interlock.core.services import demonstrating, touring, tripping
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages import tour_strip
from interlock.dashboard.components import demonstration as parts
from interlock.dashboard.components import tour as tour_parts
from interlock.dashboard.components.links import draw_empty, draw_link, page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note, draw_notice
from interlock.dashboard.views import demonstration as views
from interlock.dashboard.views import tour as tour_views
from interlock.dashboard.views.notices import Link

REFRESH_S = 10.0  # what plays it gives signs of life that move no topic
WANTED = "demonstration-wanted"  # where the last "Show me" leads


def set_rate() -> None:
    """What was done is seen on the switch itself; only what was not is said."""
    try:
        per_minute = st.session_state[keys.demo_rate()]
        demonstrating.set_rate(deps.app(), per_minute, actor=deps.actor())
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))


def switch(service: Service) -> None:
    is_failing = bool(st.session_state[keys.demo_fault(service)])
    try:
        demonstrating.set_fault(deps.app(), service, is_failing=is_failing, actor=deps.actor())
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))


def show(step: TourStep, link: Link) -> None:
    """Turn the tour to a step and go where it leads."""
    tour_strip.carry_out(lambda: touring.show(deps.app(), step, actor=deps.actor()))
    st.session_state[WANTED] = link


def begin() -> None:
    tour_strip.carry_out(tour_strip.begin)


def draw_tour(playing: Demonstration) -> None:
    """The steps, on a phone the whole tour: there the frame is folded away."""
    app, actor = deps.app(), deps.actor()
    tour = touring.read(app, actor=actor)
    facts = touring.look(app, tour or tours.begin(actor, now=app.clock.now()))
    view = tour_views.build(tour, facts, playing)
    st.subheader("The tour", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if view.shown is None:
            acts = tour_strip.ACTS
            tour_parts.draw_offer(view, place="page", on_take=acts.take, is_primary=True)
        else:
            tour_parts.draw_acts(view, place="page", acts=tour_strip.ACTS)
        if tour is not None:
            st.button(
                "Begin again",
                key=keys.tour_act("again", "page"),
                icon=":material/restart_alt:",
                type="tertiary",
                on_click=begin,
            )
    tour_parts.draw_steps(view.steps, on_show=show)


@st.fragment
def draw() -> None:
    live("demonstration", "breakers", "runs", key=keys.live("demonstration"), refresh_s=REFRESH_S)
    wanted = st.session_state.pop(WANTED, None)
    if wanted is not None:
        st.switch_page(page_path(wanted.page), query_params=dict(wanted.params))
    app = deps.app()
    playing = demonstrating.read(app)
    if playing is None:
        draw_empty(views.NOT_PLAYING)
        return
    view = views.build(playing, tripping.list_breakers(app), now=app.clock.now())
    draw_note(state.take_note())
    st.caption(view.about)
    draw_notice(view.notice)
    left, right = st.columns([3, 2], gap="large")
    with left:
        draw_tour(playing)
        st.caption(views.SHEET)
    with right:
        st.subheader("New work", anchor=False)
        parts.draw_rate(view.rates, view.rate, on_change=set_rate)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader("Services", anchor=False, width="stretch")
            draw_link(Link("Breakers", "breakers"))
        for service in view.services:
            parts.draw_service(service, on_switch=switch)


st.title("Demonstration", anchor=False)
draw()
