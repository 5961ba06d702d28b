from __future__ import annotations

from interlock.core.model.diffing import StateDiff, diff
from interlock.dashboard.views.formatting import IN
from interlock.dashboard.views.state_diff import PLACES_COUNT, build


def test_a_short_value_stands_before_and_after_on_red_and_green():
    (place,) = build(diff({"n": 1, "s": "x"}, {"n": 2, "s": "x"})).places
    assert (place.path, place.word) == ("n", "changed")
    assert place.marked == ":red-background[1] :material/arrow_forward: :green-background[2]"


def test_what_came_and_what_went_are_told_apart():
    view = build(diff({"old": ""}, {"new": "y"}))
    assert view.summary == "2 differences in old, new"
    assert [(p.path, p.word, p.marked) for p in view.places] == [
        ("old", "removed", ':red-background[\\"\\"]'),
        ("new", "added", ":green-background[y]"),
    ]


def test_a_long_or_nested_value_is_shown_for_itself():
    (place,) = build(diff({"a": 1}, {"a": {"b": [2]}})).places
    assert place.marked == ""
    assert place.values == (("before", 1), ("after", {"b": [2]}))


def test_a_text_is_told_by_word_and_its_signs_mean_nothing():
    (place,) = build(
        diff(
            {"t": "We refund 620 EUR\n**now** "},
            {"t": "We refund [500](http://evil) EUR\n**now** "},
        )
    ).places
    assert place.word == "text changed"
    assert ":red-background[620] " in place.marked
    assert "\\*\\*now\\*\\*" in place.marked
    assert "  \n" in place.marked
    assert "[500](" not in place.marked


def test_long_stretches_that_are_the_same_are_left_out():
    same = "word " * 200
    (place,) = build(
        diff({"t": f"{same}a {same}b {same}"}, {"t": f"{same}c {same}d {same}"})
    ).places
    assert place.marked.count("…") == 3
    assert len(place.marked) < 900


def test_a_removed_line_break_is_no_mark_of_its_own():
    (place,) = build(diff({"t": "a\n\nb"}, {"t": "a b"})).places
    assert ":red-background[]" not in place.marked


def test_a_text_too_long_to_compare_is_counted():
    before = " ".join(str(n) for n in range(5000)).replace(" ", "\n")
    (place,) = build(diff({"t": before}, {"t": before[::-1]})).places
    assert place.word.startswith("text replaced, 23\N{NARROW NO-BREAK SPACE}889 characters by")
    assert [name for name, _ in place.values] == ["before", "after"]


def test_messages_that_came_are_a_conversation_and_other_items_a_list():
    before = {"messages": [{"role": "user", "content": "hi"}], "log": [1, 2, 3]}
    after = {
        "messages": [{"role": "user", "content": "hi"}, {"role": "ai", "content": "yes"}],
        "log": [0, 1, 2],
    }
    said, added, removed = build(diff(before, after)).places
    assert said.word == "1 message appended"
    assert said.said is not None
    assert [m.text for m in said.said.messages] == ["yes"]
    assert (added.word, added.values) == ("1 item added from place 1", (("after", [0]),))
    assert (removed.word, removed.values) == ("1 item removed at the end", (("before", [3]),))


def test_a_place_within_a_record_names_it_and_counts_from_one():
    before = {"m": [{"id": "x", "content": "a"}]}
    (place,) = build(diff(before, {"m": [{"id": "x", "content": "b"}]})).places
    assert place.path == f"m{IN}1{IN}content (x)"


def test_equal_states_and_those_not_compared_whole_say_so():
    assert build(StateDiff(entries=())).summary == "Nothing differs."
    partial = build(StateDiff(entries=(), is_partial=True))
    assert partial.summary == "Nothing differs in what can be seen."
    assert len(partial.notes) == 1


def test_more_differences_than_can_be_read_are_counted():
    count = PLACES_COUNT + 5
    view = build(diff({}, {f"f{n}": n for n in range(count)}))
    assert len(view.places) == PLACES_COUNT
    assert view.notes == ("5 more differences not shown.",)
    assert view.summary.endswith("f7 and 97 more")
