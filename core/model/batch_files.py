"""
Files of inputs, one a row: CSV with the fields' names in its first row, or JSON lines.

Reads only; a row that cannot be read is a problem with its line, the others go on.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.batch_cells import NotJson, read_cell, read_json
from interlock.core.model.schemas import Field, fields_of
from interlock.core.model.texts import show
from interlock.core.types import Json

_DELIMITERS = (",", ";", "\t")  # spreadsheets write what their country uses
_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")

csv.field_size_limit(2**31 - 1)  # of the whole process, so once: a file as a whole has its limit

_Line = tuple[int, "list[str] | FieldProblem"]  # where it begins; its cells, or why there are none


@dataclass(frozen=True)
class Row:
    """One input: the line of the file it begins in, and what kept it from being read, if anything did."""

    line: int
    input: Json = None
    problems: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True)
class BatchFile:
    """The rows of a file in order; `columns` are the names in the first row of a CSV."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ()


def read(data: bytes, *, name: str, schema: Json, max_rows: int, max_bytes: int) -> BatchFile:
    """
    Read a file of inputs.

    Args:
        data: The whole file.
        name: Its name; an ending of JSON or CSV tells which it is, else its first character does.
        schema: The workflow's input schema, which says what a CSV cell means; an empty cell is a
            field that is not there. None: what reads as JSON is JSON, the rest is text.
        max_rows: More are refused.
        max_bytes: More are refused.

    Raises:
        InvalidInput: The file as a whole cannot be used; row problems are in the rows instead.
    """
    if len(data) > max_bytes:
        raise _refuse(f"{name} has {len(data)} bytes; at most {max_bytes} are read.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data[: exc.start].count(b"\n") + 1
        raise _refuse(f"{name} is not UTF-8 text (line {line}).", "Save it as UTF-8.") from exc
    columns, rows = ((), _read_lines(text)) if _is_json(name, text) else _read_csv(text, schema)
    kept: list[Row] = []
    for row in rows:
        if len(kept) == max_rows:
            raise _refuse(f"{name} has more than {max_rows} rows.", "Split it.")
        kept.append(row)
    if not kept:
        raise _refuse(f"{name} holds no rows.")
    return BatchFile(tuple(kept), columns)


def _is_json(name: str, text: str) -> bool:
    if name.lower().endswith(_JSON_ENDINGS):
        return True
    return not name.lower().endswith(".csv") and text.lstrip()[:1] in {"{", "["}


def _read_lines(text: str) -> Iterator[Row]:
    # Not splitlines: a text within JSON may hold a line separator of Unicode as it is.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield Row(number, read_json(line.strip()))
        except NotJson as exc:
            yield Row(number, problems=(FieldProblem("", str(exc)),))


def _read_csv(text: str, schema: Json) -> tuple[tuple[str, ...], Iterator[Row]]:
    lines = _parse(text)
    number, head = next(lines, (1, []))
    if isinstance(head, FieldProblem):
        raise _refuse(f"Line {number} {head.message}.")
    columns = tuple(name.strip() for name in head)
    unnamed = [str(at) for at, name in enumerate(columns, start=1) if not name]
    if unnamed:
        raise _refuse(
            f"Column {unnamed[0]} of the first row has no name.",
            "The first row names the fields of the input.",
        )
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise _refuse(f"Two columns are called {show(twice[0])!r}.")
    whole = fields_of(schema)
    fields = {field.name: field for field in whole}
    if len(whole) == 1 and not whole[0].name:
        return (), _read_values(lines, columns, whole[0])
    return columns, _read_rows(lines, columns, fields)


def _read_rows(
    lines: Iterator[_Line],
    columns: Sequence[str],
    fields: Mapping[str, Field],
) -> Iterator[Row]:
    for line, cells in lines:
        if isinstance(cells, FieldProblem):
            yield Row(line, problems=(cells,))
            continue
        if len(cells) != len(columns):
            yield Row(line, problems=(_tell_length(cells, columns),))
            continue
        value: dict[str, Json] = {}
        problems: list[FieldProblem] = []
        for name, cell in zip(columns, cells, strict=True):
            try:
                if cell.strip():
                    value[name] = read_cell(cell, fields.get(name))
            except NotJson as exc:
                problems.append(FieldProblem(name, str(exc)))
        yield Row(line, value, tuple(problems))


def _read_values(lines: Iterator[_Line], columns: Sequence[str], field: Field) -> Iterator[Row]:
    """An input that is no object: a single column holds it, whatever its name."""
    if len(columns) > 1:
        raise _refuse("This workflow's input is one value: the file may have one column only.")
    for line, cells in lines:
        if isinstance(cells, FieldProblem):
            yield Row(line, problems=(cells,))
            continue
        if len(cells) != len(columns):
            yield Row(line, problems=(_tell_length(cells, columns),))
            continue
        try:
            yield Row(line, read_cell(cells[0], field))
        except NotJson as exc:
            yield Row(line, problems=(FieldProblem("", str(exc)),))


def _tell_length(cells: Sequence[str], columns: Sequence[str]) -> FieldProblem:
    counts = f"the row has {len(cells)} cells and the first row names {len(columns)}"
    return FieldProblem("", counts)


def _parse(text: str) -> Iterator[_Line]:
    """
    The rows with the line each begins in; rows without a filled cell are left out.

    Raises:
        InvalidInput: A quote is never closed, so that nobody knows which rows follow it.
    """
    is_over = False

    def read_lines() -> Iterator[str]:
        nonlocal is_over
        yield from io.StringIO(text, newline="")
        is_over = True

    head = text.lstrip("\r\n").split("\n", 1)[0]
    reader = csv.reader(read_lines(), delimiter=max(_DELIMITERS, key=head.count), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            if is_over:
                message = f"A quotation mark in the row of line {line} is never closed."
                raise _refuse(message, "Close it; one within a cell is written twice.") from exc
            yield line, _tell_error(exc, line, reader.line_num)
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _tell_error(exc: csv.Error, line: int, last: int) -> FieldProblem:
    swallowed = f", and with it all up to line {last}" if last > line else ""
    return FieldProblem("", f"cannot be read as CSV{swallowed}: {exc}")


def _refuse(message: str, hint: str = "") -> InvalidInput:
    return InvalidInput(message, hint=hint)
