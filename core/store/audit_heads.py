"""The file beside the database that the heads of the audit's chain are noted in, a line each."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import make_url

from interlock.core import private
from interlock.core.model.audit_chain import Head, read_heads

NAME = "audit.heads"


def name_of(url: str) -> str:
    """What a database goes by in a line: its address, without who signs in."""
    parsed = make_url(url)
    host = f"{parsed.host or ''}:{parsed.port or ''}"
    return f"{parsed.get_backend_name()}:{host}/{parsed.database or ''}"


def read(path: Path, *, database: str) -> tuple[Head, ...]:
    """
    The heads that were noted of one database; none where there is no file.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ()
    return read_heads(text.splitlines(), database=database)


def note(path: Path, head: Head) -> None:
    """
    Add a head at the file's end and see that the disk has it; one that was not written whole stays apart.

    Raises:
        OSError: The file cannot be written.
    """
    descriptor = private.open_file(path, os.O_RDWR | os.O_APPEND)
    try:
        size = os.fstat(descriptor).st_size
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (("\n" if is_torn else "") + head.as_line()).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
