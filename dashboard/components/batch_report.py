"""How far a file of inputs is, drawn: counts as badges, a bar, the rows that failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.badges import as_markdown
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views.batch import BatchView
from interlock.dashboard.views.escaping import md_escape


def draw_report(view: BatchView, *, on_pick: Callable[[str, Sequence[str]], None]) -> None:
    st.caption(md_escape(view.about), help=view.started_at)
    st.progress(view.ended_ratio, text=view.progress)
    counts = "\N{EM SPACE}".join(f"{as_markdown(c.look)} {c.text}" for c in view.counts)
    st.markdown(counts or "\N{NO-BREAK SPACE}")
    draw_notice(view.notice)
    if not view.failed:
        return
    st.subheader("Failed", anchor=False)
    ids = [row.run_id for row in view.failed]
    rows: list[Row] = [
        {"Run": row.short, "Thread": row.thread, "Problem": row.problem} for row in view.failed
    ]
    draw_table(
        rows,
        key=keys.batch_failed(ids),
        ids=ids,
        on_pick=on_pick,
        columns={"Problem": st.column_config.TextColumn("Problem", width="large")},
        alt=f"{len(rows)} rows that failed, in the order of the file",
    )
    st.caption(view.failed_more)


def draw_download(view: BatchView, batch_id: str, *, write: Callable[[], str]) -> None:
    """All runs as CSV; `write` is called once somebody wants them."""
    st.download_button(
        "All runs as CSV",
        write,
        file_name=view.file_name,
        mime="text/csv",
        key=keys.batch_download(batch_id),
        icon=":material/download:",
        on_click="ignore",
    )
