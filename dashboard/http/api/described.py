"""What the OpenAPI document says of answers: an example each, and the problems that may come."""

from __future__ import annotations

from typing import Any

from interlock.core.types import Json
from interlock.dashboard.http.api.answers import PROBLEM

_WHAT = {
    401: "nobody known asks: no token, or one that is not good (any more)",
    403: "not allowed, or a page of elsewhere asked",
    404: "there is no such thing",
    408: "the body did not come in time",
    409: "somebody was first; `winner` says who",
    413: "the body is too large",
    415: "the body is not JSON",
    422: "something given does not fit; `problems` says what",
    428: "the version is missing",
    429: "too often; `Retry-After` says until when",
    503: "the database or a worker is missing",
}
_ID = "01a2b3c4-0000-7000-8000-000000000001"


def responses(
    example: Json, *problems: int, status: int = 200, what: str = "done", also: int | None = None
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation; with `also` the same document may come under that status."""
    told = {"description": what, "content": {"application/json": {"example": example}}}
    found: dict[int | str, dict[str, Any]] = {status: told}
    if also is not None:
        found[also] = {**told, "description": "begun; `Location` is where to look"}
    for code in sorted({401, 403, 422, 429, 503, *problems}):
        shown = {"type": "urn:interlock:…", "title": "…", "status": code, "detail": "…"}
        found[code] = {"description": _WHAT[code], "content": {PROBLEM: {"example": shown}}}
    return found


def page_of(item: Json) -> dict[str, Json]:
    """A page with one item."""
    return {"items": [item], "next": None}


WORKFLOW = {
    "name": "refund_desk",
    "description": "Refunds a customer.",
    "nodes": ["review", "pay"],
    "input_schema": {"type": "object"},
    "policy": None,
    "error": None,
}
RUN = {
    "run_id": _ID,
    "thread_id": _ID,
    "workflow": "refund_desk",
    "kind": "start",
    "status": "done",
    "created_at": "2026-11-22T09:30:00+00:00",
    "created_by": "ann",
    "started_at": "2026-11-22T09:30:00+00:00",
    "ended_at": "2026-11-22T09:30:02+00:00",
    "previous_run_id": None,
    "reason": "",
    "variant": "",
    "batch_id": None,
    "is_degraded": False,
    "steps_in_memory": False,
    "may_have_repeated": False,
    "error": None,
}
APPROVAL = {
    "approval_id": _ID,
    "interrupt_id": "5f0c…",
    "thread_id": _ID,
    "run_id": _ID,
    "workflow": "refund_desk",
    "node": "review",
    "kind": "value",
    "title": "Refund 700?",
    "payload": {"amount": 700},
    "allowed": ["answer", "approve", "reject"],
    "schema": None,
    "risk": "high",
    "status": "pending",
    "version": 1,
    "asked_at": "2026-11-22T09:30:01+00:00",
    "deadline_at": "2026-11-22T10:30:01+00:00",
    "warn_at": "2026-11-22T10:18:01+00:00",
    "on_timeout": "reject",
    "is_due": True,
    "escalated_to": None,
    "deadline_note": "",
}
DECISION = {
    "version": 1,
    "actor": "ann",
    "verb": "approve",
    "answer": True,
    "reason": "checked",
    "decided_at": "2026-11-22T09:41:00+00:00",
    "seconds_to_decide": 659.0,
    "run_id": _ID,
    "by_deadline": False,
    "before": None,
    "after": None,
}
CARD = APPROVAL | {"status": "decided", "decisions": [DECISION]}
POINT = {
    "checkpoint_id": _ID,
    "parent_id": None,
    "step": 2,
    "source": "loop",
    "next": ["review"],
    "created_at": "2026-11-22T09:30:01+00:00",
    "branch": 0,
    "is_head": True,
    "run_id": _ID,
    "size_bytes": 640,
    "ran": ["read"],
    "asked": 1,
    "decided": 0,
    "fork": None,
}
THREAD = {
    "thread_id": _ID,
    "workflow": "refund_desk",
    "status": "waiting",
    "waiting": 1,
}
