from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.model.diffing import MAX_DEPTH, Change, Entry, diff
from interlock.core.model.text_diffs import MAX_WORDS, PartKind, TextDiff, Unit, Work, diff_texts

from .any_json import JSON, SCALARS

Json = Any

_RECORDS = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from("abcdef"), "content": JSON | st.text("xy ")}),
    max_size=6,
)
_LISTS = st.lists(SCALARS | st.lists(SCALARS, max_size=2), max_size=6) | _RECORDS
_STATES = JSON | st.dictionaries(st.sampled_from("abc"), _LISTS | JSON, max_size=3)
_TEXTS = st.text("ab .\n\u4e00", max_size=30) | st.text(max_size=30)


def _message(message_id: str, content: Json, **more: Json) -> dict[str, Json]:
    return {"type": "ai", "content": content, "id": message_id, **more}


@settings(max_examples=60)
@given(_STATES, _STATES)
def test_the_entries_tell_the_later_state_from_the_earlier_one(before, after):
    found = diff(before, after, limit=10_000)
    assert _normal(_apply(before, found.entries)) == _normal(after)
    assert found.left_out_count == 0
    json.dumps(found.as_json())


@settings(max_examples=40)
@given(_STATES)
def test_a_state_is_equal_to_itself(state):
    assert diff(state, json.loads(json.dumps(state))).is_empty


@settings(max_examples=40)
@given(_STATES, _STATES, st.integers(0, 3))
def test_what_is_beyond_the_limit_is_counted(before, after, limit):
    whole, cut = diff(before, after), diff(before, after, limit=limit)
    assert [e.path for e in cut.entries] == [e.path for e in whole.entries[:limit]]
    assert len(cut.entries) + cut.left_out_count == len(whole.entries)
    assert cut.is_empty is whole.is_empty


@settings(max_examples=60)
@given(_TEXTS, _TEXTS)
def test_the_parts_of_a_text_make_both_texts(before, after):
    found = diff_texts(before, after, Work())
    assert _read(found, PartKind.REMOVED) == before
    assert _read(found, PartKind.ADDED) == after
    kinds = [part.kind for part in found.parts]
    assert all(one is not other for one, other in pairwise(kinds))


def test_fields_are_told_in_the_order_of_the_earlier_state_then_what_is_new():
    found = diff({"z": 1, "gone": [], "a": {"x": 1}}, {"new": None, "a": {"x": "1"}, "z": 2})
    assert [(e.change, e.path) for e in found.entries] == [
        (Change.CHANGED, ("z",)),
        (Change.REMOVED, ("gone",)),
        (Change.CHANGED, ("a", "x")),
        (Change.ADDED, ("new",)),
    ]
    assert found.fields == ("z", "gone", "a", "new")


def test_true_is_not_one_but_one_is_one_point_zero():
    assert [e.path for e in diff({"a": 1, "b": 1}, {"a": True, "b": 1.0}).entries] == [("a",)]
    assert [e.change for e in diff([1, 2], [True, 2]).entries] == [Change.CHANGED]


def test_records_without_an_id_are_known_by_all_they_hold():
    found = diff({"l": [{"n": 1}, {"n": 2}]}, {"l": [{"n": 2}, {"n": 3}]}, limit=1)
    assert len(found.entries) == 1
    assert found.left_out_count == 1
    assert diff({"l": [[1], [2]]}, {"l": [[1], [2], [3]]}).entries[0].items == ([3],)


def test_messages_are_known_by_their_id():
    kept, edited = _message("m1", "hello"), _message("m2", "pay 10 EUR now")
    gone, new = _message("m3", "old"), _message("m4", "new")
    later = [kept, edited | {"content": "pay 20 EUR now"}, new]
    found = diff({"messages": [kept, edited, gone]}, {"messages": later}).entries
    edit, dropped, inserted = found
    assert (edit.path, edit.record_id) == (("messages", 1, "content"), "m2")
    assert edit.text is not None
    assert [(p.kind, p.text) for p in edit.text.parts] == [
        (PartKind.SAME, "pay "),
        (PartKind.REMOVED, "10 "),
        (PartKind.ADDED, "20 "),
        (PartKind.SAME, "EUR now"),
    ]
    assert (dropped.change, dropped.items, dropped.at) == (Change.DROPPED, (gone,), 2)
    assert (inserted.change, inserted.items, inserted.is_at_end) == (Change.INSERTED, (new,), True)


def test_a_message_put_before_the_others_changes_none_of_them():
    one, two, first = (_message(i, i) for i in ("m1", "m2", "m0"))
    (entry,) = diff([one, two], [first, one, two]).entries
    assert (entry.change, entry.at, entry.is_at_end) == (Change.INSERTED, 0, False)


def test_what_has_no_id_and_takes_the_place_of_another_is_its_new_version():
    before = {"steps": [{"n": 1}, {"n": 2}]}
    found = diff(before, {"steps": [{"n": 1}, {"n": 3}, {"n": 4}]}).entries
    assert [(e.change, e.path) for e in found] == [
        (Change.CHANGED, ("steps", 1, "n")),
        (Change.INSERTED, ("steps",)),
    ]


