"""What a run did, in its tabs: steps, streamed texts, state, raw events."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.model.threads import Snapshot
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import format_exact, format_plural, short_id
from interlock.dashboard.views.steps import StepRow
from interlock.dashboard.views.stream import EventRow, Line, Stream


def draw_steps(rows: Sequence[StepRow], *, key: str) -> None:
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
        name: st.column_config.TextColumn(name, alignment="right", width="small")
        for name in ("Step", "Attempt", "Took")
    }
    draw_table(table, key=key, columns=right, alt=format_plural(len(rows), "step"))


def draw_stream(stream: Stream) -> None:
    if stream.is_empty:
        st.caption("Nothing was streamed. Texts of models, custom events and prints come here.")
        return
    for warning in stream.warnings:
        draw_problem(warning)
    for text in stream.texts:
        st.caption(f"{md_escape(text.node)}{'' if text.is_done else ' · writing …'}")
        draw_text(text.text or " ")
    _draw_lines("Custom events", stream.customs)
    _draw_lines("What the workflow printed and logged", stream.logs)


def draw_state(snapshot: Snapshot | None, problem: str) -> None:
    if problem:
        draw_problem(problem)
    if snapshot is None:
        st.caption("The state is kept when the run waits or ends.")
        return
    following = f" · next: {', '.join(snapshot.next)}" if snapshot.next else " · nothing follows"
    place = f"{short_id(snapshot.checkpoint_id)}, {format_exact(snapshot.created_at)}{following}"
    st.caption(md_escape(f"checkpoint {place}"))
    draw_value(snapshot.values)


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


def _draw_lines(title: str, lines: Sequence[Line]) -> None:
    if lines:
        st.caption(title)
        draw_text("\n".join(f"{line.at}  {line.place}  {line.text}" for line in lines))
