"""The head of a run: what it is doing, what it waits for, why it failed, and what may be done."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.card_rows import draw_card_rows
from interlock.dashboard.components.links import page_path
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.run import Neighbour, Problem, RunView

OnAct = Callable[[str], None]
OnRate = Callable[[str, str], None]


def draw_header(
    view: RunView, *, on_cancel: OnAct, on_retry: OnAct, on_ask: OnAct, on_rate: OnRate
) -> None:
    """
    Draw the head.

    Args:
        view: What to draw.
        on_cancel: Called with the run's id.
        on_retry: Called with the run's id.
        on_ask: Called with the run's id.
        on_rate: Called with the run's id and the key of its stars.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(md_escape(view.workflow), anchor=False, width="stretch")
        draw_badge(view.look)
        if view.durability is not None:
            draw_badge(view.durability, help_text=view.durability_text)
        if view.is_rateable:
            _draw_rating(view, on_rate)
        _draw_acts(view, on_cancel, on_retry, on_ask)
    st.caption(md_escape(view.summary), help=md_escape(view.exact))
    if view.durability_text:
        st.caption(f"Not durable: {view.durability_text}")
    draw_notice(view.notice)
    for neighbour in (view.earlier, view.later):
        _draw_neighbour(neighbour)
    if view.cards:
        draw_card_rows(view.cards, place="run")
    if view.problem is not None:
        _draw_problem(view.problem)


def _draw_rating(view: RunView, on_rate: OnRate) -> None:
    """Stars in the line of the title, where a run that ends moves nothing."""
    key = keys.run_rating(view.run_id, view.rating)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.caption("Rate", width="content")
        st.feedback(
            "stars",
            key=key,
            default=None if view.rating is None else view.rating - 1,
            on_change=on_rate,
            args=(view.run_id, key),
        )


def _draw_acts(view: RunView, on_cancel: OnAct, on_retry: OnAct, on_ask: OnAct) -> None:
    with st.popover("Cancel or retry", key=f"act-{keys.run_reason(view.run_id)}"):
        st.text_input(
            "Reason (optional)",
            key=keys.run_reason(view.run_id),
            max_chars=2000,
            on_change="ignore",
        )
        for act, key, on_click, icon in (
            (view.retry, keys.run_retry(view.run_id), on_retry, ":material/replay:"),
            (view.ask, keys.run_ask(view.run_id), on_ask, ":material/inbox:"),
            (view.cancel, keys.run_cancel(view.run_id), on_cancel, ":material/cancel:"),
        ):
            st.button(
                act.label,
                key=key,
                icon=icon,
                disabled=not act.is_possible,
                help=act.why_not or None,
                on_click=on_click,
                args=(view.run_id,),
                width="stretch",
            )


def _draw_neighbour(neighbour: Neighbour | None) -> None:
    if neighbour is None:
        return
    with st.container(key=f"{keys.open_run(neighbour.run_id)}-neighbour"):
        st.page_link(
            page_path("run"),
            label=md_escape(neighbour.label),
            icon=neighbour.look.icon,
            query_params={"run_id": neighbour.run_id},
        )


def _draw_problem(problem: Problem) -> None:
    st.error(
        f"**{md_escape(problem.headline)}** {md_escape(problem.place)}", icon=":material/error:"
    )
    draw_text(problem.message or "(no message)")
    with st.expander("Stack, state at the failure, versions"):
        if problem.stack:
            st.code(problem.stack, language=None, height=300)
        if problem.snapshot is not None:
            st.caption("State when it failed; secrets are masked.")
            draw_value(problem.snapshot)
        if problem.versions:
            st.caption(md_escape(problem.versions))
