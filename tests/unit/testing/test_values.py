from __future__ import annotations

import datetime as dt
import time
import uuid
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel, ConfigDict, SecretStr

from interlock.core.testing.rules import any_text, approx, ignore, settle
from interlock.core.testing.tracks import Track
from interlock.core.testing.values import as_json
from interlock.core.testing.volatile import Masker, Span


class Colour(Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Box:
    size: int
    held: Any = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


class Plain:
    def __str__(self):
        return "plain"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (Colour.RED, "red"),
        ({Colour.RED: 1, 2: (3,)}, {"red": 1, "2": [3]}),
        ({"b", "a"}, ["a", "b"]),
        (Point(1, 2), {"x": 1, "y": 2}),
        (deque([1]), [1]),
        (Box(1, Box(2)), {"size": 1, "held": {"size": 2, "held": None}}),
        (Open(name="a", more=1), {"name": "a", "more": 1}),
        (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), "2026-01-02T03:04:00+00:00"),
        (dt.timedelta(minutes=1), 60.0),
        (b"abc", "YWJj"),
        (Decimal("1.50"), "1.50"),
        (SecretStr("x"), "***"),
        (ValueError("no"), "ValueError: no"),
        (np.array([[1, 2]]), [[1, 2]]),
        (Plain(), "plain"),
        (HumanMessage("hi", id="m-1"), {"type": "human", "content": "hi", "id": "m-1"}),
        (
            AIMessage("", response_metadata={"x": 1}, usage_metadata=None),
            {"type": "ai", "content": ""},
        ),
        (
            ToolMessage("no", tool_call_id="c-1", status="error"),
            {"type": "tool", "content": "no", "tool_call_id": "c-1", "status": "error"},
        ),
    ],
)
def test_any_value_is_shown_as_json(value, shown):
    assert as_json(value) == shown


NOW_S = 1_800_000_000.0
SPAN = Span(NOW_S, NOW_S + 5)
NOW = dt.datetime.fromtimestamp(NOW_S, dt.UTC)


def mask(value, known=""):
    return Masker(SPAN, known).mask(value)


def test_ids_are_named_alike_wherever_they_stand():
    one, other = str(uuid.uuid4()), uuid.uuid4().hex
    masked = mask({"id": one, other: [f"run--{one.upper()}-0", other]})
    assert masked == {"id": "<id-1>", "<id-2>": ["run--<id-1>-0", "<id-2>"]}


def test_an_id_of_the_input_stays():
    given = str(uuid.uuid4())
    assert mask([given, str(uuid.uuid4())], known=f'{{"id": "{given}"}}') == [given, "<id-1>"]


@pytest.mark.parametrize(
    "text",
    [
        NOW.isoformat(),
        NOW.isoformat(timespec="minutes"),
        NOW.strftime("%Y-%m-%dT%H:%M:%S.123456Z"),
        NOW.strftime("%Y-%m-%d %H:%M:%S"),
        dt.datetime.fromtimestamp(NOW_S).isoformat(),
    ],
)
def test_the_time_of_the_run_is_taken_out(text):
    assert mask(f"at {text}.") == "at <time>."
    assert mask(text, known=text) == text


def test_the_day_of_the_run_and_its_seconds_are_taken_out():
    assert mask(f"Vienna, {NOW.date()}") == "Vienna, <day>"
    assert mask([NOW_S + 1, int(NOW_S * 1000)]) == ["<time>", "<time>"]
    assert mask(NOW_S, known=str(NOW_S)) == NOW_S


@pytest.mark.parametrize(
    "value",
    [
        *("2026-01-01", "2026-01-01T10:00:00Z", "2027-99-15T08:00:00", "v1.2.3", "8f14e45f"),
        *(12, 1.5, True, None, 1_700_000_000, "d41d8cd98f00b204e9800998ecf8427e"),
    ],
)
def test_all_else_is_left(value):
    assert mask(value) == value


def test_an_address_in_memory_is_taken_out():
    assert mask("<object at 0x7f35d42f6a20>") == "<object at <address>>"


def test_a_span_ends_now():
    assert Span.since(time.time() - 1).holds(time.time())


def test_rules_reach_into_lists_and_fields():
    recorded = {"lines": [{"n": 1.0, "t": "a"}, {"n": 2.0, "t": "b"}], "x": {"y": 1}}
    now = {"lines": [{"n": 1.1, "t": "c"}, {"n": 2.0, "t": " "}], "x": 3}
    rules = {"lines.*.n": approx(rel=0.2), "lines.*.t": any_text, "x.y.z": ignore}
    assert settle(recorded, now, rules) == (
        recorded,
        {"lines": recorded["lines"], "x": 3},
        ["lines.1.t: any_text does not hold for ' '"],
    )


def test_what_is_ignored_may_be_missing_and_what_is_not_may_not():
    assert settle({"a": 1}, {}, {"a": ignore}) == ({}, {}, [])
    assert settle({"a": 1}, {}, {"a": any_text}) == ({"a": 1}, {}, [])
    assert settle([1, 2], [1], {"1": ignore}) == ([1], [1], [])


def test_a_rule_of_another_part_is_not_asked():
    assert settle({"a": 1}, {"a": 2}, {"b.a": ignore, "c": ignore}, at=("c",))[2] == []


def event(task_id, name, **ended):
    return {"id": task_id, "name": name, **(ended or {"triggers": ()})}


def test_the_path_does_not_depend_on_which_was_faster():
    track = Track()
    track.hear((), event("1", "a"))
    track.hear((), event("2", "b"))
    track.hear(("b:2",), event("4", "inner"))
    track.hear(("b:2",), event("4", "inner", interrupts=[]))
    track.hear(("a:1", "1"), event("3", "inner"))
    track.hear((), event("2", "b", interrupts=[]))
    track.hear(("a:1", "1"), event("3", "inner", interrupts=[{"id": "q"}]))
    track.hear((), event("1", "a", interrupts=[{"id": "q"}]))
    assert track.path == ("b", "b/inner")
    assert track.askers == {"q": "a/inner"}
    track.hear(("a:1", "1"), event("3", "inner", interrupts=[]))
    track.hear((), event("1", "a", interrupts=[]))
    assert track.path == ("a", "a/inner", "b", "b/inner")
    assert track.last == ("a", "b", "b/inner", "a/inner")
