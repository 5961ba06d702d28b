from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.dashboard.views.escaping import (
    dot_escape,
    find_hidden,
    html_escape,
    md_escape,
    show_hidden,
    show_hidden_in,
)


def test_every_punctuation_mark_is_escaped_for_markdown():
    assert md_escape("![x](a/b.png)") == r"\!\[x\]\(a\/b\.png\)"
    assert md_escape(":red[a] $b$ `c`") == r"\:red\[a\] \$b\$ \`c\`"


@pytest.mark.parametrize(
    "address", ["http://a.example/b", "HTTPS://a.example", "www.a.example", "ann@a.example"]
)
def test_an_address_is_no_link_and_looks_the_same(address):
    # What GitHub's Markdown looks for in the text that is left after the escapes.
    link = re.compile(r"https?://|www\.|[-.\w+]+@[-\w]+\.", re.IGNORECASE)
    shown = md_escape(f"see {address}").replace("\\", "")
    assert not link.search(shown)
    assert shown.replace("\u2060", "") == f"see {address}"


def test_a_label_stays_on_one_line():
    assert md_escape("a\n\n# b\u2028c ") == r"a \# b c"


@given(st.text())
def test_no_mark_is_left_that_begins_markup(text):
    escaped = md_escape(text)
    at = 0
    while at < len(escaped):
        if escaped[at] == "\\":
            at += 2
            continue
        assert escaped[at] not in string.punctuation
        at += 1
    assert "\n" not in escaped


@given(st.text())
def test_a_dot_label_cannot_leave_its_quotes(text):
    escaped = dot_escape(text)
    bare = escaped.replace("\\\\", "").replace('\\"', "")
    assert '"' not in bare
    assert "\\" not in bare


def test_html_marks_are_escaped_for_charts():
    assert html_escape("<b>&</b>") == "&lt;b&gt;&amp;&lt;/b&gt;"


def test_an_override_that_turns_figures_round_is_shown():
    assert show_hidden("pay \u202e026\u202c EUR") == "pay ⟨U+202E⟩026⟨U+202C⟩ EUR"
    assert show_hidden("a\u200bb\x00c") == "a⟨U+200B⟩b⟨U+0000⟩c"


def test_lines_accents_and_joined_emoji_stay_as_they_are():
    family = "\U0001f468\u200d\U0001f469"
    assert show_hidden(f"é\n\tß {family}\r") == f"é\n\tß {family}\r"


def test_a_tree_names_what_is_hidden_in_its_texts_and_keys():
    spoofed = {"to\u202e": ["/home/\u202egpj.exe", 3, None], "to⟨U+202E⟩": {"a": True}}
    assert show_hidden_in(spoofed) == {
        "to⟨U+202E⟩": ["/home/⟨U+202E⟩gpj.exe", 3, None],
        "to⟨U+202E⟩'": {"a": True},
    }


def test_what_a_field_holds_unseen_is_told_with_its_place():
    assert find_hidden("ada@evil.com") == ""
    assert find_hidden("ada\u202emoc.live@") == "ada⟨U+202E⟩moc.live@"
    told = find_hidden("a" * 500 + "\u200b" + "b" * 500)
    assert told == "…" + "a" * 60 + "⟨U+200B⟩" + "b" * 132 + "…"
