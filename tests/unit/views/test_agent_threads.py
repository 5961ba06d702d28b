"""Which threads and states a client of the Agent Server wants."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.core.errors import InvalidInput, NotServed
from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadOrder, ThreadSearch
from interlock.dashboard.views import agent_documents, agent_threads
from interlock.dashboard.views.agent_threads import Change

KNOWN = ["desk", "pair"]


def search(**given: Any) -> ThreadSearch:
    found = agent_threads.read_search(given, KNOWN)
    assert found is not None
    return found


def test_a_search_without_anything_is_for_the_threads_that_moved_last() -> None:
    assert search() == ThreadSearch()


def test_a_search_by_all_there_is() -> None:
    desk = agent_documents.assistant_id("desk")
    found = search(
        metadata={"assistant_id": desk, "graph_id": "desk", "team": "a"},
        status="idle",
        ids=["t1"],
        sort_by="created_at",
        sort_order="asc",
        limit=7,
        offset=3,
    )
    assert found.wanted.workflow == "desk"
    idle = (RunStatus.DONE, RunStatus.CANCELLED, RunStatus.CONTINUED)
    assert (found.wanted.statuses, found.or_unused) == (idle, True)
    assert (found.ids, found.data) == (("t1",), {"team": "a"})
    assert (found.order, found.newest_first) == (ThreadOrder.CREATED, False)
    assert (found.limit, found.offset) == (7, 3)
    assert not search(status="interrupted").or_unused


def test_none_can_be_of_a_workflow_that_is_not_there_or_of_two() -> None:
    assert agent_threads.read_search({"metadata": {"graph_id": "nobody"}}, KNOWN) is None
    two = {"graph_id": "desk", "assistant_id": "pair"}
    assert agent_threads.read_search({"metadata": two}, KNOWN) is None


@pytest.mark.parametrize(
    "given", [{"values": {"a": 1}}, {"extract": {"a": "b"}}, {"sort_by": "status"}]
)
def test_what_is_not_searched_by_is_refused(given: Any) -> None:
    with pytest.raises(NotServed):
        agent_threads.read_search(given, KNOWN)


def test_which_points_of_a_history_are_wanted() -> None:
    wanted, before = agent_threads.read_points(
        {"metadata": {"source": "loop", "step": 3, "run_id": "r"}, "before": "c1"}
    )
    assert (wanted.sources, wanted.step_from, wanted.step_to) == (("loop",), 3, 3)
    assert (wanted.run_id, before) == ("r", "c1")
    place = {"checkpoint_id": "c2", "checkpoint_ns": ""}
    assert agent_threads.read_points({"before": place})[1] == "c2"
    assert agent_threads.read_points({"before": {"configurable": place}})[1] == "c2"
    assert agent_threads.read_points({})[0].is_free


@pytest.mark.parametrize(
    "given",
    [
        {"metadata": {"user": "ann"}},
        {"metadata": {"source": "elsewhere"}},
        {"metadata": {"step": "3"}},
        {"metadata": {"run_id": 3}},
        {"checkpoint": {"checkpoint_id": "c1"}},
        {"before": {"checkpoint_id": "c1", "checkpoint_ns": "team:1"}},
    ],
)
def test_points_that_are_not_looked_for_are_refused(given: Any) -> None:
    with pytest.raises(NotServed):
        agent_threads.read_points(given)


def test_a_state_is_edited_left_out_or_ended() -> None:
    edit = agent_threads.read_update({"values": {"a": 1}, "checkpoint_id": "c1"})
    assert (edit.change, edit.edits, edit.as_node) == (Change.EDIT, {"a": 1}, None)
    assert edit.checkpoint_id == "c1"
    as_node = agent_threads.read_update({"values": [{"a": 1}, {"b": 2}], "as_node": "pay"})
    assert (as_node.edits, as_node.as_node) == ({"a": 1, "b": 2}, "pay")
    skip = agent_threads.read_update({"as_node": "pay"})
    assert (skip.change, skip.edits, skip.as_node) == (Change.SKIP, {}, "pay")
    stop = agent_threads.read_update({"values": None, "as_node": "__end__"})
    assert (stop.change, stop.edits, stop.as_node) == (Change.STOP, {}, None)


@pytest.mark.parametrize(
    "given",
    [
        {"values": {"a": 1}, "as_node": "__end__"},
        {"values": {"a": 1}, "as_node": "__start__"},
        {"values": None, "as_node": "__copy__"},
        {"values": None},
    ],
)
def test_a_state_that_is_not_changed_like_that_is_refused(given: Any) -> None:
    with pytest.raises(NotServed):
        agent_threads.read_update(given)
    with pytest.raises(InvalidInput):
        agent_threads.read_update({"values": "text"})
