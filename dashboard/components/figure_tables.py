"""Tables of figures: sorted by their values, shown in our words, saved as CSV and JSON."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.tables import let_break
from interlock.dashboard.palette import Theme, shade
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.figure_tables import Column, FigureTable, say_cell, say_printed
from interlock.dashboard.views.formatting import NOTHING
from interlock.dashboard.views.sheets import Sheet, to_csv, to_json


def draw_figure_table(table: FigureTable, theme: Theme, *, key: str) -> None:
    frame = pd.DataFrame([list(row) for row in table.rows], columns=[c.head for c in table.columns])
    for column in table.columns:
        if column.unit != "text":
            frame[column.head] = pd.to_numeric(frame[column.head])
        if column.bar is not None:  # drawn by the browser, in its own words
            frame[column.head] *= 100
    style = frame.style
    for column in table.columns:
        style = style.format(partial(_say, column), subset=[column.head])
    for (row, at), word in table.words.items():
        if row < len(table.rows):
            head = table.columns[at].head
            style = style.format(partial(_say_always, word), subset=pd.IndexSlice[[row], [head]])
    colors = pd.DataFrame("", index=frame.index, columns=frame.columns)
    for (row, at), tone in table.tones.items():
        if row < len(table.rows):
            colors.iloc[row, at] = f"color: {shade(tone, theme).ink}"
    style = style.apply(lambda _: colors, axis=None)
    st.dataframe(
        style,
        hide_index=True,
        key=key,
        alt=table.alt,
        placeholder=NOTHING,
        column_config={c.head: _configure(c, theme) for c in table.columns},
    )
    if table.left_out:
        st.caption(table.left_out)


def draw_heading(text: str, sheet: Sheet | None, *, file_at: str, place: str) -> None:
    """A heading, at whose end what stands under it can be saved."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.subheader(text, anchor=False, width="stretch")
        if sheet is not None and sheet.rows:
            _offer(sheet, "csv", "text/csv", file_at, place)
            _offer(sheet, "json", "application/json", file_at, place)


def draw_printed(table: FigureTable) -> None:
    """The table as one that a printer gets whole; foreign words are escaped, as its cells are markup."""
    heads, lines = say_printed(table)
    cells = [[let_break(md_escape(cell)) for cell in line] for line in lines]
    st.table(pd.DataFrame(cells, columns=heads), hide_index=True, alt=table.alt)


def _offer(sheet: Sheet, ending: str, mime: str, file_at: str, place: str) -> None:
    st.download_button(
        ending.upper(),
        partial(to_csv if ending == "csv" else to_json, sheet),
        file_name=f"interlock-{sheet.name}-{file_at}.{ending}",
        mime=mime,
        key=keys.metrics_save(place, ending),
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        help=f"Save all {len(sheet.rows)} rows as {ending.upper()}",
    )


def _say(column: Column, value: Any) -> str:
    return say_cell(column, None if pd.isna(value) else value)


def _say_always(word: str, _: Any) -> str:
    return word


def _configure(column: Column, theme: Theme) -> Any:
    helped = column.help or None
    if column.bar is not None:
        return st.column_config.ProgressColumn(
            column.head,
            min_value=0.0,
            max_value=100.0,
            format="%.1f %%",
            color=shade(column.bar, theme).fill,
            help=helped,
        )
    if column.unit == "text":
        return st.column_config.TextColumn(column.head, help=helped)
    return st.column_config.NumberColumn(column.head, help=helped)
