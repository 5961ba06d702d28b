"""Who may read by the Agent Server API: by a POST as by a GET, and for as long as a stream goes on."""

from __future__ import annotations

import httpx
import pytest

from interlock.core.errors import NotFound
from interlock.core.model import people
from interlock.core.model.people import Caller, CallerKind, Permission, Role
from interlock.core.model.runs import RunStatus
from interlock.core.services import operators, permitting, token_keeping
from interlock.core.services.context import App
from interlock.core.store import runs, workflows
from interlock.dashboard.http.agent_server import app as agent_server
from interlock.dashboard.http.agent_server import assistants, following, states, threads
from interlock.dashboard.views.agent_events import Stream
from tests.published import published

HOST = "http://127.0.0.1:8501"
WRITES = {"/threads", "/threads/{thread_id:path}/copy", "/threads/{thread_id:path}/state"}
READS = sorted(
    route.path
    for module in (assistants, states, threads)
    for route in module.router.routes
    if "POST" in route.methods and route.path not in WRITES
)


@pytest.fixture
def trusted(app: App) -> App:
    """The application as it may do anything, where one has to sign in."""
    for name, role in (("ada", Role.ADMIN), ("ben", Role.OPERATOR)):
        operators.add(app, name, role=role, actor="ann")
    operators.set_sign_in(app, "local", actor="ann")
    return permitting.bind(app, people.SYSTEM)


def make_key(trusted: App, *scopes: Permission) -> str:
    made = token_keeping.make(trusted, "sdk", scopes=scopes, days=1, operator="ben", actor="ada")
    return made.secret


@pytest.mark.parametrize("path", READS)
async def test_a_token_that_may_only_launch_reads_nothing_by_a_post(
    app, trusted, refunds, put, make, path
):
    put(make.put_run, "r1")
    url = path.replace("{thread_id:path}", "t1")
    transport = httpx.ASGITransport(app=agent_server.build())
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
        launches, sees = [
            await client.post(url, json={}, headers={"x-api-key": make_key(trusted, scope)})
            for scope in (Permission.LAUNCH, Permission.SEE)
        ]
    assert (launches.status_code, launches.json()["type"]) == (403, "urn:interlock:not-allowed")
    assert sees.status_code not in {401, 403}


def test_every_post_that_only_reads_is_among_them():
    assert len(READS) == 6


def test_a_stream_shows_what_its_reader_sees_by_now(app, trusted, put, make):
    put(workflows.replace_all, [published("refunds", policy={"tenant": "emea"}, at=make.at(0))])
    put(make.put_run, "r1", status=RunStatus.RUNNING)
    operators.change(trusted, "ben", operators.Change(tenants=("emea",)), actor="ada")
    secret = people.hash_secret(make_key(trusted, *Permission))
    ben = permitting.enter(app, Caller(CallerKind.TOKEN, secret))
    heard = Stream("r1", "refunds", ("values",))
    assert following._look_for_end(ben, "r1") == b""
    assert not following._look(ben, heard, 0, 0).is_end
    operators.change(trusted, "ben", operators.Change(tenants=("apac",)), actor="ada")
    assert following._look_for_end(ben, "r1") == b""  # it tells nothing yet, so it asks nobody
    with pytest.raises(NotFound):
        following._look(ben, heard, 0, 0)
    put(runs.move, "r1", from_=(RunStatus.RUNNING,), to=RunStatus.DONE)
    with pytest.raises(NotFound):
        following._look_for_end(ben, "r1")
