"""Who may use the Agent Server API: tokens come as LangGraph's clients send them."""

from __future__ import annotations

import httpx
import pytest

from interlock.core.model import people
from interlock.core.model.people import Permission, Role
from interlock.core.model.routes import Route
from interlock.core.model.runs import RunStatus
from interlock.core.services import observing, operators, permitting, token_keeping
from interlock.core.services.context import App
from interlock.dashboard.http.agent_server import app as agent_server

HOST = "http://127.0.0.1:8501"
ONE = "1" * 32
RUN = {"assistant_id": "refunds", "input": {"amount": 7}}


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(app=agent_server.build())
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as opened:
        yield opened


@pytest.fixture
def key(app: App):
    """Signing in is needed; makes the header of somebody's token."""
    for name, role in (("ada", Role.ADMIN), ("ben", Role.OPERATOR), ("vic", Role.VIEWER)):
        operators.add(app, name, role=role, actor="ann")
    operators.set_sign_in(app, "local", actor="ann")

    def make_key(name: str) -> dict[str, str]:
        trusted = permitting.bind(app, people.SYSTEM)
        made = token_keeping.make(
            trusted, "sdk", scopes=tuple(Permission), days=1, operator=name, actor="ada"
        )
        return {"x-api-key": made.secret}

    return make_key


async def test_an_api_key_acts_in_the_name_of_its_person(client, app, refunds, key):
    told = await client.post("/runs", json=RUN, headers=key("ben"))
    assert (told.status_code, told.json()["status"]) == (200, "pending")
    assert observing.get_run(permitting.bind(app, people.SYSTEM), told.json()["run_id"]).created_by
    assert told.json()["metadata"]["created_by"] == "ben"


async def test_a_viewer_sees_and_starts_nothing(client, refunds, key):
    vic = key("vic")
    assert (await client.post("/assistants/count", json={}, headers=vic)).status_code == 200
    for path, body in (("/runs", RUN), ("/threads", {}), ("/runs/wait", RUN)):
        told = await client.post(path, json=body, headers=vic)
        assert (told.status_code, told.json()["type"]) == (403, "urn:interlock:not-allowed"), path


@pytest.mark.parametrize("value", ["", "ilk_wrong", "lsv2_of_somebody_else", "ilk_a ilk_b"])
async def test_another_key_is_nobodys(client, refunds, key, value):
    key("ben")
    told = await client.post("/threads/search", json={}, headers={"x-api-key": value})
    assert (told.status_code, told.json()["type"]) == (401, "urn:interlock:signed-out")


async def test_without_sign_in_a_key_of_another_service_is_passed_over(client, refunds):
    headers = {"x-api-key": "lsv2_of_somebody_else"}
    told = await client.post("/runs", json=RUN, headers=headers)
    assert told.json()["metadata"]["created_by"] == "ann"
    told = await client.post("/runs", json=RUN, headers={"x-api-key": "ilk_wrong"})
    assert told.status_code == 401


async def test_anybody_is_told_that_the_server_is_there_and_nothing_else(client, refunds, key):
    key("ben")
    assert (await client.get("/ok")).json() == {"ok": True}
    assert (await client.get("/info")).json()["flags"]["assistants"] is True
    for method, path in (("POST", "/ok"), ("GET", "/assistants/refunds"), ("GET", "/ok/..")):
        assert (await client.request(method, path)).status_code in {401, 404}, path
    assert (await client.get("/assistants/refunds")).status_code == 401


async def test_a_body_is_bounded_and_a_key_of_a_request_carries_it_out_once(client, refunds):
    headers = {"content-type": "text/plain"}
    assert (await client.post("/runs", content="{}", headers=headers)).status_code == 415
    once = {"idempotency-key": "order-1"}
    first, again = [await client.post("/runs", json=RUN, headers=once) for _ in range(2)]
    assert first.json()["run_id"] == again.json()["run_id"]
    assert first.headers["content-location"] == again.headers["content-location"]


async def test_an_answer_where_two_have_to_agree_is_one_vote(client, refunds, put, make, key):
    put(make.put_run, "r1", status=RunStatus.WAITING)
    put(make.put_approval, run_id="r1", schema=None, interrupt_id=ONE, route=Route(quorum=2))
    body = {"assistant_id": "refunds", "command": {"resume": {ONE: True}}}
    ben = key("ben")
    first = await client.post("/threads/t1/runs", json=body, headers=ben)
    assert (first.status_code, first.json()["run_id"]) == (200, "r1")
    assert first.json()["status"] == "interrupted"
    second = await client.post("/threads/t1/runs", json=body, headers=key("ada"))
    assert (second.status_code, second.json()["status"]) == (200, "pending")
    late = await client.post("/threads/t1/runs", json=body, headers=ben)
    assert (late.status_code, late.json()["winner"]["actor"]) == (409, "ada")
