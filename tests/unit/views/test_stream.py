from __future__ import annotations

from interlock.dashboard.views import stream


def test_pieces_of_a_message_are_joined_in_order(make):
    events = [
        make.event(1, "message", {"id": "m", "node": "draft", "text": "Hel", "done": False}),
        make.event(2, "message", {"id": "n", "node": "plan", "text": "x", "done": False}),
        make.event(3, "message", {"id": "m", "node": "draft", "text": "lo", "done": False}),
    ]
    first, second = stream.build(events).texts
    assert (first.text, first.is_done, first.node) == ("Hello", False, "draft")
    assert second.text == "x"


def test_the_whole_text_replaces_its_pieces(make):
    events = [
        make.event(1, "message", {"id": "m", "text": "Hel", "done": False}),
        make.event(2, "message", {"id": "m", "text": "Hello you", "done": True}),
    ]
    (text,) = stream.build(events).texts
    assert (text.text, text.is_done, text.node) == ("Hello you", True, "draft")


def test_custom_events_prints_and_warnings_are_kept_apart(make):
    found = stream.build(
        [
            make.event(1, "custom", {"done": 3}),
            make.event(2, "custom", "halfway"),
            make.event(3, "log", {"stream": "stdout", "text": "hi"}),
            make.event(4, "warning", {"text": "not durable"}),
            make.event(5, "warning", "odd"),
        ]
    )
    assert [line.text for line in found.customs] == ['{"done": 3}', "halfway"]
    assert (found.logs[0].place, found.logs[0].text) == ("stdout", "hi")
    assert found.warnings == ("not durable", "")
    assert not found.is_empty
    assert stream.build([]).is_empty


def test_the_raw_log_is_newest_first_and_inert(make):
    rows = stream.build_rows(
        [make.event(1, "status", {"a": "\u202e"}), make.event(2, "node", None)]
    )
    assert [row.seq for row in rows] == [2, 1]
    assert rows[1].data == '{"a": "⟨U+202E⟩"}'


def test_the_newest_of_a_long_log_are_read():
    assert stream.find_first_seq(5000, 300) == 4700
    assert stream.find_first_seq(10, 300) == 0
