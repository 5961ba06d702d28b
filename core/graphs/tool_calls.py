"""
Calls of tools in this worker, counted as they end: by workflow, tool and how it ended.

A tool that asks a human has not ended; the call that goes on after the answer does.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

MAX_OPEN = 10_000  # calls that never ended, as when their run was cancelled, are forgotten at last

Call = tuple[str, str, str]  # workflow, tool, status

_lock = threading.Lock()
_open: dict[UUID, tuple[str, str]] = {}
_ended: Counter[Call] = Counter()


def begin(call_id: UUID, tool: str, about: Mapping[str, Any] | None) -> None:
    """A tool is called; `about` is the metadata of the callback, which names the workflow."""
    with _lock:
        if len(_open) >= MAX_OPEN:
            del _open[next(iter(_open))]
        _open[call_id] = (str((about or {}).get("workflow", "")), tool)


def end(call_id: UUID, *, has_failed: bool, has_asked: bool = False) -> None:
    """It ended, well or not, or it asks a human."""
    with _lock:
        workflow, tool = _open.pop(call_id, ("", ""))
        if tool and not has_asked:
            _ended[workflow, tool, "error" if has_failed else "ok"] += 1


def counted() -> dict[Call, int]:
    """All that ended since the process began."""
    with _lock:
        return dict(_ended)
