"""
A list of flat objects as rows of a table: what the edits of such a table mean.

The edits have the shape in which `st.data_editor` keeps them, by position in the rows it began with.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from interlock.core.types import Json


def keep_edits(state: Mapping[str, Any] | None) -> dict[str, Any]:
    """The edits that a table holds; empty when nothing was touched."""
    return {name: edits for name, edits in (state or {}).items() if edits}


def apply(start: Sequence[Mapping[str, Json]], edits: Mapping[str, Any]) -> list[dict[str, Json]]:
    """
    The rows after some edits; an emptied cell is a field left out, an empty new row is no row.

    Args:
        start: The rows that the table began with.
        edits: `edited_rows` by position, `added_rows`, `deleted_rows` by position.
    """
    edited = {int(at): cells for at, cells in edits.get("edited_rows", {}).items()}
    deleted = set(edits.get("deleted_rows", ()))
    kept = [
        _filled({**row, **edited.get(at, {})}, touched=edited.get(at, {}))
        for at, row in enumerate(start)
        if at not in deleted
    ]
    added = [_filled(row, touched=row) for row in edits.get("added_rows", ())]
    return [*kept, *(row for row in added if row)]


def _filled(row: Mapping[str, Json], *, touched: Collection[str]) -> dict[str, Json]:
    return {name: cell for name, cell in row.items() if cell is not None or name not in touched}
