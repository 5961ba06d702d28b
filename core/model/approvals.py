"""A card: what a graph asks a human, what may be answered, and who decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from interlock.core.model.routes import OPEN, Route
from interlock.core.types import ApprovalId, CheckpointId, Json, RunId, ThreadId


class ApprovalStatus(StrEnum):
    """Where a card stands. `withdrawn`: its run was cancelled; `superseded`: its branch was left."""

    PENDING = "pending"
    DECIDED = "decided"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


class Kind(StrEnum):
    """The shape of what was asked (facts: interrupt-payloads c2 to c6, c1 for failed nodes)."""

    AGENT_INBOX = "agent_inbox"
    LANGCHAIN = "langchain"
    LANGCHAIN_CALL = "langchain_call"
    SCHEMA = "schema"
    CHOICE = "choice"
    CONFIRM = "confirm"
    VALUE = "value"
    BREAKPOINT = "breakpoint"
    FAILURE = "failure"


# No task waits for these; they are identified by where the thread stands.
STANDING = frozenset({Kind.BREAKPOINT, Kind.FAILURE})


class Verb(StrEnum):
    """What an operator can do with a card, whatever its shape (DESIGN.md section 5, Words)."""

    APPROVE = "approve"
    REJECT = "reject"
    REVISE = "revise"
    EDIT = "edit"
    RESPOND = "respond"
    ANSWER = "answer"
    FALLBACK = "fallback"
    SKIP = "skip"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True)
class ApprovalSummary:
    """
    What lists say of a card: everything but what may be large (`Approval` has that, too).

    `interrupt_id` is None for a breakpoint and a failure, which are identified by their checkpoint;
    `allowed` are the verbs; `version` changes only with what is asked (law 1). What `on_timeout` says
    happens at `due_at`, None where nothing does; `deadline_note` says why, where it was to.
    """

    approval_id: ApprovalId
    interrupt_id: str | None
    thread_id: ThreadId
    run_id: RunId
    workflow: str
    node: str
    namespace: str
    checkpoint_id: CheckpointId
    kind: Kind
    title: str
    allowed: tuple[Verb, ...]
    risk: str
    status: ApprovalStatus
    version: int
    asked_at: datetime
    deadline_at: datetime | None = None
    closed_at: datetime | None = None
    warn_at: datetime | None = None
    due_at: datetime | None = None
    on_timeout: Json = None
    escalated_to: str | None = None
    deadline_note: str = ""
    route: Route = OPEN


@dataclass(frozen=True, kw_only=True)
class Approval(ApprovalSummary):
    """
    One card, whole.

    `payload` is the interrupt's value as JSON, `schema` the JSON Schema of the answer or None; `tools`
    has the JSON Schema of the arguments by name of the tool, for the tools that it is about.
    """

    payload: Json
    schema: Json
    tools: Json = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person, or its deadline, decided on one version of a card, and the run that carries it out."""

    decision_id: str
    approval_id: ApprovalId
    version: int
    actor: str
    verb: Verb
    answer: Json
    reason: str
    decided_at: datetime
    seconds_to_decide: float
    run_id: RunId
    refused: str | None = None
    before: Json = None
    after: Json = None
    by_deadline: bool = False


@dataclass(frozen=True, kw_only=True)
class Intent:
    """
    What an operator wants to do with a card, before it is checked.

    Args:
        verb: One of the card's `allowed`; None where `each` is given.
        value: The edit (arguments, fields or whole answer), the text of a response, or any answer.
        each: For several actions in one interrupt: one mapping `{decision, ...}` an action, in order.
        reason: Free text, kept with the decision; sent along where the shape has a place for it.
    """

    verb: Verb | None
    value: Json = None
    each: tuple[Json, ...] | None = None
    reason: str = ""
