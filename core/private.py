"""Files and folders of their owner alone: they hold what workflows and people said to each other."""

from __future__ import annotations

import os
from pathlib import Path


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
