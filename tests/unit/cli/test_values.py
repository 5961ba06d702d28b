from __future__ import annotations

import io
import sys

import pytest

from interlock.core.cli import values
from interlock.core.errors import UsageError


@pytest.mark.parametrize(
    ("given", "expected"),
    [("3", 3), ("null", None), ("-1.5", -1.5), ('"x"', "x"), ('{"a": [true]}', {"a": [True]})],
)
def test_any_json_value_is_taken(given, expected):
    assert expected == values.read_json("--input", given)


def test_a_file_is_read_with_or_without_byte_order_mark(tmp_path):
    path = tmp_path / "in put.json"
    path.write_bytes(b"\xef\xbb\xbf" + '{"é": 1}'.encode())
    assert values.read_json("--input", f"@{path}") == {"é": 1}


def test_a_dash_reads_stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[1, 2]")))
    assert values.read_json("--input", "-") == [1, 2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{bad", "not JSON"),
        ("", "not JSON"),
        ("plain words", "quotes of its own"),
        ("[NaN]", "NaN is not a JSON number"),
        ("[-Infinity]", "not a JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5000, "not JSON"),
        ("@/no/such/file", "cannot be read"),
        ('{"a": 1, "b": 2, "a": 3}', "the value names a twice in one object"),
        ('[{"x": {"amount": 1, "amount": 1}}]', "names amount twice"),
    ],
)
def test_what_is_not_json_is_a_usage_error_that_names_the_option(given, said):
    with pytest.raises(UsageError, match="--answer") as failure:
        values.read_json("--answer", given)
    assert said in str(failure.value)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        values.read_json("--input", f"@{path}")
