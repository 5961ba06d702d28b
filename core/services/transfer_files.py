"""
The file that a thread is kept in: lines of JSON, zipped; and what such a file must be to be taken in.

The first line says what it is, the last how many rows it has, each line between is a row of a table.
Bytes stand as base64 and are not looked into here: a state is restored by a worker alone, when it is
read, and of the classes that the project trusts only.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO
from uuid import UUID

from interlock.core.errors import InvalidInput
from interlock.core.model import json_texts
from interlock.core.store import transferring
from interlock.core.store.transferring import RECORDS
from interlock.core.types import Json

FORMAT, VERSION = "interlock-thread", 1
MAX_BYTES = 64_000_000  # of a file: it goes to the worker through the database
MAX_UNPACKED = 1_000_000_000
MAX_LINE = 64_000_000  # of it is in memory at once
AHEAD = timedelta(minutes=1)  # that another machine's clock may be
MAX_ID = 200
LAYOUTS = ("sqlite", "postgres")
# How values may be stored. Not pickle, whose reading runs code, nor what a key is needed for.
KINDS = frozenset({"msgpack", "null", "bytes", "bytearray"})
_FIELDS: Mapping[str, Mapping[str, type]] = {
    "checkpoints": {
        "checkpoint_ns": str,
        "checkpoint_id": str,
        "parent_checkpoint_id": str,
        "type": str,
        "checkpoint": str,
        "metadata": str,
    },
    "blobs": {"checkpoint_ns": str, "channel": str, "version": str, "type": str, "blob": str},
    "writes": {
        "checkpoint_ns": str,
        "checkpoint_id": str,
        "task_id": str,
        "task_path": str,
        "idx": int,
        "channel": str,
        "type": str,
        "blob": str,
    },
}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "checkpoints": ("checkpoint_ns", "checkpoint_id"),
    "blobs": ("checkpoint_ns", "channel", "version"),
    "writes": ("checkpoint_ns", "checkpoint_id", "task_id", "idx"),
}
_TICKS_FROM = datetime(1582, 10, 15, tzinfo=UTC)  # Source: RFC 9562, 5.6
_OF_NO_END = frozenset({"__interrupt__", "__error_source_node__"})
_MAY_BE_NONE = frozenset({"parent_checkpoint_id", "blob"})


@dataclass(frozen=True, kw_only=True)
class Head:
    """The first line: which thread, of which workflow, where it stood, in which database's layout."""

    layout: str
    thread_id: str
    workflow: str
    head_checkpoint_id: str
    exported_at: datetime


@dataclass(frozen=True)
class Row:
    """One row of a file and the table it belongs to."""

    table: str
    values: Mapping[str, Json]


def write(
    target: BinaryIO, head: Mapping[str, Json], rows: Iterable[tuple[str, Json]]
) -> Counter[str]:
    """Write a file as rows come; how many of each table."""
    counts: Counter[str] = Counter()
    with gzip.GzipFile(fileobj=target, mode="wb", filename="", mtime=0) as zipped:

        def put(line: Json) -> None:
            zipped.write(json.dumps(line, ensure_ascii=False, allow_nan=True).encode() + b"\n")

        put({"format": FORMAT, "version": VERSION, **head})
        for table, row in rows:
            put({"table": table, "row": row})
            counts[table] += 1
        put({"end": dict(counts)})
    return counts


def read_head(data: bytes) -> Head:
    """
    What a file is.

    Raises:
        InvalidInput: It is not a thread's file, or of a newer version.
    """
    line = next(_lines(data), None)
    if not isinstance(line, dict) or line.get("format") != FORMAT:
        raise InvalidInput(
            "This is not the file of a thread.", hint="`interlock thread export` makes one."
        )
    if line.get("version") != VERSION:
        raise InvalidInput(
            f"This file is of version {line.get('version')!r}; version {VERSION} is read here.",
            hint="Take it in with the version of Interlock that made it, or a newer one.",
        )
    names = ("layout", "thread_id", "workflow", "head_checkpoint_id")
    for name in names:
        _require(_is_id(line.get(name), most=300), 1, f"{name} must be a text")
    _require(line["layout"] in LAYOUTS, 1, f"the layout {line['layout']!r} is not known")
    at = _read_time(line.get("exported_at"), 1, "exported_at")
    return Head(**{name: line[name] for name in names}, exported_at=at)


