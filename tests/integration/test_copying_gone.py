"""A copy whose source went away before a worker came to it."""

from __future__ import annotations

from typing import TypedDict

import pytest
from langgraph.graph import START, StateGraph

from interlock.core.graphs.rewinding import GONE
from interlock.core.model.rewinding import RewindVerb
from interlock.core.services import history, launching, rewinding
from interlock.core.services.launching import Launch
from interlock.core.services.rewinding import ForkRequest

from .laboratory import labs

open_lab = pytest.fixture(scope="module")(labs)


class State(TypedDict):
    log: list[str]


def test_a_copy_of_a_point_that_is_gone_says_so(open_lab):
    lab = open_lab("sqlite")
    graph = StateGraph(State).add_node("step", lambda _: {"log": ["step"]}).add_edge(START, "step")
    lab.serve("gone", graph.compile())
    run = launching.launch(lab.app, Launch(workflow="gone", input={"log": []}), actor="ann")
    lab.work()
    head = history.open_history(lab.app, run.thread_id).points[0].checkpoint_id
    request = ForkRequest(verb=RewindVerb.COPY, checkpoint_id=head, new_thread_id="of nothing")
    rewinding.apply(lab.app, run.thread_id, request, actor="ann", reason="a test")
    lab.do(lab.workshop.savers.delete_thread(run.thread_id))
    lab.work()
    made = history.open_history(lab.app, "of nothing").runs[0]
    assert (made.status, made.error.message) == ("failed", GONE)
