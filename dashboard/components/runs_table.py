"""The list of runs; picking a row opens its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views.formatting import format_plural
from interlock.dashboard.views.runs import RunsList


def draw_runs(view: RunsList, *, on_pick: Callable[[str, Sequence[str]], None]) -> None:
    rows: list[Row] = [
        {
            "Workflow": row.workflow,
            "Status": row.look,
            "Launched": row.started,
            "Took": row.took,
            "By": row.by,
            "Run": row.short,
            "Thread": row.thread,
            "Problem": row.problem,
        }
        for row in view.rows
    ]
    draw_table(
        rows,
        key=keys.runs_table(view.ids),
        ids=view.ids,
        on_pick=on_pick,
        columns={
            "Took": st.column_config.TextColumn("Took", alignment="right", width="small"),
        },
        is_whole=True,
        alt=f"{format_plural(len(rows), 'run')}, newest first",
    )
