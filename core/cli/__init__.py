"""
The command line: reads arguments, calls one service, prints one document or table.

Everything a screen can do is here, through the same services. Must not import langgraph, streamlit
or alembic: a command that reads or decides starts in about 1.5 s (a test sees to it).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(args: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code (DESIGN.md section 6)."""
    # Not above: a part of this package, such as the supervisor, can be used without the whole.
    from interlock.core.cli import edge, root

    _open_closed_streams()
    return edge.carry_out(root.command(), list(sys.argv[1:] if args is None else args))


def _open_closed_streams() -> None:
    """A stream that the caller closed is None to Python; what reads or prints needs none to ask."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
