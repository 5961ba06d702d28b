"""
An example of each document, made by what makes the documents themselves: it cannot differ from them.

Where something may be missing there are two, one with it and one without.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from interlock.core.model import diffing
from interlock.core.model.approvals import Approval, ApprovalStatus, Decision, Kind, Verb
from interlock.core.model.audit_lists import AuditEntry
from interlock.core.model.bulk import Outcome, Pick, Told
from interlock.core.model.claims import Claim
from interlock.core.model.history import ForkLine, Point
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.routes import OPEN, Route
from interlock.core.model.routing import Vote
from interlock.core.model.runs import Failure, Run, RunKind, RunOptions, RunStatus
from interlock.core.model.thread_lists import ThreadLine
from interlock.core.model.threads import Snapshot, Thread
from interlock.core.model.workflows import Workflow
from interlock.core.services import card_documents, documents, figure_documents
from interlock.core.services.deciding import Decided
from interlock.core.services.history import Comparison
from interlock.core.services.observing import Card
from interlock.core.services.voting import Counted
from interlock.core.types import ApprovalId, CheckpointId, RunId, ThreadId
from interlock.dashboard.http.api.described import ID, page_of, show

_AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
_LATER = _AT + timedelta(seconds=2)
_RUN_ID, _THREAD_ID = RunId(ID), ThreadId(ID)
_CHECKPOINT_ID = CheckpointId("1f0c7a9e-0000-6000-8002-000000000001")

_workflow = Workflow(
    name="refund_desk",
    description="Refunds a customer.",
    nodes=("review", "pay"),
    graph={},
    input_schema={"type": "object"},
    context_schema=None,
    state_schema=None,
    channels=("amount",),
    published_at=_AT,
    error=None,
)
WORKFLOW = show(
    "Workflow",
    documents.of_workflow(_workflow),
    documents.of_workflow(replace(_workflow, error="ImportError: no module named 'shop'")),
)

_run = Run(
    run_id=_RUN_ID,
    thread_id=_THREAD_ID,
    workflow="refund_desk",
    kind=RunKind.START,
    status=RunStatus.QUEUED,
    priority=0,
    created_at=_AT,
    created_by="ann",
    input={"amount": 700},
    context=None,
    options=RunOptions(),
)
_failure = Failure("TimeoutError", "no answer", node="pay", attempt=3)
_ended = replace(
    _run,
    status=RunStatus.FAILED,
    started_at=_AT,
    ended_at=_LATER,
    error=_failure,
    previous_run_id=_RUN_ID,
    batch_id=ID,
)
_broken = replace(_ended, error=Failure("Killed", "Its worker died three times over it."))
_node = NodeRun(
    run_id=_RUN_ID,
    thread_id=_THREAD_ID,
    workflow="refund_desk",
    task_id=ID,
    attempt=1,
    delivery=1,
    node="pay",
    path="pay",
    namespace="pay:1",
    step=2,
    status=NodeStatus.OK,
    started_at=_AT,
)
_nodes = [
    replace(
        _node,
        duration_ms=12.5,
        error_type="TimeoutError",
        error_message="no answer",
        error_kind="timeout",
        retry_wait_ms=500.0,
        origin="memory",
        ended_at=_LATER,
    ),
    _node,
]
_warning = RunEvent(
    run_id=_RUN_ID, seq=7, kind="warning", path="pay", at=_LATER, data={"text": "It waits."}
)
RUN = show("Run", documents.of_run(_ended), documents.of_run(_run))
RUN_DETAIL = show(
    "RunDetail",
    documents.of_run_detail(_ended, values={"amount": 700}, nodes=_nodes, warnings=[_warning]),
    documents.of_run_detail(_run, values=None, nodes=_nodes, warnings=[_warning]),
    documents.of_run_detail(_broken, values=None, nodes=[], warnings=[]),
)

_card = Approval(
    approval_id=ApprovalId(ID),
    interrupt_id="5f0c21b07c3a4d5e",
    thread_id=_THREAD_ID,
    run_id=_RUN_ID,
    workflow="refund_desk",
    node="review",
    namespace="review:1",
    checkpoint_id=_CHECKPOINT_ID,
    kind=Kind.VALUE,
    title="Refund 700?",
    payload={"amount": 700},
    allowed=(Verb.ANSWER, Verb.APPROVE, Verb.REJECT),
    schema=None,
    risk="high",
    status=ApprovalStatus.PENDING,
    version=1,
    asked_at=_AT,
    deadline_at=_AT + timedelta(hours=1),
    warn_at=_AT + timedelta(minutes=48),
    due_at=_AT + timedelta(hours=1),
    on_timeout="reject",
    escalated_to="leads",
    route=Route(
        approvers=("group:finance",),
        quorum=2,
        self_approval=False,
        priority=5,
        initiators=("ben",),
        note="",
    ),
)
_bare_card = replace(
    _card,
    interrupt_id=None,
    deadline_at=None,
    warn_at=None,
    due_at=None,
    escalated_to=None,
    route=OPEN,
)
_vote = Vote(
    approval_id=ApprovalId(ID),
    version=1,
    actor="ann",
    verb=Verb.APPROVE,
    intent={"verb": "approve", "value": None, "each": None, "sends": True},
    reason="checked",
    voted_at=_AT + timedelta(minutes=9),
)
_decision = Decision(
    decision_id=ID,
    approval_id=ApprovalId(ID),
    version=1,
    actor="ann",
    verb=Verb.APPROVE,
    answer=True,
    reason="checked",
    decided_at=_AT + timedelta(minutes=11),
    seconds_to_decide=660.5,
    run_id=_RUN_ID,
)
APPROVAL = show("Approval", documents.of_approval(_card), documents.of_approval(_bare_card))
_claim = Claim(
    approval_id=_card.approval_id,
    person="ann",
    claimed_at=_card.asked_at,
    until=_card.asked_at,
    note="on the phone with them",
    assigned_by="ben",
)
LISTED = show(
    "ListedApproval",
    card_documents.of_listed(_card, _claim),
    card_documents.of_listed(_bare_card, replace(_claim, assigned_by=None)),
    card_documents.of_listed(_bare_card, None),
)
CARD = show(
    "Card",
    card_documents.of_opened(
        Card(
            approval=replace(_card, status=ApprovalStatus.DECIDED),
            decisions=(_decision,),
            siblings=(),
            votes=(_vote,),
        ),
        _claim,
    ),
    card_documents.of_opened(
        Card(approval=_bare_card, decisions=(), siblings=()), replace(_claim, assigned_by=None)
    ),
    card_documents.of_opened(Card(approval=_bare_card, decisions=(), siblings=()), None),
)
DECIDED = show(
    "Decided",
    documents.of_decided(
        Decided(
            approval=replace(_card, status=ApprovalStatus.DECIDED),
            decision=_decision,
            run_id=_RUN_ID,
        )
    ),
    documents.of_decided(Counted(approval=_card, vote=_vote, votes=(_vote,), missing=1)),
)
_told = Told(
    pick=Pick(ApprovalId(ID), 1),
    outcome=Outcome.DONE,
    title="Refund 700?",
    workflow="refund_desk",
    status="decided",
    run_id=_RUN_ID,
)
_refused = Told(
    pick=Pick(ApprovalId(ID), 1), outcome=Outcome.REFUSED, refusal="It is of high risk."
)
BULK = show("Bulk", card_documents.of_bulk([_told, _refused]))
LAUNCHED = show(
    "Launched",
    documents.of_launch(replace(_run, status=RunStatus.WAITING), [_card, _bare_card]),
    documents.of_launch(_ended, []),
    documents.of_launch(_broken, []),
)

_fork = ForkLine(
    fork_id=ID,
    thread_id=_THREAD_ID,
    run_id=_RUN_ID,
    verb=RewindVerb.EDIT,
    target_id=_CHECKPOINT_ID,
    left_id=_CHECKPOINT_ID,
    actor="ann",
    reason="wrong amount",
    created_at=_LATER,
    from_thread_id=_THREAD_ID,
    as_node="review",
)
_bare_fork = replace(_fork, left_id=None, from_thread_id=None, as_node=None)
_point = Point(
    thread_id=_THREAD_ID,
    checkpoint_id=_CHECKPOINT_ID,
    parent_id=_CHECKPOINT_ID,
    step=2,
    source="loop",
    next=("pay",),
    run_id=_RUN_ID,
    created_at=_AT,
    size_bytes=640,
    branch=0,
    ran=("review",),
    fork=_fork,
    asked_count=1,
    decided_count=1,
)
POINT = show(
    "Point",
    documents.of_point(_point, head=_CHECKPOINT_ID),
    documents.of_point(replace(_point, parent_id=None, run_id=None, fork=None), head=None),
    documents.of_point(replace(_point, fork=_bare_fork), head=None),
)

_thread = Thread(
    thread_id=_THREAD_ID,
    workflow="refund_desk",
    head_checkpoint_id=_CHECKPOINT_ID,
    last_run_id=_RUN_ID,
    created_at=_AT,
    updated_at=_LATER,
    from_thread_id=_THREAD_ID,
    from_checkpoint_id=_CHECKPOINT_ID,
    trouble="Its file is gone.",
)
_bare_thread = replace(
    _thread,
    head_checkpoint_id=None,
    last_run_id=None,
    from_thread_id=None,
    from_checkpoint_id=None,
    trouble=None,
)
_line = ThreadLine(
    thread=_thread, status=RunStatus.WAITING, waiting_count=1, point_count=3, size_bytes=1900
)
THREAD = show(
    "Thread",
    figure_documents.of_thread(_line),
    figure_documents.of_thread(replace(_line, thread=_bare_thread, status=None)),
)

_state = Snapshot(
    thread_id=_THREAD_ID,
    checkpoint_id=_CHECKPOINT_ID,
    values={"amount": 700},
    next=("review",),
    interrupts=(),
    metadata={},
    created_at=_AT,
)
STATE = show("State", documents.of_snapshot(_state))
_changed = replace(_state, values={"amount": 620, "note": "half"})
_difference = diffing.diff(_state.values, _changed.values)
DIFF = show(
    "Diff",
    documents.of_comparison(ID, Comparison(before=_state, after=_changed, diff=_difference)),
)

_entry = AuditEntry(
    seq=7,
    at=_AT,
    actor="ann",
    action="launch",
    object=f"run:{ID}",
    before=None,
    after={"workflow": "refund_desk"},
    reason="",
    previous_hash="0" * 64,
    hash="9f" * 32,
    origin="api",
    address="127.0.0.1",
)
ENTRY = show("AuditEntry", _entry.as_json())

WORKFLOWS, RUNS, APPROVALS = page_of(WORKFLOW), page_of(RUN), page_of(LISTED)
THREADS, ENTRIES = page_of(THREAD), page_of(ENTRY)
POINTS = page_of(POINT, missing="Its older points are not read yet.")
