"""Streamed messages as few events, none of whose words is left behind."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

from interlock.core.graphs import messages
from interlock.core.graphs.messages import MERGE_S, Messages


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(messages, "time", made)
    return made


class Told:
    def __init__(self) -> None:
        self.events: list[Any] = []
        self.messages = Messages(
            lambda _kind, data, _path: self.events.append((data["text"], data["done"])),
            path_of=lambda namespace: namespace,
        )

    def piece(self, text, message_id="m"):
        self.messages.add(AIMessageChunk(text, id=message_id), {})


def test_pieces_of_a_moment_are_one_event(clock):
    told = Told()
    for word in ("a", "b", "c"):
        told.piece(word)
    assert told.events == []
    clock.now += 2 * MERGE_S
    told.piece("d")
    assert told.events == [("abcd", False)]


def test_a_pause_does_not_keep_back_what_was_written(clock):
    told = Told()
    told.piece("a")
    told.messages.send_due()
    assert told.events == []
    clock.now += 2 * MERGE_S
    told.messages.send_due()
    told.messages.send_due()
    assert told.events == [("a", False)]
    told.piece("b")
    told.messages.flush()
    assert told.events == [("a", False), ("b", False)]


def test_the_whole_is_told_once_and_nothing_of_it_is_due_later(clock):
    told = Told()
    told.piece("a")
    told.messages.add(AIMessage("a", id="m"), {})
    told.messages.add(AIMessage("a", id="m"), {})
    clock.now += 2 * MERGE_S
    told.messages.send_due()
    told.messages.flush()
    assert told.events == [("a", True)]
