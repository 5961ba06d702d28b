"""
Mends how Streamlit tells the browser that one part of a page has been drawn.

When a fragment starts while the end of another one's run has not been sent yet, Streamlit 1.67 turns that
end into "cut off". The browser then keeps what the drawing before had and this one has not: of the card
before, a field and a button stay on the page. The end stays an end here, unless the same fragment starts
anew. Source: `ForwardMsgQueue.clear`; a test says when Streamlit does it by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import wraps
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_DRAWN = ForwardMsg.ScriptFinishedStatus.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
_MENDED = "_interlock_mended"


def mend() -> None:
    """Mend the queue of all sessions of this process; again is the same."""
    clear = ForwardMsgQueue.clear
    if getattr(clear, _MENDED, False):
        return

    @wraps(clear)
    def keep_ends(
        queue: ForwardMsgQueue,
        retain_lifecycle_msgs: bool = False,  # noqa: FBT001, FBT002  # Streamlit's signature
        fragment_ids_this_run: list[str] | None = None,
    ) -> None:
        ended = _find_ended(queue, fragment_ids_this_run or ())
        clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        if retain_lifecycle_msgs:
            for message in ended:
                message.script_finished = _DRAWN

    setattr(keep_ends, _MENDED, True)
    ForwardMsgQueue.clear = keep_ends  # type: ignore[method-assign]


def _find_ended(queue: Any, starting: Collection[str]) -> list[ForwardMsg]:
    """The ends of runs of other fragments than those that start now."""
    return [
        message
        for message in queue._queue  # noqa: SLF001  # it has no other way in
        if message.WhichOneof("type") == "script_finished"
        and message.script_finished == _DRAWN
        and starting
        and not {*message.metadata.run.fragment_ids} & {*starting}
    ]
