"""What a run did, in its tabs: steps, streamed texts, state, raw events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.conversation import draw_conversation
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import format_plural
from interlock.dashboard.views.state import StateView
from interlock.dashboard.views.steps import StepRow
from interlock.dashboard.views.stream import EventRow, Line, Standing, Stream

TO_READ, AS_JSON = "To read", "JSON"
_STANDINGS: dict[Standing, str] = {
    "writing": " · writing …",
    "whole": "",
    "cut off": " · cut off before its end",
}

OnPick = Callable[[str, Sequence[str]], None]


def draw_steps(
    rows: Sequence[StepRow],
    *,
    key: str,
    chosen: str | None = None,
    on_pick: OnPick | None = None,
) -> None:
    """
    Draw the attempts.

    Args:
        rows: What to draw.
        key: The table's key; it must change with the rows where they can be picked.
        chosen: The key of the row that is marked.
        on_pick: Called when another row is picked.
    """
    if not rows:
        st.caption("No step has begun. Steps come here as the worker starts them.")
        return
    table: list[Row] = [
        {
            "Step": str(row.step),
            "Node": row.path,
            "Attempt": row.attempt,
            "Status": row.look,
            "Took": row.took,
            "Started": row.started_at,
            "Problem": row.problem,
        }
        for row in rows
    ]
    right = {
        "Step": st.column_config.TextColumn("Step", alignment="right", width="small"),
        "Attempt": st.column_config.TextColumn("Attempt", alignment="right", width=150),
        "Took": st.column_config.TextColumn("Took", alignment="right", width="small"),
    }
    ids = [row.key for row in rows]
    draw_table(
        table,
        key=key,
        ids=ids,
        selected=ids.index(chosen) if chosen in ids else None,
        on_pick=on_pick,
        columns=right,
        alt=format_plural(len(rows), "step"),
    )


def draw_stream(stream: Stream) -> None:
    if stream.is_empty:
        st.caption("Nothing was streamed. Texts of models and custom events come here.")
        return
    if stream.left_out:
        st.caption(stream.left_out)
    for warning in stream.warnings:
        draw_problem(warning)
    for text in stream.texts:
        st.caption(f"{md_escape(text.node)}{_STANDINGS[text.standing]}")
        draw_text(text.text or " ")
    if stream.customs:
        st.caption("Custom events")
        _draw_lines(stream.customs)


def draw_log(lines: Sequence[Line]) -> None:
    if not lines:
        st.caption("Nothing was printed or logged. What the workflow's code prints comes here.")
        return
    _draw_lines(lines)


def draw_state(view: StateView | None, problem: str, *, key: str) -> None:
    if problem:
        draw_problem(problem)
    if view is None:
        st.caption("The state is kept when the run waits or ends.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(md_escape(view.place), width="stretch")
        form = st.segmented_control(
            "Form",
            [TO_READ, AS_JSON],
            default=TO_READ,
            required=True,
            key=key,
            label_visibility="collapsed",
        )
    if form == AS_JSON:
        draw_value(view.whole)
        return
    if view.conversation is not None:
        draw_conversation(view.conversation, key=f"{key}-messages")
    if view.lines:
        rows = [{"Field": name, "Value": text} for name, text in view.lines]
        wide = st.column_config.TextColumn("Value", width="large")
        draw_table(
            rows,
            key=f"{key}-lines",
            columns={"Value": wide},
            is_whole=True,
            alt=format_plural(len(rows), "short value"),
        )
    for name, value in view.values:
        st.caption(md_escape(name))
        draw_value(value)


def draw_events(rows: Sequence[EventRow], *, key: str) -> None:
    if not rows:
        st.caption("No events yet.")
        return
    table = [
        {"Seq": str(r.seq), "At": r.at, "Kind": r.kind, "Node": r.path, "Data": r.data}
        for r in rows
    ]
    columns = {
        "Seq": st.column_config.TextColumn("Seq", alignment="right", width="small"),
        "Data": st.column_config.TextColumn("Data", width="large"),
    }
    draw_table(table, key=key, columns=columns, alt=format_plural(len(rows), "event"))


def _draw_lines(lines: Sequence[Line]) -> None:
    draw_text("\n".join(f"{line.at}  {line.place}  {line.text}" for line in lines))
