"""
Tables as data: what a chart says in words, and what a page lets one save as CSV and JSON.

Pure; a cell is a plain value. What a spreadsheet would run as a formula is saved as text.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.launch_batches import escape_formula
from interlock.dashboard.views.escaping import show_hidden

Cell = str | float | int | bool | None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """
    A table of plain values.

    `name` becomes the file's name; `columns` are the names of `metrics --json` where it has the figure.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def of(cls, name: str, rows: Sequence[Mapping[str, Cell]]) -> Sheet:
        """Of mappings with the same keys; none gives an empty table."""
        columns = tuple(rows[0]) if rows else ()
        return cls(name=name, columns=columns, rows=tuple(tuple(row.values()) for row in rows))


def to_csv(sheet: Sheet) -> str:
    """Comma-separated, one line a row, headed by the names of the columns; None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_disarm(column) for column in sheet.columns])
    writer.writerows([_disarm(cell) for cell in row] for row in sheet.rows)
    return text.getvalue()


def to_json(sheet: Sheet) -> str:
    """A list of objects, one a row; None is null."""
    rows = [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def name_file(sheet: Sheet, at: datetime, ending: str) -> str:
    """What the saved file is called: `interlock-nodes-20260504-1200.csv`."""
    return f"interlock-{sheet.name}-{at:%Y%m%d-%H%M}.{ending}"


def to_lines(sheet: Sheet) -> list[dict[str, str]]:
    """The table to be drawn as text cells, hidden characters shown."""
    return [
        {
            c: show_hidden("" if v is None else str(v))
            for c, v in zip(sheet.columns, row, strict=True)
        }
        for row in sheet.rows
    ]


def _disarm(cell: Cell) -> Cell:
    return escape_formula(cell) if isinstance(cell, str) else cell
