"""A run's log as a client of the Agent Server hears it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.core.model.nodes import RunEvent
from interlock.dashboard.views import agent_asks
from interlock.dashboard.views.agent_events import Part, Stream

AT = datetime(2026, 11, 22, tzinfo=UTC)


def event(kind: str, path: str = "", **data: Any) -> RunEvent:
    return RunEvent(run_id="r", seq=1, kind=kind, path=path, at=AT, data=data)


def hear(stream: Stream, *events: RunEvent) -> list[tuple[str, Any]]:
    return [(part.event, part.data) for each in events for part in stream.hear(each)]


def listen(*modes: str, has_subgraphs: bool = False) -> Stream:
    return Stream("r", "desk", modes, has_subgraphs=has_subgraphs)


BEGUN = event("node", "pay", task_id="t", attempt=1, status="running", step=2)
ENDED = event("node", "pay", task_id="t", attempt=1, status="ok", step=2, output={"a": 1})
LATE = event("update", "pay", task_id="t", output={"a": 1})
PIECES = (
    event("message", "pay", id="m", text="Hel", done=False),
    event("message", "pay", id="m", text="lo", done=False),
    event("message", "pay", id="m", text="Hello you", role="ai", done=True),
)


def test_an_update_is_heard_once_whichever_way_it_is_told() -> None:
    assert hear(listen("updates"), BEGUN, ENDED) == [("updates", {"pay": {"a": 1}})]
    quick = event("node", "pay", task_id="t", attempt=1, status="ok", step=2)
    assert hear(listen("updates"), quick, LATE) == [("updates", {"pay": {"a": 1}})]


def test_each_attempt_begins_once_and_ends_where_it_gave_something_out() -> None:
    failed = event("node", "pay", task_id="t", attempt=1, status="error", step=2)
    again = event("node", "pay", task_id="t", attempt=2, status="ok", step=2, output=3)
    found = hear(listen("events"), BEGUN, failed, again)
    assert [data["event"] for _, data in found] == [
        "on_chain_start",
        "on_chain_start",
        "on_chain_end",
    ]
    assert found[-1][1]["data"] == {"output": 3}
    assert found[0][1]["metadata"]["langgraph_node"] == found[0][1]["name"] == "pay"
    assert found[0][1]["metadata"]["langgraph_step"] == 2


def test_a_message_grows_and_is_whole_in_the_end() -> None:
    found = hear(listen("messages"), *PIECES)
    assert [name for name, _ in found] == [
        "messages/metadata",
        "messages/partial",
        "messages/partial",
        "messages/complete",
    ]
    assert found[0][1]["m"]["metadata"]["langgraph_node"] == "pay"
    told = [data[0]["content"] for _, data in found[1:]]
    assert told == ["Hel", "Hello", "Hello you"]
    assert found[-1][1][0]["type"] == "ai"


def test_pieces_of_a_message_come_each_once() -> None:
    found = hear(listen("messages-tuple"), *PIECES)
    assert [data[0]["content"] for _, data in found] == ["Hel", "lo", " you"]
    assert {(name, data[0]["type"]) for name, data in found} == {("messages", "AIMessageChunk")}
    whole = event("message", "pay", id="n", text="Hi", role="human", done=True)
    assert hear(listen("messages-tuple"), whole)[0][1][0]["type"] == "human"
    done = event("message", "pay", id="m", text="Hello", role="ai", done=True)
    assert len(hear(listen("messages-tuple"), *PIECES[:2], done)) == 2
    other = event("message", "pay", id="m", text="Bye", role="odd", done=True)
    assert hear(listen("messages-tuple"), PIECES[0], other)[1][1][0]["content"] == "Bye"
    heard = hear(listen("events"), PIECES[0])
    assert heard[0][1]["event"] == "on_chat_model_stream"


def test_what_is_inside_a_subgraph_is_heard_where_that_was_asked_for() -> None:
    inner = event("node", "team/pay", task_id="t", status="ok", output=1)
    written = event("custom", "team", a=1)
    assert hear(listen("updates", "custom"), inner, written) == []
    found = hear(listen("updates", "custom", has_subgraphs=True), inner, written)
    assert found == [("updates|team", {"pay": 1}), ("custom|team", {"a": 1})]


def test_what_nodes_write_is_heard_as_it_is() -> None:
    plain = RunEvent(run_id="r", seq=1, kind="custom", path="", at=AT, data="text")
    assert hear(listen("custom"), plain) == [("custom", "text")]
    assert hear(listen("updates"), plain) == []


@pytest.mark.parametrize("kind", ["status", "warning", "log", "interrupt"])
def test_what_only_interlock_has_is_not_heard(kind: str) -> None:
    assert hear(listen(*agent_asks.STREAM_MODES), event(kind, "pay", text="a")) == []


def test_a_stream_begins_with_its_run_and_ends_with_the_state() -> None:
    stream = listen("values", "updates")
    assert stream.open() == Part("metadata", {"run_id": "r", "attempt": 1})
    asked = [{"id": "i", "value": 1}]
    found = stream.close(status="interrupted", values={"a": 1}, questions=asked, error=None)
    assert found == [
        Part("values", {"a": 1, "__interrupt__": asked}),
        Part("updates", {"__interrupt__": asked}),
        Part("end", {"run_id": "r", "status": "interrupted"}),
    ]
    told = stream.close(status="success", values={"a": 1}, questions=[], error=None)
    assert told[0] == Part("values", {"a": 1})
    failed = {"error": "ValueError", "message": "No."}
    told = stream.close(status="error", values=None, questions=[], error=failed)
    assert [part.event for part in told] == ["error", "end"]
