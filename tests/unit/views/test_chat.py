from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from interlock.core.model.nodes import RunEvent
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.services.conversing import Talk
from interlock.dashboard.views import chat

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
STATE = {"messages": [{"type": "human", "content": "hi"}, {"type": "ai", "content": "hello"}]}


@pytest.fixture
def talk(make):
    run = make.run(status=RunStatus.DONE)
    return Talk(thread_id=run.thread_id, workflow="w", run=run, values=STATE, sent=None, cards=())


def texts(view):
    return [message.text for message in view.conversation.messages]


def piece(seq, text):
    data = {"id": "m", "node": "agent", "text": text, "done": False}
    return RunEvent(run_id="r", seq=seq, kind="message", path="agent", at=NOW, data=data)


def test_what_was_sent_stands_below_what_was_said(talk):
    sent = {"messages": [{"role": "user", "content": "and?"}]}
    assert texts(chat.build(replace(talk, sent=sent), [])) == ["hi", "hello", "and?"]
    assert texts(chat.build(replace(talk, values=None, sent=sent), [])) == ["and?"]


def test_an_input_without_messages_is_no_conversation(talk):
    view = chat.build(replace(talk, values=None, sent={"topic": "bees"}), [])
    assert texts(view) == []


def test_what_is_being_written_is_shown_only_while_it_is(talk):
    pieces = [piece(1, "In "), piece(2, "Graz")]
    assert chat.build(talk, pieces).streamed == ()
    going = replace(talk, run=replace(talk.run, status=RunStatus.RUNNING))
    assert chat.build(going, pieces).streamed == ("In Graz",)


def test_a_failure_says_why_and_cards_lead_to_the_inbox(talk, make):
    error = Failure("ValueError", "no\nparcel")
    failed = replace(talk, run=replace(talk.run, status=RunStatus.FAILED, error=error))
    assert chat.build(failed, []).problem == "ValueError: no parcel"
    assert chat.build(talk, []).problem == ""
    cards = (make.card(), make.card("card-2"))
    links = chat.build(replace(talk, cards=cards), []).links
    assert [(link.page, link.label) for link in links] == [
        ("run", "Open the run"),
        ("inbox", "2 cards wait for you"),
    ]
    assert links[1].params == {"approval_id": cards[0].approval_id}
