"""Lists by pages: a bounded number of items, and an opaque cursor to the next of the same list."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Query
from starlette.responses import Response

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.types import Json
from interlock.dashboard.http.api.answers import answer

MAX_LIMIT = 200
MAX_CURSOR_CHARS = 2000

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many items.")]
Cursor = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR_CHARS, description="`next` of the page before; same filters."),
]

T = TypeVar("T")


def page(
    found: Sequence[T],
    *,
    limit: int,
    which: Sequence[Json],
    place: Callable[[T], list[Json]],
    show: Callable[[T], Json],
    **more: Json,
) -> Response:
    """
    Answer a page.

    Args:
        found: One more than fit, where there are more.
        limit: How many fit.
        which: What names this list: its kind and filters.
        place: Where an item stands in it.
        show: Its document.
        more: What is known besides.
    """
    items = found[:limit]
    cursor = write_cursor(which, place(items[-1])) if len(found) > limit else None
    return answer({"items": [show(item) for item in items], "next": cursor, **more})


def read_cursor(cursor: str | None, *, which: Sequence[Json]) -> str | None:
    """
    The place that a cursor of this list stands for: a text.

    Raises:
        InvalidInput: It is none of this list.
    """
    found = read_place(cursor, which=which, reads=(str,))
    return None if found is None else found[0]


def read_place(
    cursor: str | None, *, which: Sequence[Json], reads: Sequence[Callable[[str], Any]]
) -> list[Any] | None:
    """
    The same of several parts, each read by what raises ValueError where it is none.

    Raises:
        InvalidInput: It is none of this list.
    """
    if cursor is None:
        return None
    try:
        told = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
        if not isinstance(told, list) or not all(isinstance(part, str) for part in told):
            raise ValueError("it is no list of texts")
        name, *parts = told
        if name != _name(which):
            raise ValueError("it is of another list")
        return [read(part) for read, part in zip(reads, parts, strict=True)]
    except (ValueError, OverflowError, RecursionError) as exc:
        raise InvalidInput(
            "The cursor does not belong to this list.",
            problems=[FieldProblem("cursor", "is not `next` of a page with the same filters")],
            hint="Begin again without it.",
        ) from exc


def read_moment(text: str) -> datetime:
    """
    A moment as a cursor has it.

    Raises:
        ValueError: It is none, or has no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("it has no zone")
    return moment.astimezone(UTC)


def read_number(text: str) -> int:
    """
    A number of a row.

    Raises:
        ValueError: It is none that a row could have.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError("it is no number of a row")
    return int(text)


def write_cursor(which: Sequence[Json], place: Sequence[Json]) -> str:
    """The cursor for what comes after a place of this list."""
    return base64.urlsafe_b64encode(json.dumps([_name(which), *place]).encode()).decode()


def _name(which: Sequence[Json]) -> str:
    return hashlib.sha256(json.dumps(which, default=str).encode()).hexdigest()[:16]
