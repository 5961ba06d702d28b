"""Ids that cross layers, and the JSON type. Leaves: imports nothing of ours."""

from __future__ import annotations

from typing import Any, NewType

import uuid_utils

RunId = NewType("RunId", str)
ThreadId = NewType("ThreadId", str)
ApprovalId = NewType("ApprovalId", str)
CheckpointId = NewType("CheckpointId", str)
JobId = NewType("JobId", str)
WorkerId = NewType("WorkerId", str)

Json = Any  # str | int | float | bool | None | list[Json] | dict[str, Json]


def new_id() -> str:
    """Make a time-ordered UUID (version 7), so that ids made later sort later."""
    return str(uuid_utils.uuid7())
