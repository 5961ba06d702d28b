from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import pathlib
import uuid
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel, ConfigDict, SecretStr

from interlock.core.graphs.projection import is_secret_key, mask, to_json

ROOM = 100_000


class Colour(enum.Enum):
    RED = "red"


class Order(BaseModel):
    model_config = ConfigDict(extra="allow")
    number: int
    secret: SecretStr = SecretStr("hidden")


@dataclasses.dataclass
class Box:
    inside: object


class Hostile:
    @property
    def __dict__(self):
        raise RuntimeError

    def __repr__(self):
        raise RuntimeError("no")


class HostileMapping(dict):
    def items(self):
        raise RuntimeError("no")


class Pair(NamedTuple):
    left: Any
    right: Any


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [1, 2.5, "x", None, True]}, {"a": [1, 2.5, "x", None, True]}),
        (Order(number=1, more=2), {"number": 1, "secret": "***", "more": 2}),
        (Box(inside=Colour.RED), {"inside": "red"}),
        (Pair(1, (2, 3)), {"left": 1, "right": [2, 3]}),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
        (dt.timedelta(minutes=1), 60.0),
        (Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        ({3, 1, 2}, [1, 2, 3]),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (2**60, 2**60),
        (2**64, str(2**64)),
        ({1: "a", Colour.RED: "b", (1, 2): "c"}, {"1": "a", "red": "b", "(1, 2)": "c"}),
        (ValueError("no"), "ValueError: no"),
        (b"abc", {"__bytes__": 3, "start": "YWJj"}),
        ("a\x00b\ud800", "a\ufffdb?"),
    ],
)
def test_values_are_shown_as_json(value, shown):
    assert to_json(value, max_bytes=ROOM) == shown


def test_messages_are_shown_with_what_was_said_and_called():
    call = {"name": "search", "args": {"q": "x"}, "id": "1", "type": "tool_call"}
    messages = [HumanMessage("hi", id="h"), AIMessage("", tool_calls=[call], name="bot")]
    shown = to_json([*messages, ToolMessage("found", tool_call_id="1")], max_bytes=ROOM)
    assert shown[0] == {"type": "human", "content": "hi", "id": "h", "name": None}
    assert shown[1]["tool_calls"] == [call]
    assert shown[2]["tool_call_id"] == "1"


def test_a_cycle_is_marked():
    value: dict = {"a": 1}
    value["self"] = value
    assert to_json(value, max_bytes=ROOM)["self"] == {"__cut__": "it holds itself", "type": "dict"}


def test_the_same_object_twice_is_no_cycle():
    part = {"x": 1}
    assert to_json([part, part], max_bytes=ROOM) == [{"x": 1}, {"x": 1}]


def test_what_is_not_data_is_named():
    shown = to_json({"f": len, "t": int}, max_bytes=ROOM)
    assert shown["f"]["__cut__"] == "not data"
    assert shown["t"]["type"] == "type"


@pytest.mark.parametrize("value", [Hostile(), HostileMapping(a=1), [Hostile()]])
def test_objects_that_raise_are_shown_as_unreadable(value):
    assert "could not be read (RuntimeError)" in json.dumps(to_json(value, max_bytes=ROOM))


def test_a_deep_value_ends():
    value: list = []
    for _ in range(5000):
        value = [value]
    assert "too deep" in json.dumps(to_json(value, max_bytes=ROOM))


def test_a_long_text_does_not_hide_what_follows():
    shown = to_json({"text": "x" * 1_000_000, "after": "seen"}, max_bytes=10_000)
    assert shown["after"] == "seen"
    assert shown["text"]["characters"] == 1_000_000
    assert shown["text"]["text"].startswith("xxx")


@pytest.mark.parametrize(
    "value",
    [
        {"text": "x" * 1_000_000},
        ["x" * 100] * 100_000,
        {str(i): i for i in range(100_000)},
        [[i] * 10 for i in range(100_000)],
        [{"k" * 5000: 1}] * 1000,
    ],
)
def test_a_large_value_is_cut_to_its_size(value):
    size = len(json.dumps(to_json(value, max_bytes=10_000)))
    assert size < 25_000


def test_what_is_left_out_is_counted():
    shown = to_json(list(range(100_000)), max_bytes=1000)
    assert shown[-1]["__cut__"] == f"{100_000 - len(shown) + 1} more items"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.tuples(inner, inner)
        | st.builds(Box, inner)
    ),
    max_leaves=20,
)


@given(value=ANYTHING, max_bytes=st.integers(0, 500))
def test_anything_becomes_strict_json(value, max_bytes):
    text = json.dumps(to_json(value, max_bytes=max_bytes), allow_nan=False)
    text.encode()
    assert "\\u0000" not in text


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "API_KEY",
        "apiKey",
        "openai-api-key",
        "accessToken",
        "refresh_token",
        "Authorization",
        "client_secret",
        "credentials",
        "aws.secret",
        "Set-Cookie",
        "privateKey",
        "tokens",
    ],
)
def test_fields_that_name_a_secret_are_hidden(key):
    assert is_secret_key(key)
    assert mask({key: "x", "deep": [{key: {"y": 1}}]}) == {key: "***", "deep": [{key: "***"}]}


@pytest.mark.parametrize(
    "key",
    [
        "total_tokens",
        "max_tokens",
        "input_tokens",
        "secretary",
        "tokenizer",
        "key",
        "cookies_baked",
    ],
)
def test_other_fields_are_shown(key):
    assert mask({key: "x"}) == {key: "x"}


def test_an_empty_secret_is_shown_as_empty():
    assert mask({"password": "", "token": None}) == {"password": "", "token": None}


def test_a_picture_is_kept_whole_beside_a_text_that_is_cut():
    picture, text = "iVBORw0KGgo" * 1000, "word " * 5000
    value = {"text": text, "image": picture, "url": f"data:image/png;base64,{picture}"}
    kept = to_json(value, max_bytes=5000, max_media_bytes=30_000)
    assert kept["image"] == picture
    assert kept["url"] == value["url"]
    assert kept["text"]["__cut__"] == "long text"
    assert "__cut__" in to_json(value, max_bytes=5000, max_media_bytes=10_000)["image"]
