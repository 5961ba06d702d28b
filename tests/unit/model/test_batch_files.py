from __future__ import annotations

import csv
import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.batch_files import read

MESSAGES = {"type": "array", "items": {"oneOf": [{"type": "object"}]}}
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "amount": {"type": "number"},
        "urgent": {"type": "boolean"},
        "kind": {"enum": ["low", 2, True]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "mixed": {
            "anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "array", "items": {}}]
        },
        "numbers": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
        "nothing": {"type": "null"},
        "free": {},
        "messages": MESSAGES,
    },
}


def read_text(text, *, name="orders.csv", schema=SCHEMA, max_rows=100, max_bytes=120_000):
    data = text if isinstance(text, bytes) else text.encode()
    return read(data, name=name, schema=schema, max_rows=max_rows, max_bytes=max_bytes)


def values(text, **options):
    rows = read_text(text, **options).rows
    assert [row.problems for row in rows] == [()] * len(rows)
    return [row.input for row in rows]


def one_cell(field, cell):
    file = io.StringIO()
    csv.writer(file).writerows([["other", field], ["x", cell]])
    (row,) = read_text(file.getvalue()).rows
    return row.problems or row.input.get(field, "absent")


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("name", "007", "007"),
        ("name", " null ", " null "),
        ("name", "", "absent"),
        ("name", "  ", "absent"),
        ("count", " 12 ", 12),
        ("count", "-3", -3),
        ("count", "3.0", 3),
        ("count", "3.5", 3.5),
        ("count", "1e2", 100),
        ("count", "many", "many"),
        ("count", "1_000", "1_000"),
        ("amount", "3.5", 3.5),
        ("amount", ".5", 0.5),
        ("amount", "620", 620),
        ("amount", "NaN", "NaN"),
        ("amount", "3,5", "3,5"),
        ("urgent", "YES", True),
        ("urgent", "0", False),
        ("urgent", "perhaps", "perhaps"),
        ("kind", " low ", "low"),
        ("kind", "2", 2),
        ("kind", "true", True),
        ("kind", "high", "high"),
        ("tags", '["a", "b"]', ["a", "b"]),
        ("address", '{"city": "Graz"}', {"city": "Graz"}),
        ("limit", "5", 5),
        ("mixed", "5", 5),
        ("mixed", "[5]", [5]),
        ("mixed", "five", "five"),
        ("numbers", "yes", True),
        ("numbers", "five", "five"),
        ("nothing", "null", None),
        ("nothing", "x", "x"),
        ("free", "5", 5),
        ("free", "05", "05"),
        ("free", "text", "text"),
        ("free", '{"a": [1]}', {"a": [1]}),
        ("messages", "hello", [{"role": "user", "content": "hello"}]),
        ("messages", "[urgent] help", [{"role": "user", "content": "[urgent] help"}]),
        ("messages", '[{"role": "ai", "content": "x"}]', [{"role": "ai", "content": "x"}]),
    ],
)
def test_a_cell_becomes_what_its_column_is_for(field, cell, value):
    found = one_cell(field, cell)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("field", "cell", "word"),
    [
        ("tags", "a, b", "is not JSON"),
        ("tags", '["a",\n"b"', "at its line 2"),
        pytest.param("tags", "[" * 100_000, "too deep", id="deep"),
        ("tags", "[NaN]", "no JSON number"),
        pytest.param("tags", f"[{'1' * 5000}]", "too long", id="long"),
        ("address", '{"city": "a", "city": "b"}', "'city' twice"),
        ("free", '{"a": 1', "is not JSON"),
    ],
)
def test_what_has_to_be_json_and_is_not_is_named_by_its_column(field, cell, word):
    (problem,) = one_cell(field, cell)
    assert problem.path == field
    assert word in problem.message


