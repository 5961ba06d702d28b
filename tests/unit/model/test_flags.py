"""What can be switched, and how it is told."""

from __future__ import annotations

import pytest

from interlock.core.model.flags import NAME, WHAT, Flag, FlagState, complete, find_flag


def test_every_flag_has_a_name_and_says_what_it_is():
    assert set(NAME) == set(WHAT) == set(Flag)


def test_flags_are_found_by_their_names():
    assert find_flag("time-machine") is Flag.TIME_MACHINE
    assert find_flag("decisions") is None


def test_those_that_were_never_switched_are_on():
    off = FlagState(flag=Flag.NOTICES, is_on=False)

    found = complete([off])

    assert [state.flag for state in found] == list(Flag)
    assert found[2] is off
    assert all(state.is_on for state in found if state is not off)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (FlagState(flag=Flag.EXPORTS), "Exports are on."),
        (
            FlagState(flag=Flag.PRUNING, is_on=False, changed_by="ann", reason="A court asks!"),
            "Pruning is off, by ann: A court asks!",
        ),
        (
            FlagState(flag=Flag.LAUNCHES, is_on=False, changed_by="ann", reason="we move"),
            "Launches are off, by ann: we move.",
        ),
    ],
)
def test_it_is_told_in_a_sentence(state, said):
    assert state.said == said
