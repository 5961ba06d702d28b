from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.model.conditions import (
    MAX_CHARS,
    ConditionError,
    Verdict,
    parse,
    parse_path,
    read_path,
    say_path,
)

PAYLOAD = {
    "amount": 1200.5,
    "who": {"tier": "gold", "age": None},
    "tags": ["new", "vip", 3],
    "urgent": True,
    "n": 3,
    "unit price": 4,
    "lines": [{"price": 2}, {"price": 30}],
    "empty": None,
    "größe": 7,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("amount > 1000", True),
        ("amount >= 1200.5 and amount <= 1200.5", True),
        ("amount < 1000", False),
        ("1000 < amount < 2000", True),
        ("1000 < amount < 1100", False),
        ("amount > -5", True),
        ("n == 3 and n == 3.0", True),
        ("n != 3", False),
        ('who.tier == "gold"', True),
        ("who['tier'] in ['silver', 'gold']", True),
        ('who.tier not in ("gold", "silver")', False),
        ('"vip" in tags', True),
        ("'3' in tags", False),
        ('"tier" in who', True),
        ('"ol" in who.tier', True),
        ('who.tier < "silver"', True),
        ("urgent", True),
        ("not urgent", False),
        ("urgent == true", True),
        ("urgent == 1", False),
        ("lines[1].price > 20 or false", True),
        ('payload["unit price"] == 4', True),
        ("größe > 6", True),
        ("empty == null", True),
        ("gone == null", True),
        ("gone != null", False),
        ("null == gone", True),
        ("empty == None and true == True", True),
        ("amount != null", True),
        ("who.age == null", True),
        ("gone.deeper == null", True),
        ("lines[9] == null", True),
        ("(n > 2) == true", True),
        ("\n  n\t> 2\n", True),
        ("who.tier == 3", False),
        ("true", True),
        ("not false", True),
    ],
)
def test_a_condition_holds_or_not(text, holds):
    assert Verdict(holds) == parse(text).judge(PAYLOAD)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gone > 3", "there is no gone"),
        ('gone == "x"', "there is no gone"),
        ("who.zip == 3", "there is no who.zip"),
        ("lines[7].price > 3", "there is no lines[7].price"),
        ('payload["the key"] > 3', "there is no payload['the key']"),
        ("amount.cents > 3", "there is no amount.cents"),
        ("who.tier > 3", "a text cannot be compared with a number"),
        ("urgent > 3", "true cannot be compared with a number"),
        ("3 > who", "a number cannot be compared with an object"),
        ("empty > 3", "null cannot be compared with a number"),
        ("tags < tags", "a list cannot be compared with a list"),
        ("3 in amount", "a number cannot be looked for in a number"),
        ("3 in who", "a number cannot be looked for in an object"),
        ("false < 3", "false cannot be compared with a number"),
        ("n in [gone]", "there is no gone"),
        ("amount", "`amount` is neither true nor false"),
        ("0 < gone < 10", "there is no gone"),
        ("gone", "there is no gone"),
        ("not gone", "there is no gone"),
        ("gone > 1 or lost > 1", "there is no gone"),
    ],
)
def test_what_the_payload_does_not_say_is_unknown(text, why):
    assert Verdict(None, why) == parse(text).judge(PAYLOAD)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("gone > 3 or n == 3", True),
        ("n == 3 or gone > 3", True),
        ("gone > 3 and n == 4", False),
        ("gone != null and gone > 3", False),
        ("gone > 3 and n == 3", None),
        ("gone > 3 or n == 4", None),
        ("not (gone > 3 and n == 4)", True),
        ("gone < 3 > 4", False),
    ],
)
def test_an_unknown_part_counts_only_where_the_others_leave_it_open(text, holds):
    assert parse(text).judge(PAYLOAD).holds is holds


