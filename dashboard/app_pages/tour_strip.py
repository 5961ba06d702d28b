"""The guided tour in the frame of every page of a demonstration: one quiet line, or a step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from interlock.core.errors import InterlockError, StoreUnavailable
from interlock.core.model.tours import TourFacts, TourStatus
from interlock.core.services import demonstrating, touring
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components import tour as parts
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.views import tour as views

PLACE = "tour"


@st.fragment
def draw_strip() -> None:
    """Draw how far the person is; what there is to point at is looked up while a step is shown."""
    app, actor = deps.app(), deps.actor()
    try:
        tour = touring.read(app, actor=actor)  # for what it looks at; what is drawn is read after
        live(*views.topics_of(tour), key=keys.live("tour"), refresh_s=0)
        tour, playing = touring.read(app, actor=actor), demonstrating.read(app)
        if playing is None:
            return
        is_open = tour is not None and tour.status is TourStatus.OPEN
        facts = touring.look(app, tour) if tour is not None and is_open else TourFacts()
    except StoreUnavailable:  # the foot says so
        return
    draw_note(state.take_note(PLACE))
    view = views.build(tour, facts, playing)
    if view.shown is None:
        parts.draw_offer(view, place="strip", on_take=ACTS.take)
    else:
        parts.draw_step(view, view.shown, acts=ACTS)


def take() -> None:
    """Begin at the first step, or resume at the one where the tour was left."""
    tour = touring.read(deps.app(), actor=deps.actor())
    if tour is not None and tour.status is TourStatus.LEFT:
        touring.show(deps.app(), tour.step, actor=deps.actor())
    else:
        begin()


def begin() -> None:
    """Begin at the first step, whatever was before."""
    touring.begin(deps.app(), actor=deps.actor())


def back() -> None:
    """Show the step before."""
    tour = touring.read(deps.app(), actor=deps.actor())
    if tour is not None:
        touring.show(deps.app(), views.step_before(tour.step), actor=deps.actor())


def go_on() -> None:
    """Pass the step that is shown."""
    touring.go_on(deps.app(), actor=deps.actor())


def leave() -> None:
    """Put the tour away."""
    touring.leave(deps.app(), actor=deps.actor())


def carry_out(act: Callable[[], object]) -> None:
    """Carry out what a button asks for; where it is refused, the strip says why."""
    try:
        act()
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)), PLACE)


ACTS = parts.Acts(
    take=partial(carry_out, take),
    back=partial(carry_out, back),
    go_on=partial(carry_out, go_on),
    leave=partial(carry_out, leave),
)