def read_rows(data: bytes) -> Iterator[Row]:
    """
    The rows of a file, each checked by itself.

    Raises:
        InvalidInput: One is not as it must be; the message names its line. Or the end is missing.
    """
    layout = read_head(data).layout
    counts: Counter[str] = Counter()
    end: Json = None
    for number, line in enumerate(_lines(data), start=1):
        if number == 1:
            continue
        _require(end is None, number, "something follows the end")
        _require(isinstance(line, dict), number, "it must be an object")
        if "end" in line:
            end = line["end"]
            continue
        row = Row(str(line.get("table")), line.get("row"))
        _check(row, layout, number)
        counts[row.table] += 1
        yield row
    if end is None or end != dict(counts):
        raise InvalidInput("The file is cut off: its end is missing.")


def check(data: bytes) -> Counter[str]:
    """
    Check a whole file: every row, and that they belong together.

    Returns:
        How many rows of each table there are.

    Raises:
        InvalidInput: It cannot be taken in; the message says why.
    """
    head = read_head(data)
    seen: dict[str, set[Any]] = {table: set() for table in (*_KEYS, *RECORDS)}
    counts: Counter[str] = Counter()
    answers = _Answers()
    for row in read_rows(data):
        counts[row.table] += 1
        key = _key(row)
        if key in seen[row.table]:
            raise InvalidInput(f"The file has {row.table} {key!r} twice.")
        seen[row.table].add(key)
        if row.table == "checkpoints":
            _check_moment(row.values["checkpoint_id"])
        elif row.table == "writes":
            answers.note(row.values)
        owner = row.values.get("thread_id", head.thread_id)
        if row.table in RECORDS and owner != head.thread_id:
            raise InvalidInput(f"The file has {row.table} of another thread, {owner!r}.")
        _check_record(row, seen)
    roots = [checkpoint for namespace, checkpoint in seen["checkpoints"] if not namespace]
    if not roots or max(roots) != head.head_checkpoint_id:
        raise InvalidInput(
            "The file does not have the checkpoint that it says the thread stood at."
        )
    if answers.are_open(seen["checkpoints"]):
        raise InvalidInput(
            "The thread stands within a node that was answered and has not ended: whoever goes on"
            " here would give that answer again, and nobody here gave it. Go on where the thread"
            " comes from, or set it back there, and export it then."
        )
    return counts


class _Answers:
    """Tasks that a file says were answered, and those that ended (DESIGN law 1)."""

    def __init__(self) -> None:
        self._answered: set[tuple[Json, ...]] = set()
        self._failed: set[tuple[Json, ...]] = set()
        self._ended: set[tuple[Json, ...]] = set()

    def note(self, write: Mapping[str, Json]) -> None:
        """One write of a task."""
        channel = write["channel"]
        task = tuple(write[name] for name in ("checkpoint_ns", "checkpoint_id", "task_id"))
        if channel == "__resume__":
            self._answered.add(task)
        elif channel == "__error__":
            self._failed.add(task)
        elif channel not in _OF_NO_END:
            self._ended.add(task)

    def are_open(self, checkpoints: Iterable[tuple[Json, ...]]) -> bool:
        """Whether going on from the newest checkpoint of some namespace would give an answer again."""
        newest: dict[Json, Json] = {}
        for namespace, checkpoint_id in checkpoints:
            newest[namespace] = max(newest.get(namespace, ""), checkpoint_id)
        unended = self._answered - (self._ended - self._failed)
        return any(newest.get(namespace) == at for namespace, at, _ in unended)


def _check_moment(checkpoint_id: str) -> None:
    """
    A checkpoint's id is its place in time: the greatest of a thread is where it stands.

    One of the future would stay the head whatever the thread does.
    """
    made = _read_moment(checkpoint_id)
    if made is None:
        raise InvalidInput(
            f"The file has the checkpoint {checkpoint_id!r}: LangGraph makes no such."
        )
    if made > datetime.now(UTC) + AHEAD:  # LangGraph's ids go by the machine's own clock
        raise InvalidInput(f"The checkpoint {checkpoint_id} of the file is of the future.")


