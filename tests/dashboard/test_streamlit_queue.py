"""The end of one part's drawing reaches the browser, whatever starts behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from interlock.dashboard.http import streamlit_queue

DRAWN = ForwardMsg.ScriptFinishedStatus.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
WHOLE = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY
CUT_OFF = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN


@pytest.fixture
def bare() -> Iterator[None]:
    """Streamlit as it comes, for the time of the test."""
    clear = ForwardMsgQueue.clear
    ForwardMsgQueue.clear = getattr(clear, "__wrapped__", clear)  # type: ignore[method-assign]
    yield
    ForwardMsgQueue.clear = clear  # type: ignore[method-assign]


def end_after_start(
    *starting: str, ended: tuple[str, ...] = ("detail",), status: int = DRAWN
) -> int:
    """What becomes of the end of a fragment's run when others start before it was sent."""
    queue = ForwardMsgQueue()
    message = ForwardMsg()
    message.metadata.run.fragment_ids.extend(ended)
    message.script_finished = status  # type: ignore[assignment]
    queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[*starting] or None)
    (sent,) = queue.flush()
    return sent.script_finished


@pytest.mark.usefixtures("bare")
def test_streamlit_itself_still_takes_it_for_cut_off() -> None:
    # Once this fails there is nothing left to mend.
    assert end_after_start("outcome") == CUT_OFF


@pytest.mark.usefixtures("bare")
def test_it_stays_an_end_when_another_part_starts() -> None:
    streamlit_queue.mend()
    streamlit_queue.mend()

    assert end_after_start("outcome") == DRAWN
    assert end_after_start("detail", "list") == CUT_OFF
    assert end_after_start(ended=("detail",)) == CUT_OFF  # the whole page starts anew
    assert end_after_start("outcome", ended=(), status=WHOLE) == WHOLE
