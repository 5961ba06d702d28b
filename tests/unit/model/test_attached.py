"""Which graph a thread of another application belongs to."""

from __future__ import annotations

import pytest

from interlock.core.model.attached import UNKNOWN, Choice, choose_graph

REFUND = {"__start__", "amount", "log", "branch:to:pay"}
REPORT = {"__start__", "topic", "branch:to:edit"}
GRAPHS = {"refund": REFUND, "report": REPORT}


@pytest.mark.parametrize("key", ["graph_id", "workflow", "assistant_id", "assistant"])
def test_the_graph_that_the_metadata_name_is_taken(key):
    assert choose_graph({key: "report"}, REFUND, GRAPHS) == Choice("report")


def test_without_a_name_the_only_graph_with_all_the_channels_is_taken():
    assert choose_graph({}, {"__start__", "amount", "log"}, GRAPHS) == Choice("refund")
    assert choose_graph({"assistant_id": "f00d"}, REPORT, GRAPHS) == Choice("report")


def test_a_node_that_the_graph_has_no_more_does_not_matter():
    assert choose_graph({}, {"amount", "branch:to:gone"}, GRAPHS) == Choice("refund")


def test_a_thread_that_may_belong_to_several_says_so():
    found = choose_graph({}, {"amount"}, {**GRAPHS, "again": REFUND})
    assert found.workflow == UNKNOWN
    assert found.trouble == "It may belong to any of the graphs again, refund."


def test_the_only_graph_is_not_taken_for_a_state_with_other_fields():
    found = choose_graph({}, {"hidden", "__start__"}, {"refund": REFUND})
    assert found.workflow == UNKNOWN
    assert found.trouble == "No graph of the config has the fields of its state (hidden)."


def test_a_name_that_the_config_has_not_is_kept_and_told():
    found = choose_graph({"graph_id": "gone"}, {"hidden"}, GRAPHS)
    assert found == Choice("gone", "Its graph 'gone' is not in the config.")


def test_a_state_without_fields_fits_nothing():
    found = choose_graph({}, set(), {"refund": REFUND})
    assert found.trouble == "No graph of the config has the fields of its state (nothing)."


@pytest.mark.parametrize("name", ["g" * 301, "a\0b", ""])
def test_a_name_that_cannot_be_kept_is_none(name):
    assert choose_graph({"graph_id": name}, {"hidden"}, GRAPHS).workflow == UNKNOWN
