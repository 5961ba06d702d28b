"""
Lists as tables, with rows chosen by id.

Streamlit selects by position. The key of a table is therefore made from the ids it shows, and a
position is turned into an id by the list it was drawn from (law 10).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from interlock.dashboard.palette import Look
from interlock.dashboard.views.escaping import md_escape, show_hidden

Row = Mapping[str, str | Look]

_BADGE_PIXELS = 75  # what Streamlit calls small


def draw_table(
    rows: Sequence[Row],
    *,
    key: str,
    ids: Sequence[str] = (),
    selected: int | None = None,
    on_pick: Callable[[str, Sequence[str]], None] | None = None,
    columns: Mapping[str, Any] | None = None,
    is_whole: bool = False,
    alt: str,
) -> None:
    """
    Draw rows as text cells, which show markup letter by letter.

    Args:
        rows: One mapping a row, column name to text, in order; a column of looks is one of badges.
        key: Widget key; where rows can be picked it must change with the ids.
        ids: The id of each row, where rows can be picked.
        selected: Which row is picked at first.
        on_pick: Called with `key` and `ids` when another row is picked.
        columns: Settings of columns that need some.
        is_whole: Whether all rows are seen at once; else a long table scrolls within itself.
        alt: The table in words.
    """
    rows = [{_head(name): cell for name, cell in row.items()} for row in rows]
    badges = {name for row in rows for name, cell in row.items() if isinstance(cell, Look)}
    frame = pd.DataFrame([_cells(row, badges) for row in rows], dtype="object")
    config = {name: _column(name, rows) for name in frame.columns} | dict(columns or {})
    shared: dict[str, Any] = {
        "hide_index": True,
        "column_config": config,
        "alt": show_hidden(alt),
        "key": key,
        "height": "content" if is_whole else "auto",
    }
    if on_pick is None:
        st.dataframe(frame, **shared)
        return
    # A click anywhere in a row picks it; the row that is picked is marked, if one is here.
    if selected is not None:
        shared["selection_default"] = {"selection": {"rows": [selected]}}
    st.dataframe(
        frame,
        **shared,
        on_select=lambda: on_pick(key, ids),
        selection_mode="single-cell"
        if selected is None
        else ("single-row-required", "single-cell"),
    )


def draw_prose(rows: Sequence[Mapping[str, str]], *, alt: str) -> None:
    """A table whose cells are sentences: they wrap, so that none is cut. Its cells are escaped."""
    frame = pd.DataFrame(
        [{_head(k): let_break(md_escape(v)) for k, v in row.items()} for row in rows]
    )
    st.table(frame, hide_index=True, alt=alt)


def let_break(escaped: str) -> str:
    """Let a long name be broken at its marks, where a cell wraps: paper and phones are narrow."""
    for mark in (r"\_", r"\/"):
        escaped = escaped.replace(mark, f"{mark}\N{ZERO WIDTH SPACE}")
    return escaped


def _head(name: str) -> str:
    """A column's name as its head: `sign of life` is `Sign of life`, a name that is one stays."""
    return f"{name[:1].upper()}{name[1:]}"


def _cells(row: Row, badges: Collection[str]) -> dict[str, str | list[str]]:
    return {k: _badges(v) if k in badges else show_hidden(str(v)) for k, v in row.items()}


def _badges(cell: str | Look) -> list[str]:
    word = cell.word if isinstance(cell, Look) else cell
    return [word] if word else []


def _column(name: str, rows: Sequence[Row]) -> Any:
    looks = {v.word: v for row in rows if isinstance(v := row.get(name), Look)}
    if not looks:
        return st.column_config.TextColumn(name)
    width = max(_BADGE_PIXELS, 35 + 8 * max(map(len, looks)))  # a word that is cut says nothing
    return st.column_config.MultiselectColumn(
        name, width=width, options=list(looks), color=[v.badge for v in looks.values()]
    )


def read_picked(key: str, ids: Sequence[str], marked: str | None = None) -> str | None:
    """
    The id of the row that was just clicked, from the list that the table was drawn from.

    Args:
        key: The table's key.
        ids: The ids that it was drawn from.
        marked: The id that the table marked when it was drawn. The browser tells of that mark, too, at
            some time; it is no click, even where another one has been chosen elsewhere by then.
    """
    state = st.session_state.get(key)
    selection = state["selection"] if state else {}
    rows = [cell[0] for cell in selection.get("cells", ())] + list(selection.get("rows", ()))
    clicked = [ids[row] for row in rows if row < len(ids)]
    return next((each for each in clicked if each != marked), None)
