from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.model.nodes import RunEvent
from interlock.dashboard.views import stream

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def piece(make, seq, text, message_id="m", *, done=False):
    return make.event(seq, "message", {"id": message_id, "text": text, "done": done})


def test_pieces_of_a_message_are_joined_in_order(make):
    events = [
        make.event(1, "message", {"id": "m", "node": "draft", "text": "Hel", "done": False}),
        make.event(2, "message", {"id": "n", "node": "plan", "text": "x", "done": False}),
        make.event(3, "message", {"id": "m", "node": "draft", "text": "lo", "done": False}),
    ]
    first, second = stream.build(events).texts
    assert (first.text, first.standing, first.node) == ("Hello", "writing", "draft")
    assert second.text == "x"


def test_pieces_that_are_known_already_change_nothing(make):
    pieces = [piece(make, 1, "Dear "), piece(make, 2, "Ann")]
    told = stream.add(stream.Told(run_id=""), pieces)
    assert stream.add(told, pieces) == told


def test_the_whole_text_replaces_its_pieces(make):
    events = [piece(make, 1, "Hel"), piece(make, 2, "Hello you", done=True)]
    (text,) = stream.build(events).texts
    assert (text.text, text.standing, text.node) == ("Hello you", "whole", "draft")


def test_custom_events_and_warnings_are_kept_apart_and_prints_in_a_log(make):
    events = [
        make.event(1, "custom", {"done": 3}),
        make.event(2, "custom", "halfway"),
        make.event(3, "log", {"stream": "stdout", "text": "hi"}),
        make.event(4, "warning", {"text": "not durable"}),
        make.event(5, "warning", "odd"),
    ]
    found = stream.build(events)
    assert [line.text for line in found.customs] == ['{"done": 3}', "halfway"]
    assert found.warnings == ("not durable", "")
    assert not found.is_empty
    assert stream.build([]).is_empty
    (line,) = stream.build_log(events)
    assert (line.place, line.text) == ("stdout", "hi")


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("running", "cut off"),  # begun again by another worker
        ("failed", "cut off"),
        ("cancelled", "cut off"),
        ("done", "whole"),
        ("waiting", "whole"),
        ("queued", "writing"),
    ],
)
def test_what_was_being_written_when_a_run_stopped_says_so(make, status, standing):
    events = [piece(make, 1, "Hel"), piece(make, 2, "whole", "n", done=True)]
    texts = stream.build([*events, make.event(3, "status", {"status": status})]).texts
    assert [t.standing for t in texts] == [standing, "whole"]


def test_a_text_that_another_worker_writes_anew_stands_beside_the_one_that_was_cut_off(make):
    events = [
        make.event(1, "status", {"status": "running"}),
        piece(make, 2, "Once upon"),
        make.event(3, "status", {"status": "running"}),
        piece(make, 4, "Once upon a time", "n", done=True),
    ]
    texts = stream.build(events).texts
    assert [(t.text, t.standing) for t in texts] == [
        ("Once upon", "cut off"),
        ("Once upon a time", "whole"),
    ]


EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("message"),
            st.fixed_dictionaries(
                {"id": st.sampled_from("ab"), "text": st.text(max_size=3), "done": st.booleans()}
            ),
        ),
        st.tuples(st.just("custom"), st.integers()),
        st.tuples(st.just("warning"), st.fixed_dictionaries({"text": st.text(max_size=3)})),
        st.tuples(
            st.just("status"),
            st.fixed_dictionaries({"status": st.sampled_from(["running", "failed", "done"])}),
        ),
    ),
    max_size=12,
)


@given(told=EVENTS, cuts=st.lists(st.integers(0, 12), max_size=3), again=st.integers(0, 5))
def test_a_page_that_was_away_or_is_slow_sees_the_same_in_the_end(told, cuts, again):
    events = [
        RunEvent(run_id="r", seq=n, kind=kind, path="draft", at=NOW, data=data)
        for n, (kind, data) in enumerate(told, start=1)
    ]
    known = stream.Told(run_id="")
    for upto in [*sorted(cuts), len(events)]:
        known = stream.add(known, events[max(0, known.seq - again) : upto])
    assert stream.show(known) == stream.build(events)


def test_a_stream_of_thousands_of_pieces_shows_its_beginning_and_its_end(make):
    events = [piece(make, n, f"{n:05d} ") for n in range(1, 5001)]
    (text,) = stream.build(events).texts
    assert text.text.startswith("00001 00002 ")
    assert text.text.endswith("04999 05000 ")
    assert "characters left out" in text.text
    assert len(text.text) < stream.TEXT_LIMIT_COUNT + 100


def test_of_very_many_texts_and_events_the_newest_are_shown_and_the_rest_is_said(make):
    texts = [piece(make, n, "x", f"m{n}", done=True) for n in range(1, 103)]
    customs = [make.event(n, "custom", n) for n in range(103, 605)]
    found = stream.build([*texts, *customs])
    assert len(found.texts) == stream.TEXTS_COUNT
    assert found.customs[-1].text == "604"
    assert found.left_out == "2 older texts and 2 older custom events left out; all are in Events."
    told = stream.add(stream.Told(run_id=""), texts)
    again = stream.add(told, [piece(make, 200, "y", "new", done=True)])
    assert again.texts_gone == 3


def test_the_raw_log_is_newest_first_and_inert(make):
    rows = stream.build_rows(
        [make.event(1, "status", {"a": "\u202e"}), make.event(2, "node", None)]
    )
    assert [row.seq for row in rows] == [2, 1]
    assert rows[1].data == '{"a": "⟨U+202E⟩"}'
