"""Files and folders of their owner alone: they hold what workflows and people said to each other."""

from __future__ import annotations

import os
from pathlib import Path

from interlock.core.errors import StoreUnavailable


def make_folder(path: Path) -> None:
    """Make a folder that nobody else can look into; one that is there stays as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def open_file(path: str | Path, flags: int) -> int:
    """Open a file, made readable for its owner alone if it is not there; its descriptor."""
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)


def make_file(path: Path) -> None:
    """
    Make an empty file if there is none.

    One that is there is not even opened: to close it again would let go of the locks that SQLite
    holds on it in this process.
    """
    try:
        os.close(open_file(path, os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return


def identify(path: Path, *, name: str) -> tuple[int, int]:
    """
    What tells this file from another that is put in its place.

    Raises:
        StoreUnavailable: It is gone; `name` says in the message what it was.
    """
    try:
        found = path.stat()
    except OSError as exc:
        raise StoreUnavailable(
            f"The {name} {path} is gone: {exc.strerror}.",
            hint="Stop Interlock and put it back; what is written without it would be lost.",
        ) from exc
    return found.st_dev, found.st_ino
