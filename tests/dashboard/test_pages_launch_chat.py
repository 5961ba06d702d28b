"""A workflow that is talked to on the launch page, drawn without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.model.nodes import RunEvent
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.model.threads import Snapshot
from interlock.core.services import observing
from interlock.core.store import engine, events, runs, snapshots
from interlock.core.types import CheckpointId
from interlock.dashboard import keys

SCHEMA = {
    "type": "object",
    "properties": {
        "messages": {"type": "array", "items": {"oneOf": [{"type": "object"}]}},
        "tone": {"type": "string", "default": "calm"},
    },
    "required": ["messages"],
}


@pytest.fixture
def desk(seed):
    seed.worker()
    return seed.workflow(input_schema=SCHEMA)


def say(at, text):
    at.chat_input(key=keys.launch_chat("refund_desk")).set_value(text).run()
    assert not at.exception
    return at


def read_run(app):
    return observing.get_run(app, observing.list_runs(app)[0].run_id)


def read(at):
    return [code.value for code in at.code]


def said(at):
    return " | ".join(box.value for box in [*at.markdown, *at.caption, *at.warning])


def end(app, run, *said_):
    """The run has ended with these messages in its state."""
    messages = [{"type": kind, "content": text} for kind, text in said_]
    with engine.write(app.engine) as conn:
        snapshots.put(
            conn,
            Snapshot(
                thread_id=run.thread_id,
                checkpoint_id=CheckpointId("c1"),
                values={"messages": messages},
                next=(),
                interrupts=(),
                metadata={},
                created_at=app.clock.now(),
            ),
        )
        runs.move(
            conn,
            run.run_id,
            from_={RunStatus.QUEUED},
            to=RunStatus.DONE,
            end_checkpoint_id=CheckpointId("c1"),
        )


def test_a_message_starts_a_run_and_stands_above_the_box_at_once(app, desk, open_page):
    at = say(open_page("launch"), "Where is my parcel?")
    run = read_run(app)
    assert run.input == {
        "messages": [{"role": "user", "content": "Where is my parcel?"}],
        "tone": "calm",
    }
    assert read(at) == ["Where is my parcel?"]
    assert at.query_params["thread_id"] == run.thread_id
    assert "queued" in said(at)


def test_the_answer_is_shown_and_the_next_message_goes_on_with_the_thread(app, desk, open_page):
    at = say(open_page("launch"), "Where is it?")
    first = read_run(app)
    end(app, first, ("human", "Where is it?"), ("ai", "In Graz."))
    at.run()
    assert read(at) == ["Where is it?", "In Graz."]
    say(at, "When will it come?")
    assert read_run(app).thread_id == first.thread_id
    assert read(at) == ["Where is it?", "In Graz.", "When will it come?"]


def test_what_is_being_written_is_shown_while_it_is(app, desk, open_page):
    at = say(open_page("launch"), "Where is it?")
    run = read_run(app)
    with engine.write(app.engine) as conn:
        runs.move(conn, run.run_id, from_={RunStatus.QUEUED}, to=RunStatus.RUNNING)
        data = {"id": "m1", "node": "agent", "text": "In Gr", "done": False}
        one = RunEvent(
            run_id=run.run_id, seq=1, kind="message", path="agent", at=app.clock.now(), data=data
        )
        events.insert_many(conn, [one, replace(one, seq=2, data={**data, "text": "az"})])
    at.run()
    assert read(at) == ["Where is it?", "In Graz"]


def test_a_message_to_a_busy_thread_is_given_back(app, desk, open_page):
    at = say(open_page("launch"), "one")
    say(at, "two, and much of it")
    assert "is busy" in said(at).replace("\\", "")
    assert "two, and much of it" in read(at)
    assert len(observing.list_runs(app)) == 1


def test_a_card_that_waits_and_a_failure_are_told(app, seed, desk, open_page):
    run = seed.run(
        RunStatus.FAILED,
        input={"messages": "x"},
        error=Failure("ValueError", "no such parcel"),
    )
    at = open_page("launch", thread_id=run.thread_id)
    assert "no such parcel" in said(at).replace("\\", "")
    card = seed.card()
    at = open_page("launch", thread_id=card.thread_id)
    assert not at.exception
    links = [link.proto.label for link in at.get("page_link")]
    assert any("1 card waits for you" in label.replace("\\", "") for label in links)


def test_a_new_conversation_begins_on_a_new_thread(app, desk, open_page):
    at = say(open_page("launch"), "one")
    at.button(key=keys.launch_chat_anew("refund_desk")).click().run()
    say(at, "two")
    assert len({run.thread_id for run in observing.list_runs(app)}) == 2
    assert read(at) == ["two"]


def test_another_workflow_begins_without_a_thread(seed, desk, open_page):
    seed.workflow("other", input_schema=SCHEMA)
    at = say(open_page("launch"), "one")
    at.selectbox(key=keys.launch_workflow()).set_value("other").run()
    assert not at.exception
    assert "thread_id" not in at.query_params


@pytest.mark.parametrize("is_known", [True, False])
def test_a_thread_of_another_workflow_is_not_shown(seed, desk, open_page, is_known):
    thread_id = seed.run(workflow="other").thread_id if is_known else "nobody knows it"
    at = open_page("launch", thread_id=thread_id)
    assert not at.exception
    assert "no conversation" in said(at).replace("\\", "")
