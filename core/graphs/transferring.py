"""
Rows of a thread from a file into the checkpoint tables, from either database into either.

SQLite keeps a checkpoint with its values in one piece, Postgres each value by itself. What is one
piece here is cut there and the other way round: pieces of msgpack are moved as they are, no value of
a state is restored, so a file cannot make anything of itself before its graph reads it.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ormsgpack

from interlock.core.ciphers import Cipher, seal_typed
from interlock.core.errors import InvalidInput
from interlock.core.types import Json, ThreadId

SQLITE, POSTGRES = "sqlite", "postgres"
_DELTA_SNAPSHOT = 7  # LangGraph's number for what a DeltaChannel keeps of itself
_NIL = b"\xc0"

INSERTS: Mapping[str, Mapping[str, str]] = {
    SQLITE: {
        "checkpoints": (
            "INSERT OR IGNORE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id,"
            " parent_checkpoint_id, type, checkpoint, metadata) VALUES (:thread_id, :checkpoint_ns,"
            " :checkpoint_id, :parent_checkpoint_id, :type, :checkpoint, :metadata)"
        ),
        "writes": (
            "INSERT OR IGNORE INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id,"
            " task_path, idx, channel, type, value) VALUES (:thread_id, :checkpoint_ns,"
            " :checkpoint_id, :task_id, :task_path, :idx, :channel, :type, :blob)"
        ),
    },
    POSTGRES: {
        "checkpoints": (
            "INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id,"
            " parent_checkpoint_id, type, checkpoint, metadata) VALUES (%(thread_id)s,"
            " %(checkpoint_ns)s, %(checkpoint_id)s, %(parent_checkpoint_id)s, %(type)s,"
            " %(checkpoint)s::jsonb, %(metadata)s::jsonb) ON CONFLICT DO NOTHING"
        ),
        "blobs": (
            "INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)"
            " VALUES (%(thread_id)s, %(checkpoint_ns)s, %(channel)s, %(version)s, %(type)s,"
            " %(blob)s) ON CONFLICT DO NOTHING"
        ),
        "writes": (
            "INSERT INTO checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id,"
            " task_path, idx, channel, type, blob) VALUES (%(thread_id)s, %(checkpoint_ns)s,"
            " %(checkpoint_id)s, %(task_id)s, %(task_path)s, %(idx)s, %(channel)s, %(type)s,"
            " %(blob)s) ON CONFLICT DO NOTHING"
        ),
    },
}


@dataclass(frozen=True)
class StoredRow:
    """A row as a table of LangGraph's takes it; `table` is its name in a file."""

    table: str
    values: Mapping[str, Any]

    def sealed(self, cipher: Cipher | None) -> Mapping[str, Any]:
        """Its values as they are stored where there are keys: a file has them plain."""
        name = "blob" if "blob" in self.values else "checkpoint"
        kind, data = self.values.get("type"), self.values[name]
        if cipher is None or kind is None or not isinstance(data, bytes):
            return self.values
        kind, data = seal_typed(cipher, kind, data)
        return {**self.values, "type": kind, name: data}


