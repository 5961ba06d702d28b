"""
Mends how Streamlit tells the browser that a part of a page has been drawn.

When a fragment starts while what the one before drew has not been sent yet, Streamlit 1.67 drops some of
that and turns its end into "cut off". The browser then keeps what the drawing before had and the newer one
has not: of the card before, a field and a button stay on the page. Here what was drawn to its end is sent
whole, as it would have been a moment earlier. Source: `ForwardMsgQueue.clear`; a test says when Streamlit
does so by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_ENDS = (
    ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY,
    ForwardMsg.ScriptFinishedStatus.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
)
_MENDED = "_interlock_mended"


def mend() -> None:
    """Mend the queue of all sessions of this process; again is the same."""
    clear = ForwardMsgQueue.clear
    if getattr(clear, _MENDED, False):
        return

    @wraps(clear)
    def clear_unfinished(
        queue: Any,
        retain_lifecycle_msgs: bool = False,  # noqa: FBT001, FBT002  # Streamlit's signature
        fragment_ids_this_run: list[str] | None = None,
    ) -> None:
        count = _count_finished(queue._queue) if retain_lifecycle_msgs else 0  # noqa: SLF001
        finished, queue._queue = queue._queue[:count], queue._queue[count:]  # noqa: SLF001
        clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        queue._queue = [*finished, *queue._queue]  # noqa: SLF001

    setattr(clear_unfinished, _MENDED, True)
    ForwardMsgQueue.clear = clear_unfinished  # type: ignore[method-assign, assignment]


def _count_finished(messages: Sequence[ForwardMsg]) -> int:
    """How many messages belong to drawings that came to their end."""
    ends = (
        number
        for number, message in enumerate(messages, start=1)
        if message.WhichOneof("type") == "script_finished" and message.script_finished in _ENDS
    )
    return max(ends, default=0)
