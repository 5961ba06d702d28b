"""
The command line: reads arguments, calls one service, prints one document or table.

Everything a screen can do is here, through the same services. Must not import langgraph, streamlit
or alembic: a command that reads or decides starts in about 1.5 s (a test sees to it).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(args: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code (DESIGN.md section 6)."""
    # Not above: a part of this package, such as the supervisor, can be used without the whole.
    from interlock.core.cli import edge, root

    return edge.carry_out(root.command(), list(sys.argv[1:] if args is None else args))
