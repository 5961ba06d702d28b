from __future__ import annotations

import base64

import pytest

from interlock.dashboard.views import conversation
from interlock.dashboard.views.conversation import Call

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def read(*messages, **options):
    return conversation.build(list(messages), **options).messages


def test_messages_say_who_and_what():
    human, ai, tool, system = read(
        {"type": "human", "content": "Refund me"},
        {"type": "ai", "content": "I look", "name": "desk", "tool_calls": [
            {"name": "find_order", "args": {"order": 991}, "id": "c1"}]},
        {"type": "tool", "content": "no such order", "name": "find_order", "status": "error"},
        {"role": "developer", "content": "Be kind"},
    )  # fmt: skip
    assert (human.role, human.who, human.text) == ("human", "User", "Refund me")
    assert (ai.who, ai.calls) == ("Agent · desk", (Call("find_order", {"order": 991}),))
    assert (tool.who, tool.is_failed) == ("Tool · find_order", True)
    assert (system.role, system.who) == ("system", "Instructions")


def test_content_blocks_become_words_calls_and_parts():
    (message,) = read(
        {
            "role": "assistant",
            "content": [
                "first",
                {"type": "text", "text": "second"},
                {"type": "thinking", "thinking": "hm"},
                {"type": "image", "base64": PNG},
                {"type": "tool_use", "name": "pay", "input": {"eur": 5}},
                {"type": "odd", "x": 1},
                7,
                None,
            ],
        }
    )
    assert message.text.split("\n\n")[:3] == ["first", "second", "hm"]
    assert '"odd"' in message.text
    assert [p.kind for p in message.parts] == ["image"]
    assert message.calls == (Call("pay", {"eur": 5}),)


def test_calls_of_openai_are_read():
    call = {"id": "c", "type": "function", "function": {"name": "pay", "arguments": '{"eur": 5}'}}
    (message,) = read({"role": "assistant", "content": None, "tool_calls": [call, "odd"]})
    assert message.calls == (Call("pay", '{"eur": 5}'),)
    assert message.text == ""
    (nameless,) = read({"role": "assistant", "content": "", "tool_calls": [{}]})
    assert nameless.calls == (Call("a tool", {}),)


def test_what_people_write_themselves_is_read():
    pair, text, odd, no_role = read(["user", "hi"], "hello", {"a": 1}, {"content": "x"})
    assert (pair.role, pair.text) == ("human", "hi")
    assert (text.role, text.text) == ("human", "hello")
    assert (odd.who, odd.text) == ("Something else", '{\n  "a": 1\n}')
    assert (no_role.who, no_role.text) == ("Something else", "x")
    assert conversation.build(["user", "hi"]).messages == (pair,)
    assert conversation.build("hello").messages == (text,)
    assert conversation.build(None).messages == ()


def test_a_long_conversation_shows_its_newest_part():
    seen = conversation.build([{"role": "user", "content": str(n)} for n in range(70)])
    assert seen.earlier_count == 20
    assert (seen.messages[0].text, seen.messages[-1].text) == ("20", "69")


def test_hidden_marks_are_shown_and_long_texts_cut():
    (message,) = read({"role": "user", "content": "a\u202eb" + "x" * 30_000, "name": "a\u200bb"})
    assert message.text.startswith("a⟨U+202E⟩b")
    assert len(message.text) == conversation.TEXT_LIMIT_COUNT
    assert message.who == "User · a⟨U+200B⟩b"


def test_large_media_is_named_only():
    (message,) = read(
        {"role": "user", "content": [{"type": "image", "base64": PNG}]}, max_media_bytes=1
    )
    assert message.parts[0].data is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"type": "human", "content": "a"}], True),
        ([["user", "a"]], True),
        ([], False),
        (["a"], False),
        ("a", False),
        ([{"content": "a"}], False),
        ([{"type": "pdf", "content": "a"}], False),
    ],
)
def test_a_conversation_is_told_from_other_lists(value, expected):
    assert conversation.is_conversation(value) is expected


def test_the_messages_of_a_state_are_found():
    talk = [{"type": "human", "content": "a"}]
    assert conversation.find_messages({"x": 1, "chat": talk}) == talk
    assert conversation.find_messages({"chat": [["user", "b"]], "messages": talk}) == talk
    assert conversation.find_messages({"x": 1}) is None
    assert conversation.find_messages([talk]) is None