def test_a_payload_that_is_no_object_is_asked_as_a_whole():
    assert parse("payload > 3").judge(4) == Verdict(True)
    assert parse("payload[0].args.amount > 3").judge([{"args": {"amount": 4}}]) == Verdict(True)
    assert parse("payload > 3").judge("x").why == "a text cannot be compared with a number"
    assert parse("amount > 3").judge("x").why == "there is no amount"


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("amount >", 9, "cannot be read"),
        ("amount = 3", 8, "cannot be read"),
        ("amount > 3 && urgent", 13, "cannot be read"),
        ("  amount > f(3)", 12, "is not known here"),
        ("größe > f(3)", 9, "is not known here"),
        ("len(tags) > 3", 1, "is not known here"),
        ("amount + 1 > 3", 1, "is not known here"),
        ("amount is null", 1, "is not known here"),
        ('"x".upper == 3', 1, "is not known here"),
        ("[1][0] == 1", 1, "is not known here"),
        ("tags[-1] == 1", 1, "is not known here"),
        ("tags[true] == 1", 1, "is not known here"),
        ("tags[True] == 1", 1, "is not known here"),
        ("tags[n] == 1", 1, "is not known here"),
        ("tags[0:1] == 1", 1, "is not known here"),
        ("amount > -n", 10, "is not known here"),
        ("amount > -True", 10, "is not known here"),
        ("amount > 1j", 10, "is not known here"),
        ("x == b'a'", 6, "is not known here"),
        ("f'{x}' == 'a'", 1, "is not known here"),
        ("[x for x in tags]", 1, "is not known here"),
        ("(x := 3) > 2", 2, "is not known here"),
        ("lambda: 3", 1, "is not known here"),
        ("a if b else c", 1, "is not known here"),
        ("'\\d' in tags", 2, "has a backslash"),
        ("", 1, "cannot be read"),
        ("(" * 300, 201, "cannot be read"),
        ("not " * 60 + "a", 125, "is nested too deeply"),
        ("a" * (MAX_CHARS + 1), MAX_CHARS + 1, "is longer than 1000 characters"),
        ("3", 1, "says neither true nor false"),
        ("'x'", 1, "says neither true nor false"),
        ("null", 1, "says neither true nor false"),
        ("None", 1, "says neither true nor false"),
        ("[1, 2]", 1, "says neither true nor false"),
        ("1, 2", 1, "says neither true nor false"),
        ("-3", 1, "says neither true nor false"),
        ("not 3", 1, "says neither true nor false"),
        ("urgent and 3", 1, "says neither true nor false"),
    ],
)
def test_what_is_no_condition_is_refused_with_its_column(text, column, part):
    with pytest.raises(ConditionError, match=f"column {column}: {part}") as caught:
        parse(text)
    assert column == caught.value.column


def test_a_text_that_is_no_python_at_all_is_refused():
    with pytest.raises(ConditionError, match="cannot be read"):
        parse("a\x00b")


def test_a_path_is_read_alone():
    assert parse_path('lead.names[0]["the first"]') == ("lead", "names", 0, "the first")
    assert parse_path("payload") == ()
    assert parse_path("payload.x") == ("x",)
    for text in ("3", "a > 3", "true", "a or b", "", "a b"):
        with pytest.raises(ConditionError):
            parse_path(text)


def test_a_path_leads_to_a_value_or_to_nothing():
    assert read_path(PAYLOAD, ("lines", 1, "price")) == (True, 30)
    assert read_path(PAYLOAD, ("empty",)) == (True, None)
    assert read_path(PAYLOAD, ("lines", "price")) == (False, None)
    assert read_path({"0": 1}, (0,)) == (False, None)
    assert read_path("x", ()) == (True, "x")


def test_a_path_is_said_as_it_is_written():
    assert say_path(()) == "payload"
    assert say_path((0, "a b", "c")) == "payload[0]['a b'].c"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)
PARTS = st.sampled_from(["a", "b.c", "a[0]", "1", "'x'", "null", "true", "[1, 'x']", "(a, 2)"])
COMPARED = st.builds(
    "{} {} {}".format,
    PARTS,
    st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]),
    PARTS,
)
CONDITIONS = st.recursive(
    COMPARED,
    lambda inner: (
        st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
        | st.builds("not {}".format, inner)
    ),
    max_leaves=6,
)


@given(text=CONDITIONS, payload=JSON)
def test_a_condition_that_was_read_is_judged_whatever_the_payload(text, payload):
    verdict = parse(text).judge(payload)
    assert verdict.holds in (True, False, None)
    assert bool(verdict.why) is (verdict.holds is None)
    opposite = parse(f"not ({text})").judge(payload)
    assert opposite.holds is (None if verdict.holds is None else not verdict.holds)


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@given(text=st.text(max_size=30))
def test_any_text_is_a_condition_or_is_refused(text):
    try:
        column = len(parse(text).judge({}).why)
    except ConditionError as exc:
        column = exc.column
    assert column <= max(len(text) + 1, 200)
