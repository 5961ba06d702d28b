"""
What an attacker writes into everything that an agent or a person can name or say, on every page: no
element that reads markup is given any, and no letter that hides or reverses others reaches the screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from interlock.core.model.approvals import ApprovalStatus, Decision, Kind, Verb
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.model.threads import CheckpointEntry, Snapshot
from interlock.core.services import holding
from interlock.core.store import (
    audit,
    checkpoints,
    decisions,
    engine,
    events,
    nodes,
    snapshots,
    threads,
)
from interlock.core.types import CheckpointId

EVIL = (
    "<img src=x onerror=alert(1)> [l](javascript:alert(1)) ![i](http://x.invalid/i.png)"
    " :red[zz] $x^2$ `c` **b** pay\u202e001\u200b\u2028\0 =1+1"
)
# A sign of it that nothing stands before which takes its meaning away.
MARKUP = re.compile(
    r"(?<!\\)<img|(?<!\\)\[l(?<!\\)\]\(|(?<!\\)!\[i|(?<!\\):red\[zz|(?<!\\)\$x|(?<!\\)`c`"
    r"|(?<!\\)\*\*b\*|javascript:alert"
)
UNSEEN = re.compile("\u202e|001\u200b|\0")
# Elements and fields that show letters as letters, or that hold what one is to write oneself.
LETTERS = {"text", "code", "json", "arrow_data_frame", "dataframe", "table", "exception"}
WRITTEN = {
    "value",
    "raw_value",
    "default",
    "set_value",
    "raw_values",
    "default_values",
    "id",
    "form_id",
}
PLAIN = {
    *("options", "placeholder", "url", "page", "page_script_hash", "query_string", "file_name"),
    *("mime_type", "element_id", "key", "language", "data", "json", "mixed", "bytes", "arrow_data"),
    "spec",  # of a drawing: quoted, and its quotes escaped
    "alt",  # read aloud as letters
}


def walk(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from walk(child)


def texts_of(message: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """All texts of an element with the names of their fields."""
    if isinstance(message, str):
        yield field, message
    elif isinstance(message, bytes):
        yield field, message.decode("utf-8", "ignore").replace("\0", "")
    elif isinstance(message, Message):
        for descriptor, value in message.ListFields():
            inner = value if isinstance(value, Message | str | bytes) else None
            if inner is not None:
                yield from texts_of(inner, descriptor.name)
            elif hasattr(value, "__iter__"):
                for each in value:
                    yield from texts_of(each, descriptor.name)


def problems(page: AppTest) -> list[str]:
    assert not page.exception, page.exception
    found = []
    for node in walk(page._tree):
        proto, kind = getattr(node, "proto", None), getattr(node, "type", "")
        for field, text in texts_of(proto):
            is_markup = kind not in LETTERS and field not in WRITTEN | PLAIN
            if is_markup and (hit := MARKUP.search(text)):
                found.append(f"{kind}.{field}: {text[max(0, hit.start() - 20) : hit.end() + 40]!r}")
            if field not in WRITTEN and (hit := UNSEEN.search(text)):
                found.append(f"{kind}.{field}: unseen {text[max(0, hit.start() - 40) :][:80]!r}")
    return found


@pytest.fixture
def hostile(app, seed):
    """One of everything, each of whose texts is an attack."""
    at = seed.at
    workflow = seed.workflow(
        EVIL[:200],
        description=EVIL,
        nodes=(EVIL,),
        error=None,
        input_schema={"type": "object", "title": EVIL, "properties": {EVIL: {"type": "string"}}},
        graph={"nodes": [{"id": EVIL, "name": EVIL}], "edges": []},
    )
    seed.workflow("broken", error=EVIL)
    seed.worker(project=EVIL, host=EVIL)
    failure = Failure(EVIL[:250], EVIL, EVIL, EVIL, 1, {EVIL: EVIL}, {})
    failed = seed.run(
        RunStatus.FAILED,
        workflow=workflow.name,
        created_by=EVIL[:250],
        input={EVIL: EVIL},
        error=failure,
        reason=EVIL,
        started_at=at,
        ended_at=at + timedelta(seconds=1),
    )
    waiting = seed.run(RunStatus.WAITING, workflow=workflow.name, created_by=EVIL[:250])
    head = CheckpointId("c1")
    named = {"workflow": workflow.name, "node": EVIL, "namespace": EVIL}
    said = {"title": EVIL, "payload": {"question": EVIL, EVIL: [EVIL, {EVIL: EVIL}]}}
    card = seed.card(run=waiting, checkpoint_id=head, **named, **said)
    asked = seed.card(
        run=seed.run(RunStatus.WAITING, workflow=workflow.name),
        kind=Kind.SCHEMA,
        schema={
            "type": "object",
            "title": EVIL,
            "description": EVIL,
            "properties": {
                EVIL: {"type": "string", "title": EVIL, "description": EVIL, "default": EVIL},
                "pick": {"enum": [EVIL, "b"], "title": EVIL},
            },
        },
        **named,
        **said,
    )
    decided = seed.card(run=waiting, status=ApprovalStatus.DECIDED, **named, **said)
    with engine.write(app.engine) as conn:
        decision = Decision(
            decision_id="d1",
            approval_id=decided.approval_id,
            version=1,
            actor=EVIL[:250],
            verb=Verb.ANSWER,
            answer={EVIL: EVIL},
            reason=EVIL,
            decided_at=at,
            seconds_to_decide=1.0,
            run_id=waiting.run_id,
            before={EVIL: EVIL},
            after={EVIL: [EVIL]},
        )
        decisions.insert(conn, decision)
        for run in (failed, waiting):
            node = NodeRun(
                run_id=run.run_id,
                thread_id=run.thread_id,
                workflow=workflow.name,
                task_id=f"task of {run.run_id}",
                attempt=1,
                delivery=1,
                node=EVIL[:250],
                path=EVIL,
                namespace=EVIL,
                step=1,
                status=NodeStatus.ERROR,
                started_at=at,
                duration_ms=5.0,
                ended_at=at,
                error_type=EVIL[:250],
                error_message=EVIL,
                variant=EVIL[:90],
                origin=EVIL[:250],
            )
            nodes.upsert_many(conn, [node])
            for seq, kind in enumerate(("custom", "update", "warning", "message"), start=1):
                data = {EVIL: EVIL, "message": EVIL, "text": EVIL, "node": EVIL}
                event = RunEvent(run_id=run.run_id, seq=seq, kind=kind, path=EVIL, at=at, data=data)
                events.insert_many(conn, [event])
        point = CheckpointEntry(
            thread_id=waiting.thread_id,
            checkpoint_id=head,
            parent_id=None,
            step=0,
            source=EVIL[:20],
            next=(EVIL,),
            run_id=waiting.run_id,
            created_at=at,
            size_bytes=100,
            branch=0,
        )
        checkpoints.insert_many(conn, [point])
        state = Snapshot(
            thread_id=waiting.thread_id,
            checkpoint_id=head,
            values={EVIL: EVIL, "messages": [{"type": "ai", "content": EVIL, "name": EVIL}]},
            next=(EVIL,),
            interrupts=({"id": "i1", "value": EVIL},),
            metadata={EVIL: EVIL},
            created_at=at,
        )
        snapshots.put(conn, state)
        threads.touch(conn, waiting.thread_id, head_checkpoint_id=head, now=at)
        audit.append(
            conn,
            at=at,
            actor=EVIL[:250],
            action=EVIL[:40],
            object_=EVIL,
            before={EVIL: EVIL},
            after={EVIL: "x"},
            reason=EVIL,
        )
    holding.hold(app, workflow.name, actor=EVIL[:100].replace("\0", ""), reason=EVIL)
    return {
        "inbox": [{"card": card.approval_id}, {"card": asked.approval_id}],
        "decided": [{"card": decided.approval_id}],
        "runs": [{}],
        "run": [{"run_id": failed.run_id}, {"run_id": waiting.run_id}],
        "history": [{"thread": waiting.thread_id}],
        "launch": [{"workflow": workflow.name}],
        "workflows": [{"workflow": workflow.name}],
        "audit": [{}, {"entry": "1"}],
        **{
            name: [{}] for name in ("overview", "alerts", "system", "breakers", "caches", "figures")
        },
    }


def test_no_page_is_given_markup_or_unseen_letters_by_what_others_wrote(hostile, open_page):
    found = {}
    for name, visits in hostile.items():
        for params in visits:
            page = open_page("inbox" if name == "decided" else name, **params)
            if wrong := problems(page):
                found[f"{name} {sorted(params)}"] = wrong
    assert not found, "\n".join(f"{k}: {each}" for k, v in found.items() for each in v)
