"""One point of a thread, and how two of them differ. All text in it is drawn inert (law 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.core.model.history import Inner
from interlock.dashboard.components.agent_text import draw_value
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.conversation import draw_conversation
from interlock.dashboard.components.decisions import draw_decisions
from interlock.dashboard.components.links import draw_link
from interlock.dashboard.components.run_tabs import draw_steps
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import format_plural
from interlock.dashboard.views.points import PointRow, PointView
from interlock.dashboard.views.state_diff import DiffView, Place

OPEN_COUNT = 10  # items of a list that are unfolded at once

OnPick = Callable[[str, Sequence[str]], None]


def draw_facts(view: PointView, *, key: str) -> None:
    """What a point is, what led to it and follows it, what was asked and decided here."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(
            md_escape(view.headline), anchor=False, width="stretch", help=md_escape(view.exact)
        )
        if view.run is not None:
            draw_link(view.run)
        draw_link(view.what_if)
    with st.container(gap=None):
        for name, text in view.facts:
            st.markdown(f":gray[{name}:] {md_escape(text)}")
        if view.fork:
            st.markdown(f":gray[A fork:] {md_escape(view.fork)}")
    for card in view.cards:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            draw_badge(card.look)
            st.markdown(md_escape(card.title), width="stretch")
            draw_link(card.link)
    if view.decisions:
        st.caption("Decided here")
        draw_decisions(view.decisions)
    if view.steps:
        with st.expander(
            f"{format_plural(len(view.steps), 'attempt')} led here", icon=":material/checklist:"
        ):
            draw_steps(view.steps, key=key)


def draw_beneath(found: Sequence[Inner]) -> None:
    """The states of the subgraphs beneath a point."""
    if not found:
        st.caption("No subgraph has a state of its own beneath this point.")
    for inner in found:
        following = ", ".join(inner.next) or "nothing"
        st.markdown(f"**{md_escape(inner.path)}**")
        st.caption(md_escape(f"step {inner.step}, next: {following}"))
        draw_value(inner.values)


def draw_points(rows: Sequence[PointRow], *, key: str, chosen: str | None, on_pick: OnPick) -> None:
    """The points as a table, which says what the tree draws."""
    table: list[Row] = [
        {
            "Step": row.step,
            "Branch": row.branch,
            "Made by": row.source,
            "Ran": row.ran,
            "Next": row.next,
            "Decision": row.decision,
            "Fork": row.fork,
            "At": row.at,
            "Size": row.size,
        }
        for row in rows
    ]
    ids: list[str] = [row.checkpoint_id for row in rows]
    right = {
        name: st.column_config.TextColumn(name, alignment="right", width="small")
        for name in ("Step", "Branch", "Size")
    }
    draw_table(
        table,
        key=key,
        ids=ids,
        selected=ids.index(chosen) if chosen in ids else None,
        on_pick=on_pick,
        columns=right,
        alt=f"{format_plural(len(rows), 'point')}, newest first",
    )


def draw_diff(view: DiffView, *, key: str) -> None:
    """The differences, one below the other."""
    st.markdown(f"**{md_escape(view.summary)}**")
    for at, place in enumerate(view.places):
        with st.container(gap="xsmall"):
            st.markdown(f":gray[{md_escape(place.path)}] {md_escape(place.word)}")
            _draw_place(place, key=f"{key}-{at}")
    for note in view.notes:
        st.caption(note)


def _draw_place(place: Place, *, key: str) -> None:
    if place.marked:
        st.markdown(place.marked)
    elif place.said is not None:
        draw_conversation(place.said, key=key)
    else:
        _draw_values(place)


def _draw_values(place: Place) -> None:
    """A value that came or went, or both, one above the other."""
    for word, value in place.values:
        if len(place.values) > 1:
            st.caption(word)
        is_long = isinstance(value, dict | list) and len(value) > OPEN_COUNT
        draw_value(value, expanded=not is_long and 1)
