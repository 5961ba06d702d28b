"""A file of inputs on the launch page: where it goes in, and what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.agent_text import draw_text
from interlock.dashboard.components.links import page_path
from interlock.dashboard.components.tables import draw_table
from interlock.dashboard.views.batch import FileView, RecentBatch
from interlock.dashboard.views.escaping import md_escape

ENDINGS = ["csv", "jsonl", "ndjson", "json"]
MEGABYTE = 1_048_576  # as Streamlit counts


def draw_upload(workflow: str, turn: str, *, max_bytes: int) -> Any:
    """The place for a file; gives back what was put there."""
    return st.file_uploader(
        "CSV or JSON lines, one input a row",
        type=ENDINGS,
        key=f"{keys.launch_file(workflow)}-{turn}",
        max_upload_size=max(1, max_bytes // MEGABYTE),
        help="The first row of a CSV names the fields. A cell becomes what its field wants; lists and"
        " objects are written as JSON; an empty cell is a field that is not there.",
    )


def draw_file(view: FileView, *, key: str) -> None:
    st.markdown(md_escape(view.summary))
    if view.bad:
        rows = [{"Line": row.line, "What is wrong": row.problem} for row in view.bad]
        draw_table(
            rows,
            key=f"{key}-bad",
            columns={"Line": st.column_config.TextColumn("Line", width="small", alignment="right")},
            alt=f"{len(rows)} rows that do not fit",
        )
        st.caption(view.bad_more)
    if view.sample:
        with st.expander("The first inputs as they were read", key=f"{key}-sample"):
            for line in view.sample:
                draw_text(line)


def draw_choice(view: FileView, workflow: str, turn: str) -> None:
    """Whether to leave out what does not fit; it changes what the button says."""
    st.checkbox(view.choice, key=good_only_key(workflow, turn))


def good_only_key(workflow: str, turn: str) -> str:
    """The key of that choice; of another file it is another one."""
    return f"{keys.launch_good_only(workflow)}-{turn}"


def draw_recent(batches: Sequence[RecentBatch]) -> None:
    if not batches:
        return
    with st.popover("Earlier files", icon=":material/history:"):
        for batch in batches:
            st.page_link(
                page_path("batch"),
                label=md_escape(batch.label),
                query_params={"batch_id": batch.batch_id},
            )