def _read_moment(checkpoint_id: str) -> datetime | None:
    """When an id was made; None if it is none of LangGraph's, which are UUIDs of version 6."""
    try:
        made = UUID(checkpoint_id)
    except ValueError:
        return None
    if made.version != 6 or str(made) != checkpoint_id:
        return None
    ticks = (made.int >> 80) << 12 | (made.int >> 64) & 0xFFF  # of 100 ns
    return _TICKS_FROM + timedelta(microseconds=ticks // 10)


def _check_record(row: Row, seen: Mapping[str, set[Any]]) -> None:
    values = row.values
    if row.table == "approvals" and values.get("interrupt_id") is not None:
        # Else one question could have two cards, of which the older answers for both.
        if values["question_key"] != values["interrupt_id"]:
            raise InvalidInput("The file has a card that is kept under another question's key.")
    elif row.table == "decisions":
        if (values["approval_id"],) not in seen["approvals"]:
            raise InvalidInput("The file has a decision on a card that it does not have.")
        if (values["run_id"],) not in seen["runs"]:
            raise InvalidInput("The file has a decision for a run that it does not have.")


def _key(row: Row) -> tuple[Json, ...]:
    if row.table in RECORDS:
        return (row.values[next(iter(RECORDS[row.table].primary_key)).name],)
    return tuple(row.values[name] for name in _KEYS[row.table])


def _lines(data: bytes) -> Iterator[Json]:
    """The lines of a file; no more is unpacked than is bound to be one."""
    left = MAX_UNPACKED
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as zipped:
            while line := zipped.readline(min(left, MAX_LINE) + 1):
                left -= len(line)
                if len(line) > MAX_LINE:
                    raise InvalidInput(f"A line of the file has more than {MAX_LINE:,} bytes.")
                if left < 0:
                    raise InvalidInput(f"Unpacked, the file has more than {MAX_UNPACKED:,} bytes.")
                yield json_texts.loads(line.decode())
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as exc:
        raise InvalidInput(f"This is not the file of a thread, or it is damaged: {exc}.") from exc


def _check(row: Row, layout: str, number: int) -> None:
    known = row.table in RECORDS or (
        row.table in _FIELDS and (row.table, layout) != ("blobs", "sqlite")
    )
    _require(known, number, f"the table {row.table!r} is not known")
    _require(isinstance(row.values, dict), number, "its row must be an object")
    if row.table in RECORDS:
        misfit = transferring.find_misfit(row.table, row.values)
        _require(not misfit, number, misfit)
        return
    fields = _FIELDS[row.table]
    may_lack = {"type"} if (row.table, layout) == ("checkpoints", "postgres") else set()
    _require(set(row.values) == set(fields), number, f"it must have {', '.join(fields)}")
    for name, kind in fields.items():
        value = row.values[name]
        if value is None and (name in _MAY_BE_NONE or name in may_lack):
            continue
        _require(type(value) is kind, number, f"{name} must be of the type {kind.__name__}")
    for name in ("checkpoint_id", "task_id", "channel", "version"):
        _require(
            name not in fields or _is_id(row.values[name], most=2000), number, f"{name} is no id"
        )
    _check_values(row, layout, number)


def _check_values(row: Row, layout: str, number: int) -> None:
    values = row.values
    if row.table == "checkpoints":
        _require(isinstance(_read_json(values["metadata"]), dict), number, "metadata must be JSON")
        if layout == "postgres":
            told = _read_json(values["checkpoint"])
            _require(isinstance(told, dict), number, "checkpoint must be JSON")
            _require(told.get("id") == values["checkpoint_id"], number, "its ids differ")
            return
        _require(values["type"] == "msgpack", number, f"the kind {values['type']!r} is not taken")
        _require(_is_base64(values["checkpoint"]), number, "checkpoint must be base64")
        return
    kinds = KINDS | {"empty"} if row.table == "blobs" else KINDS
    _require(values["type"] in kinds, number, f"the kind {values['type']!r} is not taken")
    _require(_is_base64(values["blob"] or ""), number, "blob must be base64")


def _require(is_so: bool, number: int, message: str) -> None:  # noqa: FBT001
    if not is_so:
        raise InvalidInput(f"Line {number} of the file: {message}.")


def _is_id(value: Json, *, most: int = MAX_ID) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most and "\x00" not in value


def _is_base64(value: str) -> bool:
    try:
        b64decode(value, validate=True)
    except (NotBase64, ValueError):
        return False
    return True


def _read_json(value: str) -> Json:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _read_time(value: Json, number: int, name: str) -> datetime:
    at = transferring.read_time(value)
    if at is None:
        raise InvalidInput(
            f"Line {number} of the file: {name} must be a moment with its time zone."
        )
    return at