def test_the_form_for_scripts_says_what_each_entry_needs():
    before = {"text": "a b", "gone": 1, "list": [1], "messages": [_message("m", 1)]}
    after = {"text": "a c", "new": 2, "list": [1, 2], "messages": [_message("m", 2)]}
    told = diff(before, after).as_json()
    assert told == {
        "entries": [
            {
                "path": ["text"],
                "change": "text",
                "before": "a b",
                "after": "a c",
                "unit": "word",
                "parts": [
                    {"kind": "same", "text": "a "},
                    {"kind": "removed", "text": "b"},
                    {"kind": "added", "text": "c"},
                ],
            },
            {"path": ["gone"], "change": "removed", "before": 1},
            {"path": ["list"], "change": "inserted", "at": 1, "items": [2], "is_at_end": True},
            {
                "path": ["messages", 0, "content"],
                "change": "changed",
                "before": 1,
                "after": 2,
                "record_id": "m",
            },
            {"path": ["new"], "change": "added", "after": 2},
        ],
        "left_out": 0,
        "is_partial": False,
    }


@pytest.mark.parametrize("which", [0, 1])
def test_a_state_that_was_cut_makes_the_diff_partial(which):
    states = [{"a": 1}, {"a": 1}]
    states[which] = {"a": {"__cut__": "long text", "text": "x", "characters": 9}}
    assert diff(*states).is_partial
    assert not diff({"a": 1}, {"a": 2}).is_partial


def test_what_lies_too_deep_is_compared_as_a_whole():
    one, same, other = (_nest(value) for value in (1, 1, True))
    assert diff(one, same).is_empty
    (entry,) = diff(one, other).entries
    assert len(entry.path) == MAX_DEPTH


def test_a_long_text_is_compared_by_line_and_a_longer_one_not_at_all():
    lines = [f"line {n} " + "word " * 9 for n in range(MAX_WORDS // 8)]
    changed = [*lines[:5], "another line", *lines[6:]]
    found = diff_texts("\n".join(lines), "\n".join(changed), Work())
    assert found.unit is Unit.LINE
    assert [p.kind for p in found.parts].count(PartKind.ADDED) == 1
    whole = diff_texts("a\n" * 5000, "b\n" * 5001, Work())
    assert (whole.unit, whole.parts, whole.before_count, whole.after_count) == (
        Unit.WHOLE,
        (),
        10_000,
        10_002,
    )


def test_texts_of_few_words_again_and_again_are_not_compared_word_by_word():
    before, after = "a b " * 900, "b a a " * 600
    assert diff_texts(before, after, Work()).unit is Unit.LINE


def test_one_diff_compares_no_more_than_its_share():
    before = {f"text {n}": "a b " * 100 for n in range(20)}
    after = dict.fromkeys(before, "b a a " * 60)
    units = [e.text.unit for e in diff(before, after).entries if e.text]
    assert units[0] is Unit.WORD
    assert units[-1] is Unit.LINE


def test_lists_that_would_take_too_long_to_align_are_compared_by_place():
    before, after = [0, 1] * 300, [1, 0, 0] * 200
    found = diff(before, after, limit=10_000)
    assert _apply(before, found.entries) == after


def test_signs_written_without_spaces_are_words_of_their_own():
    found = diff_texts("\u4ed8\u6b3e\u5341\u5143", "\u4ed8\u6b3e\u767e\u5143", Work())
    assert [p.text for p in found.parts] == ["\u4ed8\u6b3e", "\u5341", "\u767e", "\u5143"]


def _nest(value: Json) -> Json:
    for _ in range(MAX_DEPTH + 3):
        value = {"in": value}
    return value


def _read(found: TextDiff, kind: PartKind) -> str:
    return "".join(p.text for p in found.parts if p.kind in (PartKind.SAME, kind))


def _apply(before: Json, entries: tuple[Entry, ...]) -> Json:
    return _rebuild(before, [(entry.path, entry) for entry in entries])


def _rebuild(before: Json, entries: list[tuple[tuple[Any, ...], Entry]]) -> Json:
    here = [entry for path, entry in entries if not path]
    if here and here[0].change in (Change.CHANGED, Change.TEXT):
        return here[0].after
    result = _place(before, here) if isinstance(before, list) else before
    deeper: dict[Any, list[tuple[tuple[Any, ...], Entry]]] = {}
    for path, entry in entries:
        if path:
            deeper.setdefault(path[0], []).append((path[1:], entry))
    result = result.copy() if deeper else result
    for key, inner in deeper.items():
        first = inner[0][1]
        if first.change is Change.ADDED and not inner[0][0]:
            result[key] = first.after
        elif first.change is Change.REMOVED and not inner[0][0]:
            del result[key]
        else:
            result[key] = _rebuild(result[key], inner)
    return result


def _place(before: list[Json], entries: list[Entry]) -> list[Json]:
    dropped = {e.at + n for e in entries if e.change is Change.DROPPED for n in range(len(e.items))}
    result = [item for at, item in enumerate(before) if at not in dropped]
    for entry in sorted(entries, key=lambda e: e.at):
        if entry.change is Change.INSERTED:
            result[entry.at : entry.at] = entry.items
    return result


def _normal(value: Json) -> str:
    """As text, where 1 and 1.0 are the same and true is neither."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
