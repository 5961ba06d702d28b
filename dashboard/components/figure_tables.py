"""Tables of figures: sorted by their values, shown in our words, saved as CSV and JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.tables import let_break
from interlock.dashboard.palette import Theme, shade
from interlock.dashboard.views.escaping import md_escape, show_hidden
from interlock.dashboard.views.figure_tables import Column, FigureTable, say_cell, say_printed
from interlock.dashboard.views.formatting import NOTHING
from interlock.dashboard.views.sheets import Sheet, to_csv, to_json

_FORMS = {"csv": ("text/csv", to_csv), "json": ("application/json", to_json)}


def draw_figure_table(table: FigureTable, theme: Theme, *, key: str) -> None:
    rows = [[show_hidden(v) if isinstance(v, str) else v for v in row] for row in table.rows]
    frame = pd.DataFrame(rows, columns=[c.head for c in table.columns])
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
            about = f"Save all {len(sheet.rows)} rows"
            _offer(lambda: sheet, about, name=sheet.name, file_at=file_at, place=place)


def draw_saves(
    read: Callable[[], Sheet], *, name: str, about: str, file_at: str, place: str
) -> None:
    """
    The two buttons by themselves, at the end of a list.

    Args:
        read: What is saved; called when a button is pressed, by a thread that draws nothing.
        name: What the file is called by.
        about: What is saved, in words: "Save these runs".
        file_at: The moment, as part of a file's name.
        place: Tells the buttons of one page apart.
    """
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        _offer(read, about, name=name, file_at=file_at, place=place)


def draw_printed(table: FigureTable) -> None:
    """The table as one that a printer gets whole; foreign words are escaped, as its cells are markup."""
    heads, lines = say_printed(table)
    cells = [[let_break(md_escape(cell)) for cell in line] for line in lines]
    st.table(pd.DataFrame(cells, columns=heads), hide_index=True, alt=table.alt)


def _offer(read: Callable[[], Sheet], about: str, *, name: str, file_at: str, place: str) -> None:
    for ending, (mime, write) in _FORMS.items():
        st.download_button(
            ending.upper(),
            partial(_write, write, read),
            file_name=f"interlock-{name}-{file_at}.{ending}",
            mime=mime,
            key=keys.metrics_save(place, ending),
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
            help=f"{about} as {ending.upper()}",
        )


def _write(write: Callable[[Sheet], str], read: Callable[[], Sheet]) -> str:
    return write(read())


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
