"""A script of this folder in a process of its own, told what to do line by line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).parent


@contextmanager
def running(script: str, where: str) -> Iterator[Callable[[str], float]]:
    """Start it at a place; a line that it is told is answered with one figure."""
    with subprocess.Popen(
        [sys.executable, str(FOLDER / script), where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def tell(line: str) -> float:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        yield tell
        process.stdin.close()
        process.wait(timeout=30)
