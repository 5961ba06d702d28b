"""How far a file of inputs is, drawn: counts as badges, a bar, the rows that failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.badges import as_markdown
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views.batch import BatchRow, BatchView
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import format_plural, short_id


def draw_report(view: BatchView, *, on_pick: Callable[[str, Sequence[str]], None]) -> None:
    st.caption(md_escape(view.about), help=view.started_at)
    st.progress(view.ended_ratio, text=view.progress)
    counts = "\N{EM SPACE}".join(f"{as_markdown(c.look)} {c.text}" for c in view.counts)
    st.markdown(counts or "\N{NO-BREAK SPACE}")
    draw_notice(view.notice)
    if view.failed:
        st.subheader("Failed", anchor=False)
        _draw_rows(view.failed, place="failed", on_pick=on_pick)
        st.caption(view.failed_more)
    if view.rows:
        st.subheader("In the order of the file", anchor=False)
        _draw_rows(view.rows, place="all", on_pick=on_pick)
        st.caption(view.rows_more)


def _draw_rows(
    found: Sequence[BatchRow], *, place: str, on_pick: Callable[[str, Sequence[str]], None]
) -> None:
    ids = [row.run_id for row in found]
    has_variants = any(row.variant for row in found)
    rows: list[Row] = [
        {
            "Status": row.look,
            "Input": row.input,
            "Run": row.short,
            **({"Variant": row.variant} if has_variants else {}),
            "Problem": row.problem,
        }
        for row in found
    ]
    draw_table(
        rows,
        key=keys.batch_rows(place, ids),
        ids=ids,
        on_pick=on_pick,
        columns={
            "Input": st.column_config.TextColumn("Input", width="large"),
            "Run": st.column_config.TextColumn("Run", width="small"),
        },
        alt=f"{format_plural(len(rows), 'row')} of the file, each with its run",
    )


def draw_download(batch_id: str, *, write: Callable[[], str]) -> None:
    """All runs as CSV; `write` is called once somebody wants them."""
    st.download_button(
        "All runs as CSV",
        write,
        file_name=f"batch-{short_id(batch_id).lstrip('…')}.csv",
        mime="text/csv",
        key=keys.batch_download(batch_id),
        icon=":material/download:",
        on_click="ignore",
    )