class Converter:
    """Makes rows of one thread for one database, given a file's rows in its order."""

    def __init__(self, thread_id: ThreadId, *, source: str, target: str) -> None:
        """`source` and `target` are layouts."""
        self._thread_id = thread_id
        self._is_from_sqlite = source == SQLITE
        self._is_to_sqlite = target == SQLITE
        self._blobs: dict[tuple[str, str, str], bytes] = {}
        self._cut: set[tuple[str, str, str]] = set()  # values that other checkpoints share

    def convert(self, table: str, row: Mapping[str, Json]) -> list[StoredRow]:
        """
        What becomes of a row.

        Raises:
            InvalidInput: Its bytes are not what they say.
        """
        if table == "checkpoints":
            return self._convert_checkpoint(row)
        blob = b64decode(row["blob"]) if row["blob"] is not None else None
        if row["type"] == "msgpack":
            _check_whole(blob or b"")
        if table == "writes":
            return [self._row(table, row, blob=blob or b"")]
        if not self._is_to_sqlite:
            return [self._row(table, row, blob=blob)]
        key = (row["checkpoint_ns"], row["channel"], row["version"])
        if row["type"] != "empty":
            self._blobs[key] = _as_msgpack(row["type"], blob)
        return []

    def _convert_checkpoint(self, row: Mapping[str, Json]) -> list[StoredRow]:
        if self._is_from_sqlite:
            data = b64decode(row["checkpoint"])
            parts = _cut_map(data)
            if _read(parts.get("id", _NIL)) != row["checkpoint_id"]:
                raise InvalidInput(f"Checkpoint {row['checkpoint_id']} is not what it says.")
            if self._is_to_sqlite:
                return [self._row("checkpoints", row, checkpoint=data)]
            return self._cut_up(row, parts)
        if self._is_to_sqlite:
            return [self._put_together(row)]
        return [self._row("checkpoints", row)]

    def _cut_up(self, row: Mapping[str, Json], parts: Mapping[str, bytes]) -> list[StoredRow]:
        told = {name: _read(part) for name, part in parts.items() if name != "channel_values"}
        versions = told.get("channel_versions") or {}
        inline: dict[str, Json] = {}
        rows: list[StoredRow] = []
        for channel, value in _cut_map(parts.get("channel_values", b"\x80")).items():
            if channel not in versions:
                inline[channel] = _read(value)
                continue
            if _ext_of(value) == _DELTA_SNAPSHOT:
                inline[channel] = True  # as LangGraph marks where it stands
            key = (row["checkpoint_ns"], channel, str(versions[channel]))
            if key in self._cut:
                continue
            self._cut.add(key)
            blob = {"checkpoint_ns": key[0], "channel": channel, "version": key[2]}
            rows.append(self._row("blobs", blob | {"type": "msgpack"}, blob=value))
        told["channel_values"] = inline
        text = json.dumps(_without_nul(told), allow_nan=False)
        return [*rows, self._row("checkpoints", row, type=None, checkpoint=text)]

    def _put_together(self, row: Mapping[str, Json]) -> StoredRow:
        told = json.loads(row["checkpoint"])
        values = {
            c: ormsgpack.packb(v) for c, v in (told.pop("channel_values", None) or {}).items()
        }
        for channel, version in (told.get("channel_versions") or {}).items():
            blob = self._blobs.get((row["checkpoint_ns"], channel, str(version)))
            if blob is not None:
                values[channel] = blob
        parts = {name: ormsgpack.packb(value) for name, value in told.items()}
        data = _join_map(parts | {"channel_values": _join_map(values)})
        return self._row("checkpoints", row, type="msgpack", checkpoint=data)

    def _row(self, table: str, row: Mapping[str, Json], **changes: Any) -> StoredRow:
        values = {**row, **changes, "thread_id": self._thread_id}
        if table == "checkpoints":
            metadata = _without_nul(json.loads(row["metadata"]))
            text = json.dumps(metadata, ensure_ascii=False, allow_nan=False)
            values["metadata"] = text.encode("utf-8", "ignore") if self._is_to_sqlite else text
        return StoredRow(table, values)


def _as_msgpack(kind: str, blob: bytes | None) -> bytes:
    if kind == "msgpack":
        return blob or b""
    return _NIL if kind == "null" else ormsgpack.packb(blob or b"")


def _cut_map(data: bytes) -> dict[str, bytes]:
    """The values of a map by their keys, as they stand in it."""
    _check_whole(data)
    code = data[0]
    if 0x80 <= code <= 0x8F:
        count, at = code & 0x0F, 1
    elif code in (0xDE, 0xDF):
        width = 2 if code == 0xDE else 4
        count, at = int.from_bytes(data[1 : 1 + width]), 1 + width
    else:
        raise InvalidInput("A checkpoint of the file is not what it says.")
    found: dict[str, bytes] = {}
    for _ in range(count):
        middle = _skip(data, at)
        end = _skip(data, middle)
        found[str(_read(data[at:middle]))] = data[middle:end]
        at = end
    return found


