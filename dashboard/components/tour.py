"""The guided tour: one quiet line or the step that is under way, and all steps as a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from interlock.core.model.tours import TourStep
from interlock.dashboard import keys
from interlock.dashboard.components.badges import as_markdown
from interlock.dashboard.components.links import draw_link
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.notices import Link
from interlock.dashboard.views.tour import StepView, TourView

STEP_HEIGHT = 208  # pixels: the longest step fits, so that the buttons stay where they are
NOW = Look(Tone.QUIET, "now", ":material/tour:")
DONE = Look(Tone.DONE, "done", ":material/check_circle:")

Act = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Acts:
    """What the buttons do."""

    take: Act
    back: Act
    go_on: Act
    leave: Act


def draw_offer(view: TourView, *, place: str, on_take: Act, is_primary: bool = False) -> None:
    """The button that begins or resumes a tour; in the frame one quiet line."""
    st.button(
        f"{view.offer}: {view.place}" if view.is_resumed else view.offer,
        key=keys.tour_act("take", place),
        icon=":material/tour:",
        type="primary" if is_primary else "tertiary",
        on_click=on_take,
    )


def draw_step(view: TourView, step: StepView, *, acts: Acts) -> None:
    """The step that is under way, in the frame of every page."""
    with st.container(height=STEP_HEIGHT, border=False, gap="xsmall"):
        st.caption(f"Tour: {view.place}{_mark(step)}")
        st.markdown(f"**{md_escape(step.title)}**")
        st.caption(md_escape(step.text))
        for link in step.links:
            draw_link(link)
    draw_acts(view, place="strip", acts=acts)


def draw_acts(view: TourView, *, place: str, acts: Acts) -> None:
    """The buttons that turn the pages of a tour."""
    with st.container(horizontal=True, gap="small"):
        for act, label, on_click, is_there in (
            ("back", "Back", acts.back, view.has_back),
            ("next", view.next_label, acts.go_on, True),
            ("leave", "Leave", acts.leave, True),
        ):
            key = keys.tour_act(act, place)
            st.button(label, key=key, disabled=not is_there, on_click=on_click)


def draw_steps(steps: Sequence[StepView], *, on_show: Callable[[TourStep, Link], None]) -> None:
    """All steps in their order, each with a way to turn the tour to it."""
    for number, step in enumerate(steps, start=1):
        with st.container(key=keys.tour_step(step.step), gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                now = f" {as_markdown(NOW)}" if step.is_shown else ""
                title = f"**{number}. {md_escape(step.title)}**{_mark(step)}{now}"
                st.markdown(title, width="stretch")
                st.button(
                    "Show me",
                    key=keys.tour_show(step.step),
                    icon=":material/arrow_forward:",
                    help=step.links[0].label,
                    on_click=on_show,
                    args=(step.step, step.links[0]),
                )
            st.caption(md_escape(step.text))


def _mark(step: StepView) -> str:
    """That its deed was seen done."""
    return f" {as_markdown(DONE)}" if step.is_done else ""
