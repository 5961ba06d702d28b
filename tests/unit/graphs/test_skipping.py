"""The names by which LangGraph's own parts are used to leave out a failed task."""

from __future__ import annotations

from langgraph._internal import _constants as theirs

from interlock.core.graphs import proceeding, skipping


def test_the_names_are_langgraphs_own():
    assert (skipping.NO_WRITES, skipping.SEND, skipping.READ) == (
        theirs.NO_WRITES,
        theirs.CONFIG_KEY_SEND,
        theirs.CONFIG_KEY_READ,
    )


def test_edges_read_the_state_that_is_shown():
    read = skipping._reader({"a": 1, "b": 2})
    assert read("a") == 1
    assert read(["a", "c"], fresh=True) == {"a": 1}
    assert skipping._reader([1])("__root__") == [1]


def test_values_that_cannot_be_compared_count_as_different():
    class Odd:
        def __eq__(self, other):
            raise TypeError

        __hash__ = None

    assert not proceeding._is_same(Odd(), 1)
    assert proceeding._is_same([1], [1])
