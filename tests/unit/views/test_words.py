from __future__ import annotations

import pytest

from interlock.core.model.approvals import Kind, Verb
from interlock.dashboard.palette import Tone
from interlock.dashboard.views.words import (
    look_of_durability,
    look_of_risk,
    say_done,
    say_durability,
    say_going_on,
)


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_has_a_past_tense(verb):
    assert say_done(verb) != "Decided"


def test_an_unknown_verb_is_said_plainly():
    assert say_done("quorum") == "Decided"


def test_a_risk_is_a_grey_word_and_an_unrated_one_none():
    high, low = look_of_risk("high"), look_of_risk("low")
    assert high is not None and low is not None
    assert (high.tone, high.word) == (Tone.QUIET, "high risk")
    assert high.icon != low.icon
    assert look_of_risk("") is None
    assert look_of_risk("unknown") is None


def test_the_words_are_those_of_the_button():
    assert say_done("approve", Kind.BREAKPOINT) == "Went on"
    assert say_done("edit", Kind.FAILURE) == "Retried with changes"
    assert say_done("skip", Kind.FAILURE) == "Skipped"
    assert say_done("fallback", Kind.FAILURE) == "Used the fallback"
    assert say_done("approve", Kind.VALUE) == "Approved"
    assert say_done("answer", Kind.LANGCHAIN, count=3) == "Sent 3 decisions"


def test_what_was_not_durable_says_so_and_what_that_means():
    assert look_of_durability(0) is None
    assert look_of_durability(3).word == "not durable"
    assert say_durability(1).startswith("1 step was kept")
    assert say_durability(3).startswith("3 steps were kept")
    assert say_durability(0) == ""
    assert look_of_durability(0, may_have_repeated=True).word == "not durable"
    again = say_durability(0, may_have_repeated=True)
    assert again.startswith("It may have done steps again")
    assert say_durability(3, may_have_repeated=True) == f"{say_durability(3)} {again}"


def test_what_goes_on_without_the_database_is_named():
    assert say_going_on(()) == ""
    assert "runs of the workflow desk go on" in say_going_on(["desk"])
    two = say_going_on(["desk", "x\u202ey"])
    assert "runs of the workflows desk, x\u27e8U+202E\u27e9y go on" in two
