from __future__ import annotations

from datetime import UTC, datetime

from interlock.core.model.threads import Snapshot
from interlock.dashboard.views import state


def build(values, following=()):
    snapshot = Snapshot(
        thread_id="t",
        checkpoint_id="c1",
        values=values,
        next=following,
        interrupts=(),
        metadata={},
        created_at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
    )
    return state.build(snapshot)


def test_a_conversation_short_values_and_the_rest_are_told_apart():
    messages = [{"type": "human", "content": "Hello"}]
    view = build(
        {
            "messages": messages,
            "total": 7,
            "note": "",
            "tags": ["a", "b"],
            "none": None,
            "empty": {},
            "draft": "two\nlines",
            "order": {"id": 3},
            "rows": [{"a": 1}],
        },
        ("review",),
    )
    assert view.place == "checkpoint c1, 2026-03-02 12:00:00 UTC · next: review"
    assert view.conversation is not None
    assert [m.text for m in view.conversation.messages] == ["Hello"]
    assert view.lines == (
        ("total", "7"),
        ("note", '""'),
        ("tags", '["a", "b"]'),
        ("none", "null"),
        ("empty", "{}"),
    )
    assert view.values == (
        ("draft", "two\nlines"),
        ("order", {"id": 3}),
        ("rows", [{"a": 1}]),
    )
    assert view.whole["messages"] is messages


def test_a_state_that_is_no_mapping_is_one_value():
    view = build([[1, 2]])
    assert view.place.endswith("nothing follows")
    assert (view.conversation, view.values) == (None, (("value", [[1, 2]]),))
