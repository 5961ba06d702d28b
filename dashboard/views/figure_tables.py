"""
Tables of figures: plain values to sort and to save, and the words they are shown in.

`components/figure_tables.py` draws them; `Sheet` is the same as data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from interlock.dashboard.palette import Tone
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.scales import Unit, format_unit
from interlock.dashboard.views.sheets import Cell, Sheet

_STAY = "\N{NO-BREAK SPACE}"
ROWS_LIMIT_COUNT = 200  # drawn; what is saved holds all of them


@dataclass(frozen=True, kw_only=True)
class Column:
    """`field` is its name in what is saved, `head` on the page; a `bar` fills its cell by a share from 0 to 1."""

    field: str
    head: str
    unit: Unit | Literal["text", "cost"] = "text"
    bar: Tone | None = None
    help: str = ""


Place = tuple[int, int]  # row and column


@dataclass(frozen=True, kw_only=True)
class FigureTable:
    """
    A table as it is drawn.

    `words` are said instead of a value ("n = 7"), `tones` colour the words of a cell. `left_out` says
    how many rows are only in what is saved.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sheet: Sheet
    alt: str
    words: Mapping[Place, str] = field(default_factory=dict)
    tones: Mapping[Place, Tone] = field(default_factory=dict)
    left_out: str = ""


def build(
    name: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    words: Mapping[Place, str] | None = None,
    tones: Mapping[Place, Tone] | None = None,
    limit: int = ROWS_LIMIT_COUNT,
) -> FigureTable:
    """
    Put a table together.

    Args:
        name: What its rows are, a word for the file as well: `nodes`.
        columns: In order.
        rows: A cell a column, in the order they are shown in.
        words: What is said instead of some values.
        tones: The colour of the words of some cells.
        limit: How many rows are drawn.
    """
    more = len(rows) - limit
    return FigureTable(
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows[:limit]),
        sheet=Sheet(
            name=name,
            columns=tuple(c.field for c in columns),
            rows=tuple(tuple(row) for row in rows),
        ),
        alt=_say(name, columns, rows),
        words=words or {},
        tones=tones or {},
        left_out=f"{more} more are in what is saved." if more > 0 else "",
    )


def say_cell(column: Column, value: Cell) -> str:
    """A value in words, as drawn on the page and on paper."""
    if column.unit == "text":
        return "" if value is None else show_hidden(str(value))
    if value is None or isinstance(value, str):
        return format_unit(None, "count")
    if column.unit == "cost":
        return format_cost(value)
    return format_unit(value, column.unit)


def say_lines(table: FigureTable) -> list[list[str]]:
    """All drawn cells in words, row by row."""
    return [
        [
            table.words.get((i, j)) or say_cell(column, value)
            for j, (column, value) in enumerate(zip(table.columns, row, strict=True))
        ]
        for i, row in enumerate(table.rows)
    ]


def say_printed(table: FigureTable) -> tuple[list[str], list[list[str]]]:
    """
    The heads and all drawn cells in words, for paper: without columns that say nothing in any row.

    A figure and its unit stay on one line.
    """
    lines = say_lines(table)
    told = [j for j in range(len(table.columns)) if any(row[j] for row in table.rows)]
    heads = [table.columns[j].head for j in told]
    return heads, [
        [line[j] if table.columns[j].unit == "text" else line[j].replace(" ", _STAY) for j in told]
        for line in lines
    ]


def format_cost(cost: float | None) -> str:
    """Money in the unit of the price table, in three significant digits."""
    if cost is None:
        return format_unit(None, "count")
    if cost >= 999.5:
        return format_unit(round(cost), "count")
    return f"{cost:.2f}" if cost >= 0.995 or cost == 0 else f"{cost:.3g}"


def _say(name: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> str:
    if not rows:
        return f"Table of {name}, empty."
    first = ", ".join(
        f"{c.head} {say_cell(c, v)}"
        for c, v in list(zip(columns, rows[0], strict=True))[:6]
        if say_cell(c, v)
    )
    return f"Table of {name}, {len(rows)} in all; the first: {first}."
