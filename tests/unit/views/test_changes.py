from __future__ import annotations

import pytest

from interlock.core.model.schemas import fields_of
from interlock.dashboard.views import changes
from interlock.dashboard.views.changes import Change
from interlock.dashboard.views.fields import from_args, from_fields

SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "to": {"type": "string"},
        "sort": {"enum": ["a", "b"]},
        "who": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
}
ARGS = {"amount": 620, "to": "Ann", "extra": {"x": 1}, "flag": True, "who": {"name": "Ann"}}


def find(**drafts):
    fields = from_args(fields_of(SCHEMA), ARGS)
    return [(c.label, c.before, c.after, c.problem) for c in changes.find_changes(fields, drafts)]


def test_only_what_was_changed_is_named():
    assert find() == []
    assert find(amount=620.0) == []
    assert find(amount=500.0) == [("Amount", "620", "500", "")]
    assert find(amount=500.5, to="Bob") == [
        ("Amount", "620", "500.5", ""),
        ("To", "Ann", "Bob", ""),
    ]


def test_nested_new_and_emptied_fields_are_named():
    assert find(**{"who.name": "Bob"}) == [
        ("Who \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} Name", "Ann", "Bob", "")
    ]
    assert find(sort=1) == [("Sort", "(nothing)", "b", "")]
    assert find(to="") == [("To", "Ann", "(empty)", "")]
    assert find(flag=False) == [("flag", "yes", "no", "")]


def test_to_fill_in_an_answer_is_no_change_but_to_leave_what_was_proposed_is():
    fields = from_fields(
        fields_of(
            {
                "type": "object",
                "properties": {
                    "amount": {"type": "number", "default": 620},
                    "note": {"type": "string"},
                    "to": {"type": "object", "properties": {"iban": {"type": "string"}}},
                },
            }
        ),
        {"to": {"iban": "A"}},
    )
    drafts = {"amount": 500.0, "note": "partly", "to.iban": "B"}
    assert [f.path for f in changes.find_proposed(fields)] == ["amount", "to.iban"]
    assert changes.find_changes(fields, drafts, only_proposed=True) == (
        Change(label="Amount", before="620", after="500"),
        Change(
            label="To \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} Iban", before="A", after="B"
        ),
    )


def test_what_cannot_be_sent_yet_says_why():
    ((label, before, after, problem),) = find(extra="{")
    assert (label, before, after) == ("extra", '{"x": 1}', "")
    assert problem.startswith("is not JSON")


def test_json_written_otherwise_is_no_change():
    assert find(extra='{ "x": 1 }') == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (3, "3", [("value", "3", '"3"')]),
        ("", 3, [("value", '""', "3")]),
        (1, True, [("value", "1", "yes")]),
        (620, 620.0, []),
        ({"a": 1, "b": 2}, {"a": 1, "c": 2}, [("b", "2", "(nothing)"), ("c", "(nothing)", "2")]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("a.b.2", "2", "3")]),
        ([1], [1, 2], [("value", "[1]", "[1, 2]")]),
        ([{"to": "Ann"}], [{"to": "Bob"}], [("1.to", "Ann", "Bob")]),
        (None, "x", [("value", "null", '"x"')]),
    ],
)
def test_two_values_are_compared_place_by_place(before, after, expected):
    assert [(c.label, c.before, c.after) for c in changes.compare(before, after)] == expected


def test_long_texts_are_shown_from_where_they_differ():
    text = "word " * 200
    (change,) = changes.compare(text, text + "end")
    assert change.after.startswith("…")
    assert change.after.endswith("end")
    assert len(change.after) < 200


def test_hidden_marks_are_shown_and_the_list_ends():
    assert changes.compare("a", "b\u202e") == (
        Change(label="value", before="a", after="b⟨U+202E⟩"),
    )
    many = {str(n): n for n in range(100)}
    assert len(changes.compare({}, many)) == changes.CHANGES_LIMIT_COUNT
