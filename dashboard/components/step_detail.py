"""One chosen step of a run, with its input and output side by side."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.links import draw_link
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.notices import Link
from interlock.dashboard.views.step_detail import StepDetail


def draw_step(view: StepDetail) -> None:
    with st.container(key=keys.run_step(view.task_id), border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{md_escape(view.title)}**", width="stretch")
            draw_badge(view.look)
        if view.cut:
            st.caption(md_escape(view.cut))
        if view.error:
            st.caption("Error")
            draw_text(view.error)
        left, right = st.columns(2, gap="medium")
        with left:
            st.caption(view.input_title)
            if view.has_input:
                draw_value(view.input)
            if view.input_note:
                st.caption(view.input_note)
        with right:
            _draw_output(view)


def _draw_output(view: StepDetail) -> None:
    for title, values in (("Asked", view.questions), ("Sent", view.sends)):
        for value in values:
            st.caption(title)
            draw_value(value)
    for answered in view.answers:
        st.caption(f"Answered by {md_escape(answered.who)}")
        draw_value(answered.answer)
    st.caption("Output")
    if view.has_output:
        draw_value(view.output)
    elif view.output_note:
        st.caption(view.output_note)
    else:
        st.caption("Nothing for the state.")
    if view.again_in:
        draw_link(Link(label="Open that run", page="run", params={"run_id": view.again_in}))
    if view.leads_to:
        st.caption(f"Leads to {md_escape(view.leads_to)}")
