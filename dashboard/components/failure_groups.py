"""Failed runs by their error: each group can be shown, retried or cancelled as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.links import page_path
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.failures import FailureRow, Report

OnGroup = Callable[[str], None]


def draw_groups(
    rows: Sequence[FailureRow],
    *,
    shown: str | None,
    on_show: OnGroup,
    on_retry: OnGroup,
    on_cancel: OnGroup,
) -> None:
    """
    Draw the groups.

    Args:
        rows: What to draw.
        shown: The error that the list is filtered by.
        on_show: Called with the error of a group that shall be listed alone.
        on_retry: Called with the error of a group that shall be retried.
        on_cancel: Called with the error of a group that shall be cancelled.
    """
    if rows:
        st.caption("Failed and not gone on with, by error")
    for row in rows:
        with st.container(
            key=keys.runs_group("row", row.error_type),
            border=True,
            horizontal=True,
            vertical_alignment="center",
            gap="small",
        ):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**{md_escape(row.title)}** · {md_escape(row.count)}")
                line = f"newest {row.newest}{': ' if row.example else ''}{row.example}"
                st.caption(md_escape(line), help=row.newest_at)
            if row.error_type != shown:
                st.button(
                    "Show",
                    key=keys.runs_group("show", row.error_type),
                    on_click=on_show,
                    args=(row.error_type,),
                )
            _draw_acts(row, on_retry, on_cancel)


def _draw_acts(row: FailureRow, on_retry: OnGroup, on_cancel: OnGroup) -> None:
    """What is done to many is asked for twice: to open this, and in it."""
    with st.popover("Retry or cancel", key=keys.runs_group("act", row.error_type)):
        st.caption(row.warning)
        st.text_input(
            "Reason (optional)",
            key=keys.runs_group("reason", row.error_type),
            max_chars=2000,
            on_change="ignore",
        )
        for label, what, on_click, icon in (
            (row.retry, "retry", on_retry, ":material/replay:"),
            (row.cancel, "cancel", on_cancel, ":material/cancel:"),
        ):
            st.button(
                label,
                key=keys.runs_group(what, row.error_type),
                icon=icon,
                on_click=on_click,
                args=(row.error_type,),
                width="stretch",
            )


def draw_report(report: Report | None, *, on_close: Callable[[], None]) -> None:
    """What came of the last act upon a group, until it is put away."""
    if report is None:
        return
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(md_escape(report.text), width="stretch")
            st.button("Close", key=keys.runs_report_off(), on_click=on_close)
        for refusal in report.refusals:
            with st.container(
                key=f"{keys.open_run(refusal.run_id)}-refusal",
                horizontal=True,
                vertical_alignment="center",
            ):
                st.page_link(
                    page_path("run"),
                    label=md_escape(refusal.short),
                    icon=":material/timeline:",
                    query_params={"run_id": refusal.run_id},
                )
                st.caption(md_escape(refusal.reason), width="stretch")
        if report.left_out:
            st.caption(report.left_out)
