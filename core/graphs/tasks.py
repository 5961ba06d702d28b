"""How far a task of a thread's state came."""

from __future__ import annotations

import asyncio
from typing import Any

from langgraph.types import PregelTask, StateSnapshot


def is_finished(task: PregelTask, state: StateSnapshot) -> bool:
    """Whether a task's result is stored; the error of an attempt before it may be, too."""
    return task.result is not None or task.name not in state.next


def has_failed(task: PregelTask) -> bool:
    """Whether an error is stored with a task. One that was cancelled from outside did not fail."""
    error: Any = task.error  # read back, it is the error's repr
    if error is None or isinstance(error, asyncio.CancelledError):
        return False
    return not str(error).startswith("CancelledError(")


def is_touched(task: PregelTask, state: StateSnapshot) -> bool:
    """Whether a task left any trace."""
    return bool(task.interrupts) or has_failed(task) or is_finished(task, state)
