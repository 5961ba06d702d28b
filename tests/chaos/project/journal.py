"""Where nodes note what they did: one file for each process, a line at a time, which outlives a kill -9."""

from __future__ import annotations

import json
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

VARIABLE = "CHAOS_JOURNAL"


def note(phase: str, place: str, runtime: Runtime[Any], value: Any = None) -> None:
    """Add a line: when, who, for which task of which thread, and what."""
    at = runtime.execution_info
    assert at is not None
    told = [
        time.time(),
        os.getpid(),
        at.thread_id,
        at.checkpoint_id,
        at.task_id,
        place,
        phase,
        value,
    ]
    os.write(_file(os.getpid()), (json.dumps(told) + "\n").encode())


@cache
def _file(pid: int) -> int:
    path = Path(os.environ[VARIABLE]) / f"{pid}.jsonl"
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
