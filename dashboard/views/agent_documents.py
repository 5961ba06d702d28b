"""
The documents of LangGraph's Agent Server, made of ours, so that its clients can read them.

Source: `langgraph_sdk.schema`. What a document of theirs has and we do not know is null or left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from interlock.core.model.approvals import STANDING, Approval, ApprovalStatus
from interlock.core.model.runs import RunStatus, RunSummary
from interlock.core.model.thread_lists import ThreadFound
from interlock.core.model.threads import CheckpointEntry, Snapshot
from interlock.core.model.workflows import Workflow
from interlock.core.types import Json

# By which an Agent Server names the assistant of a graph, so that an id of one is ours, too.
GRAPHS = UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")

RUN_STATUSES: Mapping[RunStatus, str] = {
    RunStatus.QUEUED: "pending",
    RunStatus.RUNNING: "running",
    RunStatus.WAITING: "interrupted",
    RunStatus.PAUSED: "interrupted",
    RunStatus.CONTINUED: "interrupted",  # it stopped for a human; another run went on from there
    RunStatus.DONE: "success",
    RunStatus.FAILED: "error",
    RunStatus.CANCELLED: "interrupted",
}
THREAD_STATUSES: Mapping[str, tuple[RunStatus, ...]] = {
    "busy": (RunStatus.QUEUED, RunStatus.RUNNING),
    "interrupted": (RunStatus.WAITING, RunStatus.PAUSED),
    "error": (RunStatus.FAILED,),
    "idle": (RunStatus.DONE, RunStatus.CANCELLED, RunStatus.CONTINUED),
}
_OF_LAST_RUN = {run: thread for thread, each in THREAD_STATUSES.items() for run in each}


def select(document: dict[str, Json], names: Collection[str] | None) -> dict[str, Json]:
    """The fields of a document that were asked for; None is all of them."""
    return document if names is None else {k: v for k, v in document.items() if k in names}


def assistant_id(workflow: str) -> str:
    """The id of a workflow as an assistant: the same on every server, for ever."""
    return str(uuid5(GRAPHS, workflow))


def find_workflow(named: str, known: Iterable[str]) -> str | None:
    """The workflow that an assistant's id means, or the name of a graph."""
    names = list(known)
    return next((name for name in names if named in (name, assistant_id(name))), None)


def of_assistant(workflow: Workflow) -> dict[str, Json]:
    """A workflow as an assistant."""
    return {
        "assistant_id": assistant_id(workflow.name),
        "graph_id": workflow.name,
        "name": workflow.name,
        "description": workflow.description,
        "config": {},
        "context": {},
        "metadata": {"created_by": "system"},
        "version": 1,
        "created_at": workflow.published_at.isoformat(),
        "updated_at": workflow.published_at.isoformat(),
    }


def of_schemas(workflow: Workflow) -> dict[str, Json]:
    """What a workflow takes and keeps."""
    return {
        "graph_id": workflow.name,
        "input_schema": workflow.input_schema,
        "output_schema": None,
        "state_schema": workflow.state_schema,
        "config_schema": None,
        "context_schema": workflow.context_schema,
    }


def of_graph(workflow: Workflow, *, depth: int) -> dict[str, Json]:
    """
    The drawing of a workflow.

    Args:
        workflow: The workflow.
        depth: How many levels of subgraphs are opened; a closed one is one node.
    """
    nodes: dict[str, Json] = {}
    for node in workflow.graph.get("nodes", ()):
        name = _close(node["id"], depth)
        is_closed = name != node["id"] or node["kind"] != "subgraph"
        if is_closed:
            nodes.setdefault(name, {"id": name, "type": "runnable", "data": {"name": name}})
    edges = []
    for edge in workflow.graph.get("edges", ()):
        source, target = _close(edge["source"], depth), _close(edge["target"], depth)
        told = {"source": source, "target": target, "conditional": edge["conditional"]}
        is_inside = source == target and edge["source"] != edge["target"]
        if not is_inside and told not in edges:
            edges.append(told)
    return {"nodes": list(nodes.values()), "edges": edges}


def _close(path: str, depth: int) -> str:
    return "/".join(path.split("/")[: depth + 1])


def of_thread(found: ThreadFound) -> dict[str, Json]:
    """A thread with the state it stands at and what it asks."""
    thread, snapshot = found.thread, found.snapshot
    return {
        "thread_id": thread.thread_id,
        "created_at": thread.created_at.isoformat(),
        "updated_at": thread.updated_at.isoformat(),
        "state_updated_at": thread.updated_at.isoformat(),
        "metadata": {**found.data, **_of_workflow(thread.workflow)},
        "config": {},
        "status": status_of_thread(found.status),
        "values": {} if snapshot is None else snapshot.values,
        "interrupts": of_cards(found.cards),
        "error": None,
    }


def status_of_thread(last: RunStatus | None) -> str:
    """The status of a thread, by that of its last run."""
    return "idle" if last is None else _OF_LAST_RUN[last]


def of_cards(cards: Sequence[Approval]) -> dict[str, list[Json]]:
    """The questions of cards by the task that asks them; a breakpoint and a failure ask none."""
    found: dict[str, list[Json]] = {}
    for card in cards:
        if card.interrupt_id is not None:
            found.setdefault(task_of(card), []).append(of_question(card))
    return found


def of_question(card: Approval) -> dict[str, Json]:
    """One question, as its graph asked it."""
    told = {"id": card.interrupt_id, "value": card.payload}
    return told if card.schema is None else {**told, "response_schema": card.schema}


def task_of(card: Approval) -> str:
    """The task of the thread itself that asks, where a subgraph's does the task around it."""
    return card.namespace.partition("|")[0].rpartition(":")[2]


