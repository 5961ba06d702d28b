"""Documents of the Agent Server, made of ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid5

import pytest

from interlock.core.model.approvals import Approval, ApprovalStatus, Kind
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.model.thread_lists import ThreadFound
from interlock.core.model.threads import CheckpointEntry, Snapshot, Thread
from interlock.core.model.workflows import Workflow
from interlock.dashboard.views import agent_documents

AT = datetime(2026, 11, 22, tzinfo=UTC)
SNAPSHOT = Snapshot(
    thread_id="t1",
    checkpoint_id="c2",
    values={"a": 1},
    next=("review", "review", "team"),
    interrupts=(),
    metadata={"source": "loop"},
    created_at=AT,
)
POINT = CheckpointEntry(
    thread_id="t1",
    checkpoint_id="c2",
    parent_id="c1",
    step=3,
    source="loop",
    next=("review",),
    run_id="r1",
    created_at=AT,
    size_bytes=1,
    branch=0,
)
THREAD = Thread(
    thread_id="t1",
    workflow="desk",
    head_checkpoint_id="c2",
    last_run_id="r1",
    created_at=AT,
    updated_at=AT,
)


@pytest.fixture
def card(make: SimpleNamespace) -> Any:
    def build(interrupt_id: str | None, node: str, namespace: str, **more: Any) -> Approval:
        given = {"interrupt_id": interrupt_id, "node": node, "namespace": namespace}
        found: Approval = make.card(f"card-{interrupt_id}", **given, **more)
        return found

    return build


def workflow(**more: Any) -> Workflow:
    edges = [
        ("__start__", "read", False),
        ("read", "team/look", True),
        ("team/look", "team/look", True),
        ("team/look", "team/tell", False),
        ("team/tell", "__end__", False),
        ("read", "team/tell", True),
    ]
    nodes = [("team", "subgraph"), ("__start__", "start"), ("read", "node"), ("__end__", "end")]
    nodes += [("team/look", "node"), ("team/tell", "node")]
    values: dict[str, Any] = {
        "name": "desk",
        "error": None,
        "description": "Pays.",
        "nodes": ("read", "team/look", "team/tell"),
        "graph": {
            "nodes": [{"id": name, "label": name, "kind": kind} for name, kind in nodes],
            "edges": [
                {"source": source, "target": target, "label": "", "conditional": conditional}
                for source, target, conditional in edges
            ],
        },
        "input_schema": {"type": "object"},
        "context_schema": None,
        "state_schema": {"type": "object", "title": "State"},
        "channels": ("a",),
        "published_at": AT,
    }
    return Workflow(**(values | more))


def test_a_workflow_is_an_assistant_as_an_agent_server_names_it() -> None:
    told = agent_documents.of_assistant(workflow())
    expected = str(uuid5(UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), "desk"))
    assert (told["assistant_id"], told["graph_id"], told["name"]) == (expected, "desk", "desk")
    assert agent_documents.find_workflow(expected, ["pair", "desk"]) == "desk"
    assert agent_documents.find_workflow("pair", ["pair", "desk"]) == "pair"
    assert agent_documents.find_workflow("nobody", ["pair", "desk"]) is None
    assert agent_documents.of_schemas(workflow())["state_schema"]["title"] == "State"


def test_a_drawing_opens_its_subgraphs_as_far_as_it_is_asked_to() -> None:
    closed = agent_documents.of_graph(workflow(), depth=0)
    assert {node["id"] for node in closed["nodes"]} == {"__start__", "read", "team", "__end__"}
    assert [(e["source"], e["target"]) for e in closed["edges"]] == [
        ("__start__", "read"),
        ("read", "team"),
        ("team", "team"),
        ("team", "__end__"),
    ]
    opened = agent_documents.of_graph(workflow(), depth=1)
    assert {"team/look", "team/tell"} < {node["id"] for node in opened["nodes"]}
    assert "team" not in {node["id"] for node in opened["nodes"]}
    assert len(opened["edges"]) == 6
    assert agent_documents.of_graph(workflow(graph={}), depth=1) == {"nodes": [], "edges": []}


def test_a_thread_has_its_state_and_what_it_asks_by_task(card: Any) -> None:
    cards = (
        card("i1", "team/review", "team:t-1|review:t-2", schema={"type": "string"}),
        card("i2", "team/review", "team:t-1|review:t-3"),
        card(None, "pay", "", kind=Kind.BREAKPOINT),
    )
    found = ThreadFound(
        thread=THREAD,
        status=RunStatus.WAITING,
        snapshot=SNAPSHOT,
        cards=cards,
        data={"team": "a", "graph_id": "lie"},
    )
    told = agent_documents.of_thread(found)
    assert (told["status"], told["values"]) == ("interrupted", {"a": 1})
    assert (told["metadata"]["team"], told["metadata"]["graph_id"]) == ("a", "desk")
    [asked] = told["interrupts"].values()
    assert list(told["interrupts"]) == ["t-1"]
    assert [each["id"] for each in asked] == ["i1", "i2"]
    assert asked[0]["response_schema"] == {"type": "string"}
    assert "response_schema" not in asked[1]
    assert agent_documents.questions(cards) == list(cards[:2])


def test_a_thread_that_nothing_ran_on_is_idle_and_of_no_workflow() -> None:
    thread = replace(THREAD, workflow="", head_checkpoint_id=None, last_run_id=None)
    found = ThreadFound(thread=thread, status=None, snapshot=None, cards=(), data={})
    told = agent_documents.of_thread(found)
    assert (told["status"], told["values"], told["metadata"]) == ("idle", {}, {})
    state = agent_documents.of_no_state("t1", workflow="", created_at=AT)
    assert (state["values"], state["checkpoint"]["checkpoint_id"]) == ({}, None)


def test_every_status_has_a_word_of_theirs() -> None:
    assert set(agent_documents.RUN_STATUSES) == set(RunStatus)
    assert {agent_documents.status_of_thread(each) for each in RunStatus} == {
        "idle",
        "busy",
        "interrupted",
        "error",
    }


def test_a_run_says_when_it_moved_last(make: SimpleNamespace) -> None:
    run = make.run("r1", RunStatus.RUNNING, workflow="desk", started_at=AT)
    told = agent_documents.of_run(run)
    assert (told["status"], told["updated_at"]) == ("running", AT.isoformat())
    assert told["metadata"]["created_by"] == "Ann"
    queued = replace(run, started_at=None)
    assert agent_documents.of_run(queued)["updated_at"] == run.created_at.isoformat()


def test_at_the_head_only_what_is_open_is_asked(card: Any) -> None:
    cards = [
        card("i1", "review", "review:t-1"),
        card("i2", "review", "review:t-2"),
        card("i3", "review", "review:t-3", status=ApprovalStatus.DECIDED),
        card(None, "pay", "", kind=Kind.BREAKPOINT),
    ]
    told = agent_documents.of_state(
        SNAPSHOT, workflow="desk", point=POINT, cards=cards, is_head=True
    )
    assert [(task["name"], task["id"]) for task in told["tasks"][:2]] == [
        ("review", "t-1"),
        ("review", "t-2"),
    ]
    assert [each["id"] for each in told["interrupts"]] == ["i1", "i2"]
    assert (told["tasks"][2]["name"], told["tasks"][2]["interrupts"]) == ("team", [])
    assert UUID(told["tasks"][2]["id"])
    assert told["parent_checkpoint"]["checkpoint_id"] == told["parent_checkpoint_id"] == "c1"
    assert told["metadata"]["source"] == "loop"


def test_in_the_past_what_was_asked_is_what_the_state_says(card: Any) -> None:
    asked = [
        {"id": "i1", "node": "team/review", "value": 1, "response_schema": {"type": "string"}},
        {"id": "i9", "node": "review", "value": 2},
    ]
    cards = [card("i1", "team/review", "team:t-1|review:t-2", status=ApprovalStatus.DECIDED)]
    snapshot = replace(SNAPSHOT, interrupts=tuple(asked))
    told = agent_documents.of_state(
        snapshot, workflow="desk", point=None, cards=cards, is_head=False
    )
    by_task = {task["name"]: task for task in told["tasks"] if task["interrupts"]}
    assert by_task["team"]["id"] == "t-1"
    assert by_task["team"]["interrupts"][0]["response_schema"] == {"type": "string"}
    assert by_task["review"]["interrupts"] == [{"id": "i9", "value": 2}]
    assert UUID(by_task["review"]["id"])
    assert told["parent_checkpoint"] is None


def test_what_waiting_gives(card: Any) -> None:
    asked = [card("i1", "review", "review:t-1", payload="Pay?"), card(None, "pay", "")]
    asked[1] = replace(asked[1], kind=Kind.BREAKPOINT)
    told = agent_documents.of_result(SNAPSHOT, asked, None)
    assert told == {"a": 1, "__interrupt__": [{"id": "i1", "value": "Pay?"}]}
    assert agent_documents.of_result(SNAPSHOT, asked[1:], None) == {"a": 1}
    assert agent_documents.of_result(None, [], None) == {}
    odd = replace(SNAPSHOT, values=[1])
    assert agent_documents.of_result(odd, asked, None) == [1]
    failed = {"error": "ValueError", "message": "No."}
    assert agent_documents.of_result(SNAPSHOT, asked, failed) == {"__error__": failed}


def test_why_a_run_failed(make: SimpleNamespace) -> None:
    failure = Failure(type="ValueError", message="No.")
    run = make.run("r1", RunStatus.FAILED, error=failure)
    assert agent_documents.of_error(run) == {"error": "ValueError", "message": "No."}
    assert agent_documents.of_error(replace(run, status=RunStatus.PAUSED)) is None
    assert agent_documents.of_error(replace(run, error=None)) is None


def test_what_the_index_alone_knows_of_a_state() -> None:
    told = agent_documents.without_values(POINT)
    assert (told.values, told.next) == ({}, ("review",))
    assert told.metadata == {"source": "loop", "step": 3, "run_id": "r1"}


def test_a_document_holds_what_was_asked_for() -> None:
    assert agent_documents.select({"a": 1, "b": 2}, None) == {"a": 1, "b": 2}
    assert agent_documents.select({"a": 1, "b": 2}, ["b", "c"]) == {"b": 2}
