"""Answers by the Agent Server API: all of them or none, and none is undone by who leaves."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from starlette.requests import ClientDisconnect

from interlock.core.model import people
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.people import Permission, Role
from interlock.core.model.routes import Route
from interlock.core.model.runs import RunStatus
from interlock.core.services import assigning, observing, operators, permitting, token_keeping
from interlock.core.services.context import App
from interlock.core.store import runs
from interlock.dashboard.http.agent_server import app as agent_server
from interlock.dashboard.http.agent_server import following

HOST = "http://127.0.0.1:8501"
ONE, TWO = "1" * 32, "2" * 32


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(app=agent_server.build())
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as opened:
        yield opened


@pytest.fixture
def key(app: App):
    """Signing in is needed; makes the header of somebody's token."""
    for name, role in (("ada", Role.ADMIN), ("ben", Role.OPERATOR)):
        operators.add(app, name, role=role, actor="ann")
    operators.set_sign_in(app, "local", actor="ann")

    def make_key(name: str) -> dict[str, str]:
        trusted = permitting.bind(app, people.SYSTEM)
        scopes = tuple(Permission)
        made = token_keeping.make(trusted, "k", scopes=scopes, days=1, operator=name, actor="ada")
        return {"x-api-key": made.secret}

    return make_key


async def leave(path: str, body: dict, headers: dict[str, str]) -> None:
    """Send a request, and be gone when it is answered."""
    given = [{"type": "http.request", "body": json.dumps(body).encode()}]

    async def receive():
        return given.pop() if given else {"type": "http.disconnect"}

    async def take(_message):
        raise OSError

    raw = {"host": "127.0.0.1:8501", "content-type": "application/json", **headers}
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in raw.items()],
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }
    with pytest.raises(ClientDisconnect):
        await agent_server.build()(scope, receive, take)
    await asyncio.gather(*following._cancelling)


@pytest.mark.parametrize("way", ["wait", "stream"])
async def test_who_leaves_after_a_vote_takes_no_card_from_others(app, refunds, put, make, key, way):
    put(make.put_run, "r1", status=RunStatus.WAITING)
    put(make.put_approval, run_id="r1", schema=None, interrupt_id=ONE, route=Route(quorum=2))
    body = {"assistant_id": "refunds", "command": {"resume": {ONE: True}}}
    ben, ada = key("ben"), key("ada")
    trusted = permitting.bind(app, people.SYSTEM)
    await leave(f"/threads/t1/runs/{way}", body | {"on_disconnect": "cancel"}, ben)
    found = observing.get_card(trusted, "a1")
    assert (found.approval.status, len(found.votes)) == (ApprovalStatus.PENDING, 1)
    assert observing.get_run(trusted, "r1").status is RunStatus.WAITING
    await leave(f"/threads/t1/runs/{way}", body | {"on_disconnect": "cancel"}, ada)
    [went] = [run for run in observing.list_runs(trusted, thread_id="t1") if run.run_id != "r1"]
    assert went.status is RunStatus.CANCELLED  # this request made it go


async def test_a_run_that_has_come_to_a_question_is_not_cancelled_by_who_leaves(
    app, refunds, put, make
):
    queued = put(make.put_run, "r1")
    armed = following.arm(app, queued, "ann", is_asked=True)
    assert armed is not None
    assert following.arm(app, queued, "ann", is_asked=False) is None
    held = {"from_": {RunStatus.QUEUED}, "to": RunStatus.WAITING}
    put(runs.move, "r1", **held)
    armed.begin()
    await asyncio.gather(*following._cancelling)
    assert observing.get_run(app, "r1").status is RunStatus.WAITING
    assert following.arm(app, observing.get_run(app, "r1"), "ann", is_asked=True) is None


@pytest.mark.parametrize("obstacle", ["others", "claim", "vote"])
async def test_of_several_answers_none_is_decided_where_one_is_refused(
    client, app, refunds, put, make, key, obstacle
):
    route = {"others": Route(approvers=("ada",)), "vote": Route(quorum=2)}.get(obstacle, Route())
    put(make.put_run, "r1", status=RunStatus.WAITING)
    put(make.put_approval, "a1", run_id="r1", schema=None, interrupt_id=ONE)
    put(make.put_approval, "a2", run_id="r1", schema=None, interrupt_id=TWO, route=route)
    ben = key("ben")
    trusted = permitting.bind(app, people.SYSTEM)
    if obstacle == "claim":
        assigning.claim(trusted, "a2", actor="ada")
    body = {"assistant_id": "refunds", "command": {"resume": {TWO: True}}}
    if obstacle == "vote":
        assert (await client.post("/threads/t1/runs", json=body, headers=ben)).status_code == 200
    body["command"] = {"resume": {ONE: True, TWO: True}}
    told = await client.post("/threads/t1/runs", json=body, headers=ben)
    assert told.status_code == (403 if obstacle == "others" else 409)
    for card in ("a1", "a2"):
        assert observing.get_card(trusted, card).approval.status is ApprovalStatus.PENDING, card
    assert [run.run_id for run in observing.list_runs(trusted, thread_id="t1")] == ["r1"]
