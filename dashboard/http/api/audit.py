"""The audit: who did what, when, to what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime
from starlette.responses import Response

from interlock.core.model.audit_lists import MAX_TEXT, AuditFilter
from interlock.core.services import auditing
from interlock.dashboard import deps
from interlock.dashboard.http.api import examples
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.described import responses
from interlock.dashboard.http.api.pages import (
    Cursor,
    Limit,
    read_number,
    read_place,
    write_cursor,
)

router = APIRouter(tags=["audit"])


def _as_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError("is beyond the years that there are") from exc


Moment = Annotated[AwareDatetime, AfterValidator(_as_utc)]
Text = Annotated[str, Query(max_length=MAX_TEXT)]


@router.get("/audit", responses=responses(examples.ENTRIES))
def list_entries(
    *,
    actor: Text = "",
    action: Text = "",
    object_: Annotated[
        str, Query(alias="object", max_length=300, description="As `run:<id>`; `run:` is all.")
    ] = "",
    origin: Text = "",
    search: Text = "",
    since: Moment | None = None,
    until: Moment | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """What people did, the latest first."""
    which = ["audit", actor, action, object_, origin, search, since, until]
    place = read_place(cursor, which=which, reads=(read_number,))
    wanted = AuditFilter(
        actor=actor,
        action=action,
        object=object_,
        origin=origin,
        text=search,
        since=since,
        until=until,
    )
    found = auditing.list_entries(
        deps.app(), wanted, limit=limit, before=None if place is None else place[0]
    )
    later = None if found.before is None else write_cursor(which, [str(found.before)])
    return answer({"items": [entry.as_json() for entry in found.entries], "next": later})
