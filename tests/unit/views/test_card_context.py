from __future__ import annotations

from interlock.dashboard.views import card_context

SAID = [{"type": "human", "content": "Refund me"}]


def test_the_conversation_is_apart_from_what_else_the_state_held():
    why = card_context.build_why({"messages": SAID, "amount": 620})
    assert why.conversation is not None
    assert [m.text for m in why.conversation.messages] == ["Refund me"]
    assert why.rest == {"amount": 620}


def test_a_state_without_messages_is_shown_as_it_is():
    why = card_context.build_why({"amount": 620})
    assert (why.conversation, why.rest) == (None, {"amount": 620})
    assert card_context.build_why([1]).rest == [1]


def test_an_empty_state_says_so():
    assert card_context.build_why({}).is_empty
    assert not card_context.build_why({"messages": SAID}).is_empty