def _join_map(parts: Mapping[str, bytes]) -> bytes:
    count = len(parts)
    head = bytes([0x80 | count]) if count < 16 else b"\xdf" + count.to_bytes(4)
    return head + b"".join(ormsgpack.packb(name) + value for name, value in parts.items())


def _check_whole(data: bytes) -> None:
    if _skip(data, 0) != len(data):
        raise InvalidInput("A value of the file is followed by something that is no part of it.")


def _ext_of(data: bytes) -> int | None:
    """The number of the extension that a value is; None if it is none."""
    if not data or data[0] not in _WITH_EXT:
        return None
    return int.from_bytes(data[(at := _WITH_EXT[data[0]]) : at + 1], signed=True)


def _read(data: bytes) -> Json:
    """A value that is no object of anybody's."""

    def refuse(_code: int, _data: bytes) -> Any:
        raise ValueError("an object stands where none may")

    try:
        return ormsgpack.unpackb(data, ext_hook=refuse, option=ormsgpack.OPT_NON_STR_KEYS)
    except ValueError as exc:
        raise InvalidInput(f"A value of the file cannot be read: {exc}.") from exc


# How long a value is by its first byte: bytes that hold its length or count, fixed bytes, items of
# which it is made for each that is counted. Source: the specification of msgpack.
_WITH_EXT = {0xC7: 2, 0xC8: 3, 0xC9: 5, **dict.fromkeys(range(0xD4, 0xD9), 1)}
_FIXED = {
    0xC0: 1,
    0xC2: 1,
    0xC3: 1,
    0xCA: 5,
    0xCB: 9,
    0xCC: 2,
    0xCD: 3,
    0xCE: 5,
    0xCF: 9,
    0xD0: 2,
    0xD1: 3,
    0xD2: 5,
    0xD3: 9,
    0xD4: 3,
    0xD5: 4,
    0xD6: 6,
    0xD7: 10,
    0xD8: 18,
}
_SIZED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_COUNTED = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def _skip(data: bytes, at: int) -> int:
    """Where the value that begins here ends."""
    left = 1
    while left:
        if at >= len(data):
            raise InvalidInput("A value of the file is cut off.")
        left -= 1
        size, more = _measure(data, at)
        at += size
        left += more
    if at > len(data):
        raise InvalidInput("A value of the file is cut off.")
    return at


def _measure(data: bytes, at: int) -> tuple[int, int]:
    """How many bytes a value has itself, and how many values it is made of."""
    code = data[at]
    if code <= 0x7F or code >= 0xE0:
        return 1, 0
    if code <= 0x8F:
        return 1, 2 * (code & 0x0F)
    if code <= 0x9F:
        return 1, code & 0x0F
    if code <= 0xBF:
        return 1 + (code & 0x1F), 0
    if code in _FIXED:
        return _FIXED[code], 0
    if code in _SIZED:
        width = _SIZED[code]
        is_ext = code in _WITH_EXT
        return 1 + width + is_ext + int.from_bytes(data[at + 1 : at + 1 + width]), 0
    if code in _COUNTED:
        width, each = _COUNTED[code]
        return 1 + width, each * int.from_bytes(data[at + 1 : at + 1 + width])
    raise InvalidInput("A value of the file is no msgpack.")


def _without_nul(value: Json) -> Json:
    """The value as Postgres keeps it: its texts have no NUL."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_without_nul(k): _without_nul(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_nul(v) for v in value]
    return value


def convert_all(
    converter: Converter, rows: Iterator[tuple[str, Mapping[str, Json]]]
) -> Iterator[StoredRow]:
    """Rows for a database, one after the other."""
    for table, row in rows:
        yield from converter.convert(table, row)
