"""What one part of a page has drawn reaches the browser whole, whatever starts behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from interlock.dashboard.http import streamlit_queue

DRAWN = ForwardMsg.ScriptFinishedStatus.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
CUT_OFF = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN


@pytest.fixture(autouse=True)
def bare() -> Iterator[None]:
    """Streamlit as it comes, for the time of a test."""
    clear = ForwardMsgQueue.clear
    ForwardMsgQueue.clear = getattr(clear, "__wrapped__", clear)  # type: ignore[method-assign]
    yield
    ForwardMsgQueue.clear = clear  # type: ignore[method-assign]


def put_delta(queue: ForwardMsgQueue, text: str, fragment: str, place: int) -> None:
    message = ForwardMsg()
    message.metadata.delta_path.extend([0, place])
    message.delta.fragment_id = fragment
    message.delta.new_element.text.body = text
    queue.enqueue(message)


def put_end(queue: ForwardMsgQueue, fragment: str, status: int = DRAWN) -> None:
    message = ForwardMsg()
    message.metadata.run.fragment_ids.append(fragment)
    message.script_finished = status  # type: ignore[assignment]
    queue.enqueue(message)


def draw_then_start(starting: list[str] | None) -> list[object]:
    """A card with a live field is drawn to its end, a line is begun, then something starts; what is sent."""
    queue = ForwardMsgQueue()
    put_delta(queue, "title", "card", 0)
    put_delta(queue, "field", "field", 1)
    put_end(queue, "card")
    put_delta(queue, "begun", "line", 2)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=starting)
    put_delta(queue, "newer", "field", 1)
    return [
        message.script_finished
        if message.WhichOneof("type") == "script_finished"
        else message.delta.new_element.text.body
        for message in queue.flush()
    ]


def test_streamlit_itself_still_cuts_it_off() -> None:
    # Once this fails there is nothing left to mend.
    assert draw_then_start(["field", "line"]) == ["title", CUT_OFF, "newer"]


@pytest.mark.parametrize("starting", [["field", "line"], ["card", "line"], None])
def test_what_was_drawn_is_sent_whole_and_what_was_only_begun_is_dropped(
    starting: list[str] | None,
) -> None:
    streamlit_queue.mend()
    streamlit_queue.mend()

    assert draw_then_start(starting) == ["title", "field", DRAWN, "newer"]


def test_a_queue_that_is_emptied_is_empty() -> None:
    streamlit_queue.mend()
    queue = ForwardMsgQueue()
    put_end(queue, "card")

    queue.clear()

    assert queue.flush() == []
