"""
Keeping what is stored next above what is stored, whatever the clock of this host says.

LangGraph makes the id of a checkpoint from the clock, rising within a process, and takes the highest
id of a thread for its head. Where a thread goes on on another host, whose clock is behind, or after a
clock was set back, all that is stored would sort below the head: the answer that was given, and what
nodes did with it, would be lost, and the nodes run again (laws 1, 2 and 4). So each id that a saver
reads moves the ids of this process on, as a message moves a logical clock; whoever is about to write
has read the head.
"""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import id as checkpoint_ids

_clock: Any = checkpoint_ids  # its last moment is not typed; a test holds the library to it
_END = 1 << 59  # half of all the time an id can tell, in the year 3409: room for what comes after


def go_on_above(checkpoint_id: str) -> None:
    """Have all that is made from now on sort above this checkpoint; ids without a time say nothing."""
    try:
        read = checkpoint_ids.UUID(checkpoint_id)
    except ValueError:
        return
    last = _clock._last_v6_timestamp  # noqa: SLF001
    if read.version == 6 and read.time < _END and (last is None or last < read.time):
        _clock._last_v6_timestamp = read.time  # noqa: SLF001
