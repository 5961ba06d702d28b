"""What the API answers: JSON documents, and errors as problem+json (RFC 9457)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from interlock.core.errors import (
    CallRefused,
    Conflict,
    InterlockError,
    InvalidInput,
    KeyMissing,
    NotAllowed,
    NotFound,
    NotServed,
    NoWorker,
    OutcomeUnknown,
    QueueFull,
    RateLimited,
    SealBroken,
    SignedOut,
    StoreUnavailable,
    SwitchedOff,
    UsageError,
    WorkflowNotLoaded,
)
from interlock.core.model import json_values
from interlock.core.types import Json

PROBLEM = "application/problem+json"
NO_STORE = {"cache-control": "no-store"}
OUTCOME_HEADER = "interlock-outcome"  # `unknown`: it may have been done, or not

# The most specific first; the name is the end of the problem's `type`.
_TABLE: tuple[tuple[type[InterlockError], int, str], ...] = (
    (InvalidInput, 422, "invalid-input"),
    (UsageError, 422, "invalid-input"),
    (NotFound, 404, "not-found"),
    (Conflict, 409, "conflict"),
    (WorkflowNotLoaded, 409, "workflow-not-loaded"),
    (SignedOut, 401, "signed-out"),
    (NotAllowed, 403, "not-allowed"),
    (RateLimited, 429, "rate-limited"),
    (OutcomeUnknown, 503, "outcome-unknown"),
    (NotServed, 501, "not-served"),
    (StoreUnavailable, 503, "store-unavailable"),
    (KeyMissing, 503, "key-missing"),
    (SealBroken, 503, "seal-broken"),
    (NoWorker, 503, "no-worker"),
    (QueueFull, 503, "queue-full"),
    (SwitchedOff, 503, "switched-off"),
    (CallRefused, 503, "refused-for-now"),
)
_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    413: "Too large",
    415: "Not JSON",
    422: "Invalid input",
    428: "Version required",
    429: "Too many requests",
    500: "Internal error",
    501: "Not served",
    503: "Not available",
}
NAMES = {
    400: "bad-request",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    413: "too-large",
    415: "not-json",
    422: "invalid-input",
    428: "version-required",
    429: "too-many",
    500: "internal-error",
    501: "not-served",
}


def answer(
    document: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The document as JSON, as the command line prints it: null for NaN."""
    return Response(
        dump(document),
        status_code=status,
        headers=NO_STORE | dict(headers or {}),
        media_type="application/json",
    )


def dump(document: Json) -> bytes:
    """One line of JSON in UTF-8, whatever texts it holds."""
    options: dict[str, Any] = {"allow_nan": False, "separators": (",", ":"), "default": str}
    clean = json_values.make_finite(document)
    try:
        return json.dumps(clean, ensure_ascii=False, **options).encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(clean, ensure_ascii=True, **options).encode()


def refusal(error: InterlockError) -> Response:
    """The problem that an error of ours is."""
    headers = {}
    if isinstance(error, RateLimited | QueueFull):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, SignedOut):
        headers["www-authenticate"] = 'Bearer realm="interlock"'
    if isinstance(error, OutcomeUnknown):
        headers[OUTCOME_HEADER] = "unknown"
    document = describe(error)
    return _problem(document, headers)


def describe(error: InterlockError) -> dict[str, Json]:
    """The document of a problem, where no status can say it."""
    status, name = next(
        ((status, name) for kind, status, name in _TABLE if isinstance(error, kind)),
        (400, "refused"),
    )
    more = error.as_document()
    more.pop("error")
    if error.hint:
        more["hint"] = error.hint
    return _document(status, error.message, name, more)


def problem(
    status: int,
    detail: str,
    *,
    name: str = "",
    headers: Mapping[str, str] | None = None,
    **more: Json,
) -> Response:
    """A problem: `type` is for programs, `detail` for people, `more` what is known besides."""
    return _problem(_document(status, detail, name or NAMES[status], more), headers or {})


def _document(status: int, detail: str, name: str, more: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "type": f"urn:interlock:{name}",
        "title": _TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        **more,
    }


def _problem(document: Mapping[str, Json], headers: Mapping[str, str]) -> Response:
    return Response(
        dump(document),
        status_code=document["status"],
        headers=NO_STORE | dict(headers),
        media_type=PROBLEM,
    )