def test_rows_know_the_line_they_begin_in():
    text = 'name,tags\r\n"two\r\nlines",[]\r\n\r\nx,oops\r\ny,\r\n,\r\n'
    rows = read_text(text).rows
    assert [(row.line, bool(row.problems)) for row in rows] == [(2, False), (5, True), (6, False)]
    assert rows[0].input == {"name": "two\r\nlines", "tags": []}
    assert rows[2].input == {"name": "y"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_of_any_country_is_read(delimiter):
    text = "\ufeff" + delimiter.join(("name", " count ")) + "\n" + delimiter.join(("a", "1"))
    assert values(text) == [{"name": "a", "count": 1}]
    assert read_text(text).columns == ("name", "count")


def test_a_row_of_another_length_is_a_problem_of_its_line():
    rows = read_text("name,count\na,1,2\nb,2\nc\n").rows
    assert [row.line for row in rows if row.problems] == [2, 4]
    assert "3 cells" in rows[0].problems[0].message


def test_a_row_that_is_no_csv_is_a_problem_of_its_lines_and_the_others_are_read():
    text = 'name,count\na,1\n"b"b,2\nc,3\n"d\ne,4\n"f,5\ng,6\n"h"h,7'
    rows = read_text(text).rows
    assert [(row.line, bool(row.problems)) for row in rows] == [
        (2, False),
        (3, True),
        (4, False),
        (5, True),
        (8, False),
        (9, True),
    ]
    assert rows[2].input == {"name": "c", "count": 3}
    assert "cannot be read as CSV" in rows[1].problems[0].message
    assert "line 7" in rows[3].problems[0].message  # with what it swallowed


def test_a_quote_that_never_ends_refuses_the_file_as_nobody_knows_what_it_holds():
    with pytest.raises(InvalidInput, match="line 3"):
        read_text('name,count\na,1\n"b,2\nc,3\n')
    with pytest.raises(InvalidInput, match="line 3"):
        read_text('a\n3\n"4\n', schema={"type": "integer"})


def test_a_cell_may_be_as_long_as_the_file():
    rows = read_text(f"name,count\n{'x' * 300_000},1\nb,2\n", max_bytes=400_000).rows
    assert [len(row.input["name"]) for row in rows] == [300_000, 1]


def test_many_columns_and_many_keys_are_looked_at_in_no_time():
    begun = time.process_time()
    names = [f"c{at}" for at in range(100_000)]
    text = f"{','.join(names)}\n{','.join('1' for _ in names)}\n"
    assert len(values(text, schema=None, max_bytes=2_000_000)[0]) == 100_000
    with pytest.raises(InvalidInput, match="Two columns are called 'c99999'"):
        read_text(f"{','.join(names)},c99999\n", max_bytes=2_000_000)
    twice = json.dumps(dict.fromkeys(names, 1))[:-1] + ', "c99999": 2}'
    (row,) = read_text(twice, name="a.jsonl", max_bytes=2_000_000).rows
    assert "'c99999' twice" in row.problems[0].message
    assert time.process_time() - begun < 5


def test_an_input_that_is_one_value_has_one_column():
    assert values("number of bees\n3\n4\n", schema={"type": "integer"}) == [3, 4]
    with pytest.raises(InvalidInput, match="one column"):
        read_text("a,b\n3,4\n", schema={"type": "integer"})
    rows = read_text("a\n3,4\n[\n", schema={"type": "array", "items": {}}).rows
    assert [row.line for row in rows if row.problems] == [2, 3]
    rows = read_text('a\n3\n"4"4\n', schema={"type": "integer"}).rows
    assert [row.line for row in rows if row.problems] == [3]


def test_without_a_schema_what_reads_as_json_is_json():
    text = 'a,b,c\n1,x,"[1, 2]"\n'
    assert values(text, schema=None) == [{"a": 1, "b": "x", "c": [1, 2]}]


def test_json_lines_are_read_with_their_lines():
    text = '{"name": "a\u2028b"}\r\n\r\n3\n{"name": \n["x"]\n'
    rows = read_text(text, name="orders.JSONL").rows
    assert [row.line for row in rows] == [1, 3, 4, 5]
    assert [row.input for row in rows] == [{"name": "a\u2028b"}, 3, None, ["x"]]
    assert rows[2].problems[0] == FieldProblem("", "is not JSON: Expecting value at column 9")


@pytest.mark.parametrize(
    ("name", "text"),
    [("stdin", ' {"count": 1}'), ("x.json", '{"count": 1}'), ("stdin", "count\n1")],
)
def test_what_a_file_is_its_name_tells_or_else_its_first_character(name, text):
    assert values(text, name=name) == [{"count": 1}]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"name\n\xff\n", "line 2"),
        ("", "no rows"),
        ("name\n\n", "no rows"),
        ("name,,count\n1,2,3", "Column 2"),
        ("name,name\n1,2", "Two columns"),
        ('"name\n', "line 1"),
        ('"name"s\nx\n', "Line 1"),
        pytest.param("name\n" + "a\n" * 101, "more than 100 rows", id="rows"),
        pytest.param("name\n" + "a" * 120_000, "bytes", id="big"),
    ],
)
def test_a_file_that_cannot_be_used_at_all_is_refused(text, word):
    with pytest.raises(InvalidInput, match=word):
        read_text(text)


record = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")).filter(
            str.strip
        ),
        "count": st.integers(),
        "amount": st.floats(allow_nan=False, allow_infinity=False),
        "urgent": st.booleans(),
        "tags": st.lists(st.text()),
    },
).filter(bool)


@given(st.lists(record, min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_what_is_written_as_csv_is_read_as_it_was(records, delimiter):
    file = io.StringIO(newline="")
    names = list(SCHEMA["properties"])[:6]
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(names)
    for one in records:
        writer.writerow(
            [v if isinstance(v := one.get(n, ""), str) else json.dumps(v) for n in names]
        )
    assert values(file.getvalue()) == records


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.jsonl", "-"]))
def test_whatever_the_file_it_is_read_or_refused(data, name):
    try:
        rows = read(data, name=name, schema=SCHEMA, max_rows=9, max_bytes=199).rows
    except InvalidInput:
        return
    assert 1 <= len(rows) <= 9


def test_a_conversation_that_no_form_can_show_takes_a_plain_message_too():
    schema = {"type": "object", "properties": {"messages": {}}}
    assert values("messages\nhello\n", schema=schema) == [
        {"messages": [{"role": "user", "content": "hello"}]}
    ]
