"""The audit as files for others: CSV for a spreadsheet, JSON lines for programs; an entry a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from interlock.core.model.audit_lists import AuditEntry
from interlock.core.model.launch_batches import escape_formula

COLUMNS = (
    *("seq", "at", "actor", "action", "object", "origin", "reason", "before", "after"),
    *("previous_hash", "hash"),
)


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSONL = "jsonl"


def write_csv(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """
    The lines of a CSV, its heads first; what was before and after is JSON within a cell.

    What an agent or a person wrote may look like a formula: such a cell begins with an apostrophe.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    yield file.getvalue()
    for entry in entries:
        file.seek(0)
        file.truncate()
        told = entry.as_json()
        cells = ((told[name], name in ("before", "after")) for name in COLUMNS)
        writer.writerow([_cell(value, as_json=as_json) for value, as_json in cells])
        yield file.getvalue()


def write_jsonl(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """A JSON document a line, whole: a seal can be computed from it again."""
    for entry in entries:
        yield json.dumps(entry.as_json()) + "\n"


WRITERS: dict[Format, Callable[[Iterable[AuditEntry]], Iterator[str]]] = {
    Format.CSV: write_csv,
    Format.JSONL: write_jsonl,
}


def _cell(value: object, *, as_json: bool) -> str:
    if as_json:
        return "" if value is None else escape_formula(json.dumps(value, ensure_ascii=False))
    return escape_formula(str(value))