def questions(cards: Sequence[Approval]) -> list[Approval]:
    """The cards that an answer goes to by the id of an interrupt."""
    return [card for card in cards if card.kind not in STANDING]


def of_run(run: RunSummary) -> dict[str, Json]:
    """A run."""
    moved_at = run.ended_at or run.started_at or run.created_at
    return {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "assistant_id": assistant_id(run.workflow),
        "created_at": run.created_at.isoformat(),
        "updated_at": moved_at.isoformat(),
        "status": RUN_STATUSES[run.status],
        "metadata": {**_of_workflow(run.workflow), "created_by": run.created_by},
        "multitask_strategy": "reject",
    }


def of_state(
    snapshot: Snapshot,
    *,
    workflow: str,
    point: CheckpointEntry | None,
    cards: Sequence[Approval],
    is_head: bool,
) -> dict[str, Json]:
    """
    The state of a thread at a checkpoint.

    Args:
        snapshot: The state.
        workflow: Whose thread it is.
        point: Its entry of the index, which knows what was before.
        cards: Those of the thread; which tasks asked is known from them alone.
        is_head: Whether the thread stands there: then only what is open is asked.
    """
    thread_id, at = snapshot.thread_id, snapshot.checkpoint_id
    parent_id = point.parent_id if point is not None else None
    tasks = _tasks(snapshot, _find_asked(snapshot, cards, is_head=is_head))
    return {
        "values": snapshot.values,
        "next": list(snapshot.next),
        "tasks": tasks,
        "interrupts": [each for task in tasks for each in task["interrupts"]],
        "metadata": {**snapshot.metadata, **_of_workflow(workflow)},
        "created_at": snapshot.created_at.isoformat(),
        "checkpoint": of_checkpoint(thread_id, at),
        "parent_checkpoint": parent_id and of_checkpoint(thread_id, parent_id),
        "checkpoint_id": at,
        "parent_checkpoint_id": parent_id,
    }


def of_no_state(thread_id: str, *, workflow: str, created_at: datetime) -> dict[str, Json]:
    """The state of a thread that nothing has run on."""
    return {
        "values": {},
        "next": [],
        "tasks": [],
        "interrupts": [],
        "metadata": _of_workflow(workflow),
        "created_at": created_at.isoformat(),
        "checkpoint": of_checkpoint(thread_id, None),
        "parent_checkpoint": None,
        "checkpoint_id": None,
        "parent_checkpoint_id": None,
    }


def of_checkpoint(thread_id: str, checkpoint_id: str | None) -> dict[str, Json]:
    """Where a checkpoint is, as clients name it again."""
    return {
        "thread_id": thread_id,
        "checkpoint_ns": "",
        "checkpoint_id": checkpoint_id,
        "checkpoint_map": None,
    }


def of_result(
    snapshot: Snapshot | None, cards: Sequence[Approval], error: Mapping[str, Json] | None
) -> Json:
    """What waiting for a run gives: the state, what is asked there, or why it failed."""
    if error is not None:
        return {"__error__": dict(error)}
    values = {} if snapshot is None else snapshot.values
    asked = [of_question(card) for card in questions(cards)]
    return {**values, "__interrupt__": asked} if asked and isinstance(values, dict) else values


def of_error(run: RunSummary) -> dict[str, Json] | None:
    """Why a run failed, if it did."""
    if run.status is not RunStatus.FAILED or run.error is None:
        return None
    return {"error": run.error.type, "message": run.error.message}


def _find_asked(
    snapshot: Snapshot, cards: Sequence[Approval], *, is_head: bool
) -> list[tuple[str, str, dict[str, Json]]]:
    """What is asked there: of which node, by which task, empty where that is not known."""
    known = {card.interrupt_id: card for card in cards if card.interrupt_id is not None}
    if is_head:
        pending = [c for c in known.values() if c.status is ApprovalStatus.PENDING]
        return [(_root(card.node), task_of(card), of_question(card)) for card in pending]
    found = []
    for asked in snapshot.interrupts:
        told = {key: asked[key] for key in ("id", "value")}
        if asked.get("response_schema") is not None:
            told["response_schema"] = asked["response_schema"]
        card = known.get(asked["id"])
        found.append((_root(asked["node"]), "" if card is None else task_of(card), told))
    return found


def _tasks(
    snapshot: Snapshot, asked: Sequence[tuple[str, str, dict[str, Json]]]
) -> list[dict[str, Json]]:
    """What is due there; the id of a task that did not ask is made up."""
    groups: dict[tuple[str, str], list[Json]] = {}
    for node, task_id, question in asked:
        groups.setdefault((node, task_id), []).append(question)
    found: list[dict[str, Json]] = []
    for at, node in enumerate(snapshot.next):
        group = next((each for each in groups if each[0] == node), None)
        made_up = str(uuid5(GRAPHS, f"{snapshot.checkpoint_id}:{at}:{node}"))
        found.append(
            {
                "id": (group and group[1]) or made_up,
                "name": node,
                "path": ["__pregel_pull", node],
                "error": None,
                "interrupts": [] if group is None else groups.pop(group),
                "checkpoint": None,
                "state": None,
                "result": None,
            }
        )
    return found


def _root(path: str) -> str:
    return path.partition("/")[0]


def _of_workflow(name: str) -> dict[str, Json]:
    return {"graph_id": name, "assistant_id": assistant_id(name)} if name else {}


def without_values(point: CheckpointEntry) -> Snapshot:
    """What the index alone knows of a state."""
    return Snapshot(
        thread_id=point.thread_id,
        checkpoint_id=point.checkpoint_id,
        values={},
        next=point.next,
        interrupts=(),
        metadata={"source": point.source, "step": point.step, "run_id": point.run_id},
        created_at=point.created_at,
    )
