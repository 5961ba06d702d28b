"""JSON is read strictly, and written without what JSON does not have."""

from __future__ import annotations

import json
import math

import pytest

from interlock.core.model import json_texts, json_values


def test_what_is_json_is_read():
    assert json_texts.loads('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}


def test_a_doubled_key_is_refused_and_named():
    with pytest.raises(json_texts.DoubledKey) as caught:
        json_texts.loads('{"a": {"b": 1, "b": 2}}')
    assert caught.value.key == "b"


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "{", ""])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        json_texts.loads(text)


def test_what_json_does_not_have_becomes_null():
    given = {1: (math.nan, 1.5), "a": [math.inf, {"b": -math.inf}, "x", None, True]}
    made = json_values.make_finite(given)
    assert made == {"1": [None, 1.5], "a": [None, {"b": None}, "x", None, True]}
    json.dumps(made, allow_nan=False)
