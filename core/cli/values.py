"""Reading JSON that an operator gives: on the command line, in a file (`@path`) or on stdin (`-`)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from interlock.core.errors import UsageError
from interlock.core.model import json_texts, texts
from interlock.core.types import Json

MAX_BYTES = 20_000_000  # far above any input a person sends; a mistaken path is refused, not read


def read_json(option: str, given: str) -> Json:
    """
    Read one JSON value.

    Args:
        option: The option's name, for messages.
        given: JSON text, `@path` or `-`.

    Raises:
        UsageError: There is no such file, or it is not one JSON value.
    """
    text, where = _read(option, given)
    try:
        return json_texts.loads(text)
    except RecursionError:
        raise UsageError(f"{option}: {where} is nested too deeply.") from None
    except json.JSONDecodeError as exc:
        raise UsageError(
            f"{option}: {where} is not JSON: {exc.msg} (line {exc.lineno}, column {exc.colno}).",
            hint="A text needs quotes of its own: '\"like this\"'." if given == text else "",
        ) from None
    except json_texts.DoubledKey as exc:
        raise UsageError(
            f"{option}: {where} names {texts.show(exc.key)} twice in one object.",
            hint="Only one of the two would count; leave the other out.",
        ) from None
    except ValueError as exc:
        raise UsageError(f"{option}: {where} is not JSON: {exc}.") from None


def read_bytes(option: str, path: str, *, max_bytes: int) -> bytes:
    """
    Read a file, or stdin for `-`; at most one byte more than `max_bytes`, so that too many are seen.

    Raises:
        UsageError: It cannot be read.
    """
    if path == "-":
        return sys.stdin.buffer.read(max_bytes + 1)
    try:
        with Path(path).open("rb") as file:
            return file.read(max_bytes + 1)
    except OSError as exc:
        raise UsageError(f"{option}: {path} cannot be read: {exc.strerror}.") from exc


def _read(option: str, given: str) -> tuple[str, str]:
    if given == "-":
        return _decode(option, sys.stdin.buffer.read(MAX_BYTES + 1), "what stdin holds")
    if not given.startswith("@"):
        return given, "the value"
    path = Path(given[1:])
    try:
        with path.open("rb") as file:
            return _decode(option, file.read(MAX_BYTES + 1), str(path))
    except OSError as exc:
        raise UsageError(f"{option}: {path} cannot be read: {exc.strerror}.") from exc


def _decode(option: str, data: bytes, where: str) -> tuple[str, str]:
    if len(data) > MAX_BYTES:
        raise UsageError(f"{option}: {where} is larger than {MAX_BYTES} bytes.")
    try:
        return data.decode("utf-8-sig"), where
    except UnicodeDecodeError:
        raise UsageError(f"{option}: {where} is not UTF-8 text.") from None
